"""The training loop: seeded, resumable, one checkpoint an epoch.

A run is a folder: config.json, log.jsonl (one line an epoch), checkpoint.pt (to resume), best.safetensors,
preview.png (see `preview`).
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.utils.data import DataLoader

from bccseg.config import TrainConfig, to_dict
from bccseg.errors import TrainingError
from bccseg.files import write_atomically
from bccseg.model.build import build_network
from bccseg.model.device import choose_device, training_autocast
from bccseg.model.sources import locate
from bccseg.model.weights import load_weights
from bccseg.train.data import Crops, Field, validation_batches
from bccseg.train.losses import dice_iou, overlap_counts, segmentation_loss
from bccseg.train.optimise import Averager, learning_rate, make_optimizer
from bccseg.train.preview import save_preview


@dataclass(frozen=True)
class EpochReport:
    """Numbers of one finished epoch."""

    epoch: int
    loss: float
    dice: float
    iou: float
    val_loss: float
    val_dice: float
    val_iou: float
    learning_rate: float
    seconds: float


def first_network(config: TrainConfig) -> nn.Module:
    """The network before the first step: freshly initialised, or with the base weights.

    Raises WeightsError if those cannot be had, TrainingError if they are of another network.
    """
    if not config.base_weights:
        return build_network(config.network)
    base = load_weights(*locate(config.base_weights))
    if base.config.network != config.network:
        raise TrainingError(
            f"'{config.base_weights}' are weights of another network than the one to be trained. "
            "Choose its kind, width, depth and head, or start afresh."
        )
    return base.network


class Trainer:
    """One run in a folder. `run()` yields an EpochReport after every epoch and can be resumed."""

    def __init__(
        self, train: list[Field], validation: list[Field], config: TrainConfig, folder: Path, device: str = "auto"
    ) -> None:
        self.train, self.validation, self.config, self.folder = train, validation, config, folder
        self.device = choose_device(device)
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        self.network = first_network(config).to(self.device, memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.network, config)
        self.average = Averager(self.network, config.ema_decay) if config.ema_decay else None
        self.epoch, self.best = 0, -math.inf
        if (folder / "checkpoint.pt").exists():
            self._resume()
        else:
            (folder / "log.jsonl").unlink(missing_ok=True)  # of an epoch that was logged but not kept
        write_atomically(folder / "config.json", json.dumps(to_dict(config), indent=2).encode())

    def run(self, on_step: Callable[[int, int, float], None] | None = None) -> Iterator[EpochReport]:
        """Train the epochs that are left. `on_step(step, steps, loss)` is told of every step."""
        while self.epoch < self.config.epochs:
            started = time.monotonic()
            loss, dice, iou = self._train_epoch(on_step)
            val_loss, val_dice, val_iou = self._validate()
            self.epoch += 1
            report = EpochReport(
                self.epoch, loss, dice, iou, val_loss, val_dice, val_iou,
                learning_rate(self.config, self.epoch * self.config.steps_per_epoch - 1),
                time.monotonic() - started,
            )  # fmt: skip
            self._save(report)
            yield report
            if self.config.patience and self._stale_epochs() >= self.config.patience:
                return

    def _train_epoch(self, on_step: Callable[[int, int, float], None] | None) -> tuple[float, float, float]:
        config, first = self.config, self.epoch * self.config.steps_per_epoch
        loader = DataLoader(
            Crops(self.train, config, self.epoch), batch_size=config.batch_size, num_workers=config.workers
        )
        self.network.train()
        losses, counts = [], torch.zeros(3, dtype=torch.float64)
        for k, batch in enumerate(loader):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(config, first + k)
            logits, loss = self._forward(batch)
            if not torch.isfinite(loss):
                raise TrainingError("The loss is no longer a number. Start again with a lower learning rate.")
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if config.clip_norm:
                nn.utils.clip_grad_norm_(self.network.parameters(), config.clip_norm)
            self.optimizer.step()
            if self.average:
                self.average.update(self.network, first + k)
            losses.append(loss.item())
            counts += overlap_counts(logits, batch[1].to(self.device), batch[2].to(self.device)).cpu()
            if on_step:
                on_step(k + 1, config.steps_per_epoch, losses[-1])
        return float(np.mean(losses)), *dice_iou(counts)

    def _forward(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        image, target, weight = (t.to(self.device, non_blocking=True) for t in batch)
        image = image.contiguous(memory_format=torch.channels_last)
        with training_autocast(self.device, enabled=self.config.mixed_precision):
            logits = self.network(image)
        logits = logits.float()
        config = self.config
        return logits, segmentation_loss(logits, target, weight, config.dice_weight, config.distance_weight)

    @torch.inference_mode()
    def _validate(self) -> tuple[float, float, float]:
        trained = {k: v.clone() for k, v in self.network.state_dict().items()} if self.average else None
        if self.average:
            self.network.load_state_dict(self.average.state)
        self.network.eval()
        losses, counts = [], torch.zeros(3, dtype=torch.float64)
        for batch in validation_batches(self.validation, self.config):
            logits, loss = self._forward(batch)
            losses.append(loss.item())
            counts += overlap_counts(logits, batch[1].to(self.device), batch[2].to(self.device)).cpu()
            if len(losses) == 1:
                save_preview(self.folder / "preview.png", batch[0], logits.cpu(), batch[1])
        if trained:
            self.network.load_state_dict(trained)
        return float(np.mean(losses)), *dice_iou(counts)

    def _stale_epochs(self) -> int:
        """Epochs since the validation loss was lowest."""
        lines = (self.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        losses = [json.loads(line)["val_loss"] for line in lines]
        return len(losses) - 1 - losses.index(min(losses))

    def best_state(self) -> dict[str, Tensor]:
        """The weights to ship as they are now: the average where one is kept."""
        return self.average.state if self.average else self.network.state_dict()

    def _save(self, report: EpochReport) -> None:
        if -report.val_loss > self.best:
            self.best = -report.val_loss
            state = {k: v.contiguous().cpu() for k, v in self.best_state().items()}
            write_atomically(self.folder / "best.safetensors", save(state, {"epoch": str(report.epoch)}))
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(vars(report)) + "\n")
        temporary = self.folder / "checkpoint.pt.tmp"
        torch.save(
            {
                "epoch": self.epoch, "best": self.best, "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(), "average": self.average and self.average.state,
            },
            temporary,
        )  # fmt: skip
        temporary.replace(self.folder / "checkpoint.pt")

    def _resume(self) -> None:
        begun = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        wanted = json.loads(json.dumps(to_dict(self.config)))
        if {**begun, "epochs": 0} != {**wanted, "epochs": 0}:
            raise TrainingError(f"The run '{self.folder.name}' was begun with other settings. Choose another folder.")
        saved = torch.load(self.folder / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.average:
            self.average.state = saved["average"]
        self.epoch, self.best = saved["epoch"], saved["best"]
        log = self.folder / "log.jsonl"  # an epoch may have been logged whose checkpoint was not finished
        lines = log.read_text(encoding="utf-8").splitlines()[: self.epoch]
        write_atomically(log, "".join(f"{line}\n" for line in lines).encode())
