"""What a run keeps on disk, so that it can be killed at any moment and resumed to the same curve.

config.json; log.jsonl, one line an epoch; checkpoint.pt, to resume from; best.safetensors. Each is replaced by an
atomic rename, the checkpoint last: an epoch that was logged without it is done again.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from bccseg.config import TrainConfig
from bccseg.errors import TrainingError
from bccseg.files import write_atomically
from bccseg.training.epoch_log import LOG, EpochReport, append_epoch

CHECKPOINT = "checkpoint.pt"


def start_run_folder(folder: Path, config: TrainConfig) -> None:
    """Make the folder of a run, or clean up what a killed process left of its first epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / CHECKPOINT).exists():
        (folder / LOG).unlink(missing_ok=True)
    write_atomically(folder / "config.json", config.to_json(indent=2))


def check_same_config(folder: Path, config: TrainConfig) -> None:
    """Raise TrainingError if the run in `folder` was begun with other settings than `config`, epochs aside."""
    begun = TrainConfig.from_json((folder / "config.json").read_bytes())
    if begun.replace(epochs=1) != config.replace(epochs=1):
        raise TrainingError(f"The run '{folder.name}' was begun with other settings. Choose another folder.")


def save_best(folder: Path, state: dict[str, Tensor], epoch: int) -> None:
    """Keep the weights of the best epoch so far."""
    whole = {k: v.contiguous().cpu() for k, v in state.items()}
    write_atomically(folder / "best.safetensors", save(whole, {"epoch": str(epoch)}))


def save_epoch(folder: Path, report: EpochReport, state: dict[str, Any]) -> None:
    """Log a finished epoch and keep everything that is needed to go on."""
    append_epoch(folder, report)
    temporary = folder / f"{CHECKPOINT}.tmp"
    torch.save(state, temporary)
    temporary.replace(folder / CHECKPOINT)


def load_checkpoint(folder: Path, device: torch.device) -> dict[str, Any] | None:
    """What `save_epoch` kept last, or None."""
    path = folder / CHECKPOINT
    return torch.load(path, map_location=device, weights_only=True) if path.exists() else None
