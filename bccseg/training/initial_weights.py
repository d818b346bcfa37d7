"""What a fine-tune starts from: the base weights, and the images they learned from, where those are at hand."""

import os
from pathlib import Path

from torch import nn

from bccseg.classes import CellClass
from bccseg.config import HEAD_CHANNELS, NetworkConfig, TrainConfig
from bccseg.errors import TrainingError
from bccseg.model.build import build_network
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights

BASE_DATA = "BCCSEG_BASE_DATA"  # environment variable: folder of the base training set, in the Kaggle layout


def initial_network(config: TrainConfig) -> nn.Module:
    """The network before the first step: freshly initialised, or with the base weights. Those may have another head.

    Raises WeightsError if they cannot be had, TrainingError if they are of another network.
    """
    if not config.base_weights:
        return build_network(config.network)
    base = load_weights(*locate(config.base_weights))
    if (base.config.network, base.config.classes) == (config.network, config.classes):
        return base.network
    if base.config.network.replace(head=config.network.head, classes=config.network.classes) != config.network:
        raise TrainingError(
            f"'{config.base_weights}' are weights of another network than the one to be trained. "
            "Choose its kind, width and depth, or start from scratch."
        )
    network = build_network(config.network)
    learned, state = base.network.state_dict(), network.state_dict()
    old, new = map_names(base.config.network, base.config.classes), map_names(config.network, config.classes)
    for name, values in learned.items():
        if values.shape == state[name].shape:
            state[name] = values
            continue
        for k, title in enumerate(new):  # the last layer: maps that both heads have keep what they learned
            if title in old:
                state[name][k] = values[old.index(title)]
    network.load_state_dict(state)
    return network


def map_names(network: NetworkConfig, classes: tuple[CellClass, ...]) -> list[str]:
    """Names of the maps of a network, in order."""
    names = [f"class {one.name}" for one in classes]
    return [*HEAD_CHANNELS[network.head], *(["no class", *names] if names else [])]


def base_training_set() -> Path | None:
    """The base training set of this server, or None."""
    folder = os.environ.get(BASE_DATA, "").strip()
    return Path(folder).expanduser() if folder and Path(folder).expanduser().is_dir() else None
