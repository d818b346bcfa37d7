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
    changes = {name: getattr(config.network, name) for name in ("head", "classes", "class_width")}
    if base.config.network.replace(**changes) != config.network:
        raise TrainingError(
            f"'{config.base_weights}' are weights of another network than the one to be trained. "
            "Choose its kind, width and depth, or start from scratch."
        )
    network = build_network(config.network)
    learned, state = base.network.state_dict(), network.state_dict()
    state.update(
        {name: values for name, values in learned.items() if name in state and values.shape == state[name].shape}
    )
    old = map_layers(base.config.network, base.config.classes)
    for title, (layer, row) in map_layers(config.network, config.classes).items():
        if title in old:  # maps that both have keep what they learned
            there, number = old[title]
            for kind in ("weight", "bias"):
                state[f"{layer}.{kind}"][row] = learned[f"{there}.{kind}"][number]
    network.load_state_dict(state)
    return network


def map_layers(network: NetworkConfig, classes: tuple[CellClass, ...]) -> dict[str, tuple[str, int]]:
    """Of each map of a network: the last layer that gives it, and the row there."""
    names = ["no class", *(f"class {one.name}" for one in classes)] if classes else []
    maps = list(HEAD_CHANNELS[network.head])
    if not network.class_width:
        return {name: ("head", k) for k, name in enumerate([*maps, *names])}
    own = {name: ("class_head.fine", k) for k, name in enumerate(names)}
    return {**{name: ("head", k) for k, name in enumerate(maps)}, **own}


def base_training_set() -> Path | None:
    """The base training set of this server, or None."""
    folder = os.environ.get(BASE_DATA, "").strip()
    return Path(folder).expanduser() if folder and Path(folder).expanduser().is_dir() else None
