"""What a fine-tune starts from: the base weights, and the images they learned from, where those are at hand."""

import os
from pathlib import Path

from torch import nn

from bccseg.config import TrainConfig
from bccseg.errors import TrainingError
from bccseg.model.build import build_network
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights

BASE_DATA = "BCCSEG_BASE_DATA"  # environment variable: folder of the base training set, in the Kaggle layout


def initial_network(config: TrainConfig) -> nn.Module:
    """The network before the first step: freshly initialised, or with the base weights.

    Raises WeightsError if those cannot be had, TrainingError if they are of another network.
    """
    if not config.base_weights:
        return build_network(config.network)
    base = load_weights(*locate(config.base_weights))
    if base.config.network != config.network:
        raise TrainingError(
            f"'{config.base_weights}' are weights of another network than the one to be trained. "
            "Choose its kind, width, depth and head, or start from scratch."
        )
    return base.network


def base_training_set() -> Path | None:
    """The base training set of this server, or None."""
    folder = os.environ.get(BASE_DATA, "").strip()
    return Path(folder).expanduser() if folder and Path(folder).expanduser().is_dir() else None
