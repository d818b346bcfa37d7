"""log.jsonl of a run: a line an epoch. Without torch, so that a page can read it at once."""

from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from bccseg.errors import BccsegError, TrainingError
from bccseg.files import write_atomically
from bccseg.schema import Schema

LOG = "log.jsonl"


class EpochReport(Schema):
    """Numbers of one finished epoch."""

    model_config = ConfigDict(extra="ignore")
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


def read_epochs(folder: Path) -> list[EpochReport]:
    """Reports of a run, oldest first; none before the first epoch is finished. Raises TrainingError."""
    path = folder / LOG
    return [EpochReport.from_json(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def append_epoch(folder: Path, report: EpochReport) -> None:
    """Add a line."""
    with (folder / LOG).open("ab") as log:
        log.write(report.to_json() + b"\n")


def truncate_log(folder: Path, epoch: int) -> None:
    """Drop lines beyond `epoch`: their checkpoint was not finished."""
    lines = (folder / LOG).read_bytes().splitlines(keepends=True)[:epoch]
    write_atomically(folder / LOG, b"".join(lines))
