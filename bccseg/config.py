"""Every default of bccseg, once.

Frozen dataclasses, so that a configuration can be shared between threads, hashed as a cache key, and
saved beside the weights it led to.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from bccseg.errors import SettingsError

Architecture = Literal["unet", "resunet"]
Head = Literal["cell_distance", "binary"]

DEFAULT_WEIGHTS = "unet-bbbc041seg"  # what is used when nothing was chosen

HEAD_CHANNELS: dict[str, tuple[str, ...]] = {
    "cell_distance": ("cell", "distance"),  # touching cells come apart
    "binary": ("cell",),  # the seed recipe
}


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of a network. Its weights fit no other."""

    architecture: Architecture = "unet"
    head: Head = "cell_distance"
    in_channels: int = 3  # 3 RGB, 1 greyscale
    width: int = 16  # channels at full resolution; doubled at each level down
    depth: int = 4  # levels down; sides of the input are padded to multiples of 2**depth

    def __post_init__(self) -> None:
        if self.architecture not in ("unet", "resunet"):
            raise SettingsError(f"Unknown network {self.architecture!r}. Choose 'unet' or 'resunet'.")
        if self.head not in HEAD_CHANNELS:
            raise SettingsError(f"Unknown head {self.head!r}. Choose one of {', '.join(HEAD_CHANNELS)}.")
        if self.in_channels not in (1, 3):
            raise SettingsError(f"A network reads 3 channels (RGB) or 1 (greyscale), not {self.in_channels}.")
        if not (4 <= self.width <= 128 and 1 <= self.depth <= 6):
            raise SettingsError("Width must be 4 to 128 and depth 1 to 6.")

    @property
    def out_channels(self) -> int:
        """Number of probability maps the network gives."""
        return len(HEAD_CHANNELS[self.head])


@dataclass(frozen=True)
class SegmentSettings:
    """How maps become cells. One setting for all images; lengths are relative to the cell diameter."""

    diameter_px: float | None = None  # None: estimated from the image
    cell_threshold: float = 0.5  # a pixel belongs to a cell above this probability
    marker_depth: float = 0.28  # two peaks of the distance map are two cells if the dip between is deeper
    marker_threshold: float = 0.6  # a peak lower than this is no cell of its own
    min_score: float = 0.55  # cells the network is less sure of are left out
    min_cell_percent: float = 40.0  # cells narrower than this share of the typical diameter are specks
    drop_border_cells: bool = False

    def __post_init__(self) -> None:
        if self.diameter_px is not None and not 3 <= self.diameter_px <= 5000:
            raise SettingsError("The cell diameter must be between 3 and 5000 px, or automatic.")
        for name in ("cell_threshold", "marker_threshold"):
            if not 0 < getattr(self, name) < 1:
                raise SettingsError(f"{name} must be between 0 and 1.")
        if not 0 <= self.min_score < 1:
            raise SettingsError("The lowest score must be between 0 and 1.")
        if not 0 <= self.min_cell_percent <= 100:
            raise SettingsError("The smallest cell must be between 0 and 100 % of the typical diameter.")


@dataclass(frozen=True)
class AugmentConfig:
    """Strength of the training augmentation; zeros switch a part off."""

    scale_min: float = 0.5  # of the training diameter
    scale_max: float = 2.0
    flip: bool = True
    rotate90: bool = True
    stain: float = 0.25  # spread of the stain change in optical density
    illumination: float = 0.25  # uneven lighting, share of brightness
    veil: float = 0.2  # haze that lowers contrast
    blur: float = 1.5  # largest Gaussian sigma, px
    noise: float = 0.05  # largest noise sigma, share of white
    jpeg: bool = True
    low_resolution: bool = True  # camera with fewer pixels a cell
    grey: float = 0.1  # probability of losing all colour


SEED_AUGMENT = AugmentConfig(
    scale_min=1.0, scale_max=1.0, rotate90=False, stain=0, illumination=0, veil=0, blur=0, noise=0,
    jpeg=False, low_resolution=False, grey=0,
)  # fmt: skip


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Saved as config.json in the run folder."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    base_weights: str = ""  # weights to go on from, by the name `segment` takes; empty: start afresh
    diameter_px: float = 48.0  # cells are shown to the network at this diameter
    epochs: int = 50
    steps_per_epoch: int = 100
    batch_size: int = 8
    crop_px: int = 192
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = 200
    ema_decay: float = 0.998  # 0 switches the average off
    clip_norm: float = 1.0  # 0 switches clipping off
    dice_weight: float = 0.5
    distance_weight: float = 1.0
    ignore_border_cells: float = 0.5  # unlabelled cut cells: background this many diameters from the border
    validation_share: float = 0.1
    mix_share: float = 0.5  # crops from the base training set, where one is mixed in
    patience: int = 0  # epochs without a better validation loss after which training ends; 0: never
    mixed_precision: bool = True
    seed: int = 7
    workers: int = -1  # processes that cut crops; -1: as many as help on this machine


SEED_RECIPE = TrainConfig(
    network=NetworkConfig(head="binary"),
    augment=SEED_AUGMENT,
    epochs=100,
    batch_size=4,
    optimizer="adam",
    learning_rate=1e-4,
    weight_decay=0.0,
    schedule="constant",
    warmup_steps=0,
    ema_decay=0.0,
    clip_norm=0.0,
    dice_weight=0.0,
    ignore_border_cells=0.0,
)
QUICK_FINE_TUNE = TrainConfig(
    base_weights=DEFAULT_WEIGHTS,  # always from the base and on all labels, not from the last fine-tune
    epochs=10,
    steps_per_epoch=60,
    learning_rate=5e-4,
    warmup_steps=60,
    ema_decay=0.99,
)
PRESETS: dict[str, TrainConfig] = {
    "recommended": TrainConfig(),  # how the first run of the shipped weights was made
    "finetune": QUICK_FINE_TUNE,
    "seed": SEED_RECIPE,
}


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration as plain, JSON-ready values."""
    return asdict(config)


def train_config(values: dict[str, Any]) -> TrainConfig:
    """The TrainConfig that `to_dict` wrote. Unknown names raise SettingsError."""
    nested = {"network": NetworkConfig, "augment": AugmentConfig}
    known = {f.name for f in fields(TrainConfig)}
    if unknown := set(values) - known:
        raise SettingsError(f"Unknown training settings: {', '.join(sorted(unknown))}.")
    return TrainConfig(**{k: nested[k](**v) if k in nested else v for k, v in values.items()})
