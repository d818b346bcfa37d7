"""`bccseg train`: learn from folders of images and masks or labels."""

import argparse
import logging
import os
import sys
from pathlib import Path

from bccseg.config import DEVICES, HEAD_CHANNELS, PRESETS, TrainConfig
from bccseg.errors import SettingsError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    p = commands.add_parser("train", help="train a network on images with masks or labels")
    p.add_argument("--data", type=Path, nargs="+", metavar="DIR", help="folders with original/ and mask/ or labels/")
    p.add_argument("--out", type=Path, metavar="RUN", help="folder of the run; resumed if it exists")
    p.add_argument("--job", type=Path, metavar="RUN", help=argparse.SUPPRESS)  # a run that the training page made
    p.add_argument("--hub-job", metavar="REPO", help=argparse.SUPPRESS)  # on a machine of Hugging Face
    p.add_argument("--preset", default="recommended", choices=sorted(PRESETS))
    p.add_argument("--config", type=Path, metavar="JSON", help="settings of an earlier run (its config.json)")
    p.add_argument("--network", choices=("unet", "resunet"))
    p.add_argument("--head", choices=sorted(HEAD_CHANNELS))
    p.add_argument("--greyscale", action="store_true", help="read images without colour")
    p.add_argument("--width", type=int)
    p.add_argument("--mix", type=Path, metavar="DIR", help="base training set to mix in, so that it is not forgotten")
    p.add_argument("--init", metavar="W", help="weights to go on from: shipped name, folder or hf://owner/repo")
    p.add_argument("--learning-rate", type=float)
    p.add_argument("--epochs", type=int)
    p.add_argument("--steps", type=int, help="steps an epoch")
    p.add_argument("--seed", type=int)
    p.add_argument("--few-labels", action="store_true", help="learn only classes, from the cells that classes/ names")
    p.add_argument("--device", default="auto", choices=DEVICES)
    p.set_defaults(run=run)


def config_from(args: argparse.Namespace) -> TrainConfig:
    """The preset or the config file, with what the command line changes. Raises SettingsError."""
    config = PRESETS[args.preset]
    if args.config:
        try:
            config = TrainConfig.from_json(args.config.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(f"'{args.config}' is not the config.json of a run ({error}).") from error
    network = {"architecture": args.network, "head": args.head, "width": args.width}
    network = {k: v for k, v in network.items() if v is not None}
    if args.greyscale:
        network["in_channels"] = 1
    changes = {
        "base_weights": args.init, "learning_rate": args.learning_rate,
        "epochs": args.epochs, "steps_per_epoch": args.steps, "seed": args.seed,
    }  # fmt: skip
    changes = {k: v for k, v in changes.items() if v is not None}
    return config.replace(network=config.network.replace(**network), **changes)


def run(args: argparse.Namespace) -> int:
    """Train; a line an epoch on stderr; the run folder ends with weights/ that `segment` can use."""
    if args.job:
        return run_page_job(args.job)
    if args.hub_job:
        from bccseg.jobs.hub_work import work_on_hub

        return 0 if work_on_hub(args.hub_job) else 1
    if not (args.data and args.out):
        raise SettingsError("train needs --data DIR and --out RUN.")
    return learn_classes(args) if args.few_labels else train_folder(args, config_from(args))


def train_folder(args: argparse.Namespace, config: TrainConfig) -> int:
    """Train on the folder that was named; returns 0."""
    from bccseg.training.data_sources import TrainingData
    from bccseg.training.epoch_log import EpochReport
    from bccseg.training.run import TrainingObserver, train_run

    leads = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts, the first prints

    class Printer(TrainingObserver):
        """Lines on stderr."""

        def on_data(self, data: TrainingData) -> None:
            for line in (f"{data}; reading them", *data.warnings):
                self.print(line)

        def on_epoch(self, report: EpochReport) -> None:
            self.print(
                f"epoch {report.epoch}/{config.epochs}  loss {report.loss:.4f}  IoU {report.iou:.4f}  "
                f"validation loss {report.val_loss:.4f}  IoU {report.val_iou:.4f}  {report.seconds:.0f} s"
            )

        def on_calibration(self, error: float | None) -> None:
            if error is not None:
                self.print(f"scores calibrated on the images held out, error {error:.3f}")

        def print(self, line: str) -> None:
            if leads:
                print(line, file=sys.stderr, flush=True)

    weights = train_run(
        args.out, map(str, args.data), config, Printer(), args.device, base=str(args.mix or ""),
        data_name=", ".join(folder.name for folder in args.data),
    )  # fmt: skip
    if weights:
        print(f"weights in {weights}", file=sys.stderr)
    return 0


def learn_classes(args: argparse.Namespace) -> int:
    """Classes of whole cells on the weights --init, from a few marked cells; returns 0."""
    from bccseg.inference.predictor import Predictor
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights
    from bccseg.training.cell_head_learning import learn_cell_head
    from bccseg.training.few_labels import describe_cells, read_fields
    from bccseg.training.few_labels_export import accuracy_text, save_few_labels

    folder, source = locate(args.init)
    fields, classes = read_fields(args.data)
    predictor = Predictor(load_weights(folder, source), args.device)
    cells = describe_cells(predictor, fields, lambda _share, what: print(what, file=sys.stderr, flush=True))
    learned = learn_cell_head(cells, classes)
    weights = save_few_labels(folder, args.out / "weights", learned, args.out.name)
    counts = ", ".join(f"{name} {count}" for name, count in learned.about.cells.items())
    print(f"learned from {counts}. {accuracy_text(learned.about)}\nweights in {weights}", file=sys.stderr)
    return 0


def run_page_job(folder: Path) -> int:
    """A run of the training page; how it goes stands in its folder. The app beside it comes first."""
    if hasattr(os, "nice"):
        os.nice(5)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    from bccseg.jobs.training_run import Run

    run = Run(folder)
    if run.spec.hub:
        from bccseg.jobs.hub_relay import relay_job

        return 0 if relay_job(run) else 1
    from bccseg.jobs.worker import run_job

    return 0 if run_job(run) else 1
