"""log.jsonl of a run: a line an epoch. Without torch, so that a page can read it at once."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from bccseg.errors import BccsegError, TrainingError
from bccseg.files import write_atomically
from bccseg.schema import Schema

LOG = "log.jsonl"


class EpochReport(Schema):
    """Numbers of one finished epoch."""

    model_config = ConfigDict(extra="ignore", ser_json_inf_nan="constants")  # a loss may be no number
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "epoch"

    epoch: int
    loss: float
    dice: float
    iou: float
    val_loss: float
    val_dice: float
    val_iou: float
    learning_rate: float
    seconds: float
    waiting: float = 0.0  # share of the training time that the network waited for crops
    # Pixels of the images checked on whose class is known, by what they are (rows) and were told to be: "none of them",
    # then each class. Empty where the network tells no classes.
    class_confusion: tuple[tuple[int, ...], ...] = ()


def read_epochs(folder: Path) -> list[EpochReport]:
    """Reports of a run, oldest first; none before the first epoch is finished. Raises TrainingError.

    A last line without its end is left out: it is being written, or the disk was full; its checkpoint is not there.
    """
    path = folder / LOG
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [EpochReport.from_json(line) for line in lines if line.endswith(b"\n")]


def best_epoch(reports: Iterable[EpochReport]) -> EpochReport | None:
    """The first epoch of the lowest validation loss, whose weights are kept; None if none has such a loss."""
    checked = (report for report in reports if not math.isnan(report.val_loss))
    return min(checked, key=lambda report: report.val_loss, default=None)


def append_epoch(folder: Path, report: EpochReport) -> None:
    """Add a line."""
    with (folder / LOG).open("ab") as log:
        log.write(report.to_json() + b"\n")


def truncate_log(folder: Path, epoch: int) -> None:
    """Drop lines beyond `epoch`: their checkpoint was not finished."""
    lines = (folder / LOG).read_bytes().splitlines(keepends=True)[:epoch]
    write_atomically(folder / LOG, b"".join(lines))
