"""The training loop: seeded, resumable, one checkpoint an epoch.

A run is a folder: what `checkpoint` keeps, and preview.png (see `preview`).
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bccseg.config import TrainConfig
from bccseg.errors import TrainingError
from bccseg.model.device import choose_device, training_autocast
from bccseg.training import checkpoint
from bccseg.training.crop_loader import CropLoader
from bccseg.training.crops import Batch, CropDataset, validation_batches
from bccseg.training.distributed import ProcessGroup
from bccseg.training.epoch_log import EpochReport, read_epochs, truncate_log
from bccseg.training.initial_weights import initial_network
from bccseg.training.losses import class_counts, dice_iou, overlap_counts, segmentation_loss
from bccseg.training.optimiser import average_weights, learning_rate, make_optimizer, set_learning
from bccseg.training.preview import save_preview
from bccseg.training.training_image import TrainingImage

LOOK_EVERY = 10  # steps on a GPU after which the loss is looked at
NO_NUMBER = "The loss is no longer a number: the steps were too large. Train again with a lower learning rate."


class Trainer:
    """One run in a folder. `run()` yields an EpochReport after every epoch and can be resumed.

    base: images to mix in beside the new ones (`mix_share` of the crops), so that what the base weights knew is
    not forgotten. group: the processes that train this network together.
    """

    def __init__(
        self,
        train: list[TrainingImage],
        validation: list[TrainingImage],
        config: TrainConfig,
        folder: Path,
        device: str = "auto",
        base: list[TrainingImage] | None = None,
        group: ProcessGroup | None = None,
    ) -> None:
        self.train, self.validation, self.base = train, validation, base or []
        self.config, self.folder = config, folder
        self.device = choose_device(device)
        self.group = group or ProcessGroup()
        self.group.per_process_batch(config.batch_size)
        torch.manual_seed(config.seed)
        self.network = initial_network(config).to(self.device, memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.network, config)
        self.average = average_weights(self.network, config.ema_decay) if config.ema_decay else None
        self.epoch, self.best = 0, -math.inf
        self._resume()
        self.module = self.group.wrap(self.network)

    def run(self, on_step: Callable[[int, int, float], None] | None = None) -> Iterator[EpochReport]:
        """Train the epochs that are left. `on_step(step, steps, loss)` is called after every step."""
        crops, group = CropDataset(self.train, self.config, self.base), self.group
        loader = CropLoader(crops, self.epoch, group.rank, group.size, accelerated=self.device.type == "cuda")
        while self.epoch < self.config.epochs:
            started = time.monotonic()
            loss, dice, iou, waiting = self._train_epoch(loader, on_step)
            checked = self._validate() if self.group.is_main else (math.nan, math.nan, math.nan, ())
            val_loss, val_dice, val_iou, confusion = checked
            self.epoch += 1
            report = EpochReport(
                epoch=self.epoch, loss=loss, dice=dice, iou=iou, val_loss=val_loss, val_dice=val_dice, val_iou=val_iou,
                learning_rate=learning_rate(self.config, self.epoch * self.config.steps_per_epoch - 1),
                seconds=time.monotonic() - started, waiting=waiting, class_confusion=confusion,
            )  # fmt: skip
            if self.group.is_main:
                self._save(report)
            report, ends = self.group.broadcast((report, self._is_stale()))
            yield report
            if ends:
                return

    def _train_epoch(
        self, loader: CropLoader, on_step: Callable[[int, int, float], None] | None
    ) -> tuple[float, float, float, float]:
        config, group, first = self.config, self.group, self.epoch * self.config.steps_per_epoch
        set_learning(self.network, config)
        losses: list[Tensor] = []  # these and the counts stay on the device: asking for one makes it wait
        counts: list[Tensor] = []
        value, started = math.nan, time.perf_counter()
        for k, batch in enumerate(loader.epoch()):
            for params in self.optimizer.param_groups:
                params["lr"] = learning_rate(config, first + k)
            logits, loss, target, weight = self._forward(batch, self.module)
            if k % (1 if self.device.type == "cpu" else LOOK_EVERY) == 0:
                value = loss.item()
                if not math.isfinite(value):
                    raise TrainingError(NO_NUMBER)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if config.clip_norm:
                nn.utils.clip_grad_norm_(self.network.parameters(), config.clip_norm)
            self.optimizer.step()
            if self.average:
                self.average.update_parameters(self.network)
            losses.append(loss.detach())
            counts.append(overlap_counts(logits, target, weight))
            if on_step:
                on_step(k + 1, config.steps_per_epoch, value)
        mean = float(np.mean(torch.stack(losses).tolist()))
        if not math.isfinite(mean):
            raise TrainingError(NO_NUMBER)
        if group.size > 1:
            total = torch.tensor(mean, dtype=torch.float64, device=self.device)
            mean = float(group.all_reduce(total)) / group.size
        dice, iou = dice_iou(group.all_reduce(torch.stack(counts).sum(dim=0)))
        return mean, dice, iou, loader.data_wait_s / (time.perf_counter() - started)

    def _forward(self, batch: Batch, network: nn.Module) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits, loss, and target and weight on the device."""
        image, target, weight = (t.to(self.device, non_blocking=True) for t in batch)
        image = image.contiguous(memory_format=torch.channels_last)
        with training_autocast(self.device, enabled=self.config.mixed_precision):
            logits = network(image)
        logits = logits.float()
        loss = segmentation_loss(logits, target, weight, self.config)
        return logits, loss, target, weight

    @torch.inference_mode()
    def _validate(self) -> tuple[float, float, float, tuple[tuple[int, ...], ...]]:
        """Loss, Dice and IoU of the cell map, and `EpochReport.class_confusion`."""
        network = self._network_to_save().eval()
        losses, counts, classes = [], torch.zeros(3, dtype=torch.int64), []
        for batch in validation_batches(self.validation, self.config):
            logits, loss, target, weight = self._forward(batch, network)
            losses.append(loss.item())
            counts += overlap_counts(logits, target, weight).cpu()
            if self.config.network.classes:
                classes.append(class_counts(logits, target, weight, self.config).cpu())
            if len(losses) == 1:
                maps = self.config.network.maps  # of the cells; those of their classes are not shown
                save_preview(self.folder / "preview.png", batch.image, logits[:, :maps].cpu(), batch.target[:, :maps])
        confusion = torch.stack(classes).sum(dim=0).tolist() if classes else []
        return float(np.mean(losses)), *dice_iou(counts), tuple(map(tuple, confusion))

    def _is_stale(self) -> bool:
        """Whether the validation loss was lowest `patience` or more epochs ago."""
        if not (self.config.patience and self.group.is_main):
            return False
        losses = [report.val_loss for report in read_epochs(self.folder)]
        return len(losses) - 1 - losses.index(min(losses)) >= self.config.patience

    def weights_to_save(self) -> dict[str, Tensor]:
        """The weights to ship as they are now: the average where one is kept."""
        return self._network_to_save().state_dict()

    def _network_to_save(self) -> nn.Module:
        return self.average.module if self.average else self.network

    def _save(self, report: EpochReport) -> None:
        if -report.val_loss > self.best:
            self.best = -report.val_loss
            checkpoint.save_best(self.folder, self.weights_to_save(), report.epoch)
        state = {
            "epoch": self.epoch, "best": self.best, "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(), "average": self.average and self.average.module.state_dict(),
        }  # fmt: skip
        checkpoint.save_epoch(self.folder, report, state)

    def _resume(self) -> None:
        saved = checkpoint.load_checkpoint(self.folder, self.device)
        if saved:
            checkpoint.check_same_config(self.folder, self.config)
            self.network.load_state_dict(saved["network"])
            self.optimizer.load_state_dict(saved["optimizer"])
            if self.average:
                self.average.module.load_state_dict(saved["average"])
                self.average.n_averaged.fill_(1 + saved["epoch"] * self.config.steps_per_epoch)
            self.epoch, self.best = saved["epoch"], saved["best"]
        self.group.broadcast(None)  # everybody has read before anybody writes
        if self.group.is_main:
            checkpoint.start_run_folder(self.folder, self.config)
            if saved:
                truncate_log(self.folder, self.epoch)
