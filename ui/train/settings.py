"""The Train page's settings: everything a recipe sets, with its range and what it does."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from bccseg.classes import CellClass
from bccseg.config import ARCHITECTURE_TITLES, AugmentConfig, NetworkConfig, OverlapConfig, TrainConfig
from bccseg.errors import SettingsError
from bccseg.model.weight_sources import shipped_names
from bccseg.schema import Schema
from ui.shared.errors import plain
from ui.shared.promoted import promoted, weights_title
from ui.shared.settings import DEVICE_TITLES

if TYPE_CHECKING:
    from bccseg.model.weights import WeightsConfig

LOOKED_AT = "train_settings_looked_at"  # in this tab, so that what was changed stays drawn, and kept
FROM_SCRATCH = "None: start from scratch"
BASE_HELP = "Training goes on from these. Fine-tune from shipped weights on all labels, not from an earlier fine-tune."


@dataclass(frozen=True)
class SettingSpec:
    """One setting as people read it."""

    name: str
    title: str
    tip: str
    words: dict[str, str] | None = None  # of a choice
    step: float | None = None


BASICS = (
    SettingSpec("epochs", "Epochs", "Rounds; after each the weights are checked and saved."),
    SettingSpec("steps_per_epoch", "Steps an epoch", "Batches in a round."),
    SettingSpec("batch_size", "Batch size", "Crops seen at once. Halve it if memory runs out."),
    SettingSpec(
        "patience", "Stop early after", "Ends when so many epochs brought no better validation loss. 0: never."
    ),
    SettingSpec("seed", "Seed", "The same seed gives the same run on a CPU."),
    SettingSpec(
        "validation_share", "Held out for checking", "Share of the images, where the data name none.", step=0.05
    ),
    SettingSpec("mix_share", "Share of the base training set", "Crops taken from it, where it is mixed in.", step=0.1),
)
LEARNING = (
    SettingSpec("learning_rate", "Learning rate", "How far each step goes.", step=1e-4),
    SettingSpec(
        "schedule",
        "Learning rate over time",
        "Falling slowly towards the end usually ends better.",
        {"cosine": "falls (cosine)", "constant": "stays"},
    ),
    SettingSpec("warmup_steps", "Warm-up steps", "The rate rises from zero over so many steps."),
    SettingSpec("optimizer", "Optimiser", "AdamW also keeps weights small.", {"adam": "Adam", "adamw": "AdamW"}),
    SettingSpec("weight_decay", "Weight decay", "How strongly AdamW keeps weights small.", step=0.01),
    SettingSpec(
        "clip_norm", "Gradient clipping", "Largest gradient norm: one odd batch does no harm. 0: no limit.", step=0.5
    ),
    SettingSpec(
        "ema_decay",
        "Averaging of weights",
        "Share of the running average kept at each step. 0: no average.",
        step=0.001,
    ),
    SettingSpec("dice_weight", "Weight of the Dice loss", "Beside cross entropy.", step=0.1),
    SettingSpec("distance_weight", "Weight of the distance map", "It parts touching cells.", step=0.1),
    SettingSpec("centre_weight", "Weight of the way to the centre", "It parts overlapping cells.", step=0.5),
    SettingSpec("spread_weight", "Weight of size and shape", "Of the whole cell, hidden parts too.", step=0.1),
    SettingSpec("class_weight", "Weight of the cell classes", "Where the network tells classes apart.", step=0.1),
    SettingSpec(
        "learn",
        "What is learned",
        "Classes alone: where cells are stays exactly as it was. The base weights need a class head of their own.",
        {"all": "everything", "classes": "classes alone"},
    ),
    SettingSpec("mixed_precision", "Half precision", "Faster where the hardware has it."),
    SettingSpec("workers", "Processes that cut crops", "-1: as many as help on this machine."),
)
CROPS = (
    SettingSpec(
        "small_share",
        "Crops around platelets",
        "Share of the crops that are cut around a cell of a small class, where there are any.",
        step=0.1,
    ),
    SettingSpec(
        "diameter_px", "Cell diameter in crops (px)", "Images are scaled to it. Smaller is faster, and coarser."
    ),
    SettingSpec(
        "crop_px", "Side of a crop (px)", "Larger crops see more around a cell, and take more memory.", step=16
    ),
    SettingSpec(
        "ignore_border_cells",
        "Ignored rim at the image border",
        "Cells cut by the image border are often left out of masks: unmarked "
        "rim of so many cell diameters is not learned from.",
        step=0.1,
    ),
)
AUGMENT = (
    SettingSpec("scale_min", "Smallest scale", "Crops are shrunk down to this.", step=0.1),
    SettingSpec("scale_max", "Largest scale", "Crops are enlarged up to this.", step=0.1),
    SettingSpec("flip", "Random flips", "Mirrors crops."),
    SettingSpec("rotate90", "Quarter turns", "Turns crops."),
    SettingSpec("stain", "Other stains", "Spread of the change in optical density. 0: none.", step=0.05),
    SettingSpec("stain_share", "Crops with another stain", "Share of the crops.", step=0.1),
    SettingSpec("illumination", "Uneven light", "Share of the brightness. 0: none.", step=0.05),
    SettingSpec("illumination_share", "Crops with uneven light", "Share of the crops.", step=0.1),
    SettingSpec("veil", "Haze", "Lowers the contrast by up to this. 0: none.", step=0.05),
    SettingSpec("veil_share", "Crops with haze", "Share of the crops.", step=0.1),
    SettingSpec(
        "debris_share",
        "Crops with debris",
        "Share of the crops that platelets, stain deposits, smudges and threads are drawn on, which are no cells.",
        step=0.1,
    ),
    SettingSpec("blur", "Blur (px)", "Largest. 0: none.", step=0.1),
    SettingSpec("noise", "Noise", "Largest, share of white. 0: none.", step=0.01),
    SettingSpec("grey", "Without colour", "Share of crops that lose it.", step=0.05),
    SettingSpec("jpeg", "JPEG traces", "As of strongly compressed files."),
    SettingSpec("low_resolution", "Coarser cameras", "Fewer pixels a cell."),
)
OVERLAP = (
    SettingSpec("share", "Crops with laid cells", "Share that cells of the image are laid on.", step=0.1),
    SettingSpec("cells", "Laid cells", "At most, a crop."),
    SettingSpec("overlap_min", "Least overlap", "Share of the smaller cell of a pair.", step=0.05),
    SettingSpec("overlap_max", "Largest overlap", "Share of the smaller cell of a pair.", step=0.05),
    SettingSpec(
        "transmission_min", "Least light through", "How little of the cell behind is seen. 0: it is hidden.", step=0.1
    ),
    SettingSpec("transmission_max", "Most light through", "1: the stain of both cells adds up.", step=0.1),
    SettingSpec("density_min", "Palest laid cell", "Its stain, relative to what it was.", step=0.05),
    SettingSpec("density_max", "Darkest laid cell", "Its stain, relative to what it was.", step=0.05),
    SettingSpec("stack_share", "In stacks", "Share of them that lean on the last one, as in rouleaux.", step=0.1),
)
KINDS = ARCHITECTURE_TITLES
HEADS = {
    "cell_shape": "cells, their centres and shapes: parts overlapping cells",
    "cell_distance": "cells and distance: parts touching cells",
    "binary": "cells only (seed recipe)",
}


def ask_for_settings(preset: str, config: TrainConfig) -> tuple[TrainConfig | None, str]:
    """The preset with what the person changed, and the device; None and a message where it does not go together.

    Until somebody opens them they are not drawn: nearly a hundred take the browser longer than all else of the page.
    """
    key = f"train_{preset}"
    with st.expander("Settings", icon=":material/tune:", key="train_settings", on_change="rerun") as settings:
        if settings.open:
            st.session_state[LOOKED_AT] = True
        if LOOKED_AT not in st.session_state:
            return _as_it_is(config), next(iter(DEVICE_TITLES))
        return _ask_for_all(config, key)


def _as_it_is(config: TrainConfig) -> TrainConfig:
    """The preset, with the network that its base weights have."""
    if not config.base_weights:
        return config
    found = _config_of(config.base_weights)
    return config.replace(
        network=found.network, classes=found.classes, base_weights=_folder_or_name(config.base_weights)
    )


def _ask_for_all(config: TrainConfig, key: str) -> tuple[TrainConfig | None, str]:
    bases = [FROM_SCRATCH, *dict.fromkeys([*shipped_names(), *promoted().names])]
    at = bases.index(config.base_weights or FROM_SCRATCH)
    left, right = st.columns(2)
    base = left.selectbox("Base weights", bases, index=at, key=f"{key}_base", help=BASE_HELP,
                          format_func=weights_title)  # fmt: skip
    device = right.selectbox("Device", list(DEVICE_TITLES), format_func=DEVICE_TITLES.__getitem__, key=f"{key}_device")
    basics, network, learning, look, crowd = st.tabs(
        ["Basics", "Network", "Learning", "Crops and augmentation", "Overlapping cells"]
    )
    with basics:
        changes = _ask(BASICS, config, key)
    with network:
        changes["network"], changes["classes"] = _ask_for_network(config, base, key)
    with learning:
        changes |= _ask(LEARNING, config, key)
    with look:
        changes |= _ask(CROPS, config, key)
        st.caption("Augmentation: how crops are changed, so that the network learns what does not matter.")
        augment = _ask(AUGMENT, config.augment, f"{key}_augment")
    with crowd:
        st.caption("Cells of an image are laid over others of it, so that how they overlap is known exactly.")
        overlap = _ask(OVERLAP, config.augment.overlap, f"{key}_overlap")
    changes["base_weights"] = "" if base == FROM_SCRATCH else _folder_or_name(base)
    longest = max(1, changes["epochs"] * changes["steps_per_epoch"] // 5)
    changes["warmup_steps"] = min(changes["warmup_steps"], longest)
    try:
        look = AugmentConfig(**augment, overlap=OverlapConfig(**overlap))
        return config.replace(augment=look, **changes), device
    except SettingsError as error:
        st.error(plain(str(error)))
        return None, device


def _ask(wanted: tuple[SettingSpec, ...], config: Schema, key: str) -> dict[str, Any]:
    """One widget a field, in two columns; the values by name."""
    columns, values = st.columns(2), {}
    for k, f in enumerate(wanted):
        value, name = getattr(config, f.name), f"{key}_{f.name}"
        column = columns[k % 2]
        if f.words:
            at = list(f.words).index(value)
            values[f.name] = column.selectbox(f.title, list(f.words), index=at, format_func=f.words.__getitem__,
                                              help=f.tip, key=name)  # fmt: skip
        elif isinstance(value, bool):
            values[f.name] = column.toggle(f.title, value, help=f.tip, key=name)
        else:
            values[f.name] = _number(column, f, type(config), value, name)
    return values


def _number(column: Any, f: SettingSpec, cls: type[Schema], value: float, key: str) -> float:
    kind = cls.model_fields[f.name].annotation  # int or float
    low, high = (kind(v) for v in cls.range_of(f.name))
    step = kind(f.step or 1)
    style = "%d" if kind is int else "%.6f" if step < 1e-3 else "%.3f" if step < 0.01 else "%.2f"
    return column.number_input(f.title, low, high, kind(value), step=step, format=style, help=f.tip, key=key)


def _ask_for_network(config: TrainConfig, base: str, key: str) -> tuple[NetworkConfig, tuple[CellClass, ...]]:
    """The network and its cell classes: those of the base weights, which training keeps, where there are some."""
    if base != FROM_SCRATCH:
        found = _config_of(base)
        network = found.network
        colour = "colour" if network.in_channels == 3 else "greyscale"
        shape = f"{KINDS[network.architecture]} of width {network.width} and depth {network.depth}, {colour}"
        classes = ", ".join(one.name for one in found.classes)
        told = f" It tells {plain(classes, 200)} apart." if classes else ""
        st.markdown(f"{shape}, as the base weights have it.{told} Start from scratch to choose another.")
        return network, found.classes
    network, (left, right) = config.network, st.columns(2)
    kinds, heads = list(KINDS), list(HEADS)
    asked = network.replace(
        architecture=left.selectbox("Network", kinds, kinds.index(network.architecture), KINDS.__getitem__,
                                    help="ResU-Net adds shortcuts to every block; a little slower.", key=f"{key}_kind"),
        head=right.selectbox("Predicts", heads, heads.index(network.head), HEADS.__getitem__, key=f"{key}_head",
                             help="What the network draws; cells are made from it."),
        width=left.number_input("Width", 4, 64, network.width, 4, key=f"{key}_width",
                                help="Channels at full resolution. Doubling takes about three times as long."),
        depth=right.number_input("Depth", 1, 6, network.depth, 1, key=f"{key}_depth", help="Halvings of resolution."),
        in_channels=1 if left.toggle("Greyscale", network.in_channels == 1, key=f"{key}_grey",
                                     help="Reads images without their colour.") else 3,
    )  # fmt: skip
    return asked, config.classes


def _config_of(base: str) -> "WeightsConfig":
    from bccseg.model.weights import read_config

    return read_config(promoted().locate(base)[0])


def _folder_or_name(base: str) -> str:
    return str(promoted().locate(base)[0]) if base in promoted().names else base
