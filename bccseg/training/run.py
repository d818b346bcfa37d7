"""One training from its data to calibrated weights, as the command line and the processes of the page both do it."""

from collections.abc import Iterable
from pathlib import Path

from bccseg.config import TrainConfig
from bccseg.errors import DataError
from bccseg.model.device import choose_device
from bccseg.training.data_sources import TrainingData, gather_training_data, load_training_images
from bccseg.training.distributed import ProcessGroup, join_process_group
from bccseg.training.epoch_log import EpochReport
from bccseg.training.provenance import save_provenance
from bccseg.training.trainer import Trainer
from bccseg.training.weight_export import calibrate_weights, export_run

MAX_PROBLEMS = 10  # that a message names


class TrainingObserver:
    """What may be watched of a training; each method may raise Stopped. These do nothing."""

    def on_data(self, data: TrainingData) -> None:
        """The data are gathered and fit together."""

    def on_image(self) -> None:
        """An image is about to be read."""

    def on_start(self, trainer: Trainer) -> None:
        """The first step is next."""

    def on_step(self, step: int, steps: int, loss: float) -> None:
        """A step of an epoch is done."""

    def on_epoch(self, report: EpochReport) -> None:
        """An epoch is done and saved."""

    def on_trained(self) -> None:
        """All epochs are done; the weights are written and calibrated next."""

    def on_calibration(self, error: float | None) -> None:
        """The weights are written and their scores calibrated; None: there were too few cells to do so."""


def train_run(
    folder: Path,
    sources: Iterable[str],
    config: TrainConfig,
    observer: TrainingObserver,
    device: str = "auto",
    *,
    base: str = "",
    name: str | None = None,
    data_name: str = "",
) -> Path | None:
    """Train, or go on training, in a run folder; returns the folder of the weights.

    sources, base: as `gather_training_data` takes them. name: of the weights. data_name: of the data, for their
    configuration. Started by torchrun, several processes train together, and all but the first return None.
    Raises DataError for data that do not fit together, and whatever the steps raise.
    """
    group: ProcessGroup = join_process_group(choose_device(device))
    with group.main_first():
        data = gather_training_data(sources, folder / "data", config.validation_share, base)
    if data.problems:
        raise DataError(" ".join(data.problems[:MAX_PROBLEMS]))
    observer.on_data(data)
    if group.is_main:
        folder.mkdir(parents=True, exist_ok=True)
        save_provenance(folder, data)
    train, monitored, mixed = load_training_images(data, config, observer.on_image)
    trainer = Trainer(train, monitored, config, folder, device, mixed, group)
    observer.on_start(trainer)
    for report in trainer.run(observer.on_step):
        observer.on_epoch(report)
    group.close()
    if not group.is_main:
        return None
    observer.on_trained()
    described = f"{data_name}: " if data_name else ""
    weights = export_run(folder, name=name, data=f"{described}{data}; {data.cells} cells")
    observer.on_calibration(calibrate_weights(weights, data.validation, device))
    return weights
