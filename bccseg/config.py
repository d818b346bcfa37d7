"""Every default of bccseg, once.

Frozen dataclasses, so that a configuration can be shared between threads, hashed as a cache key, and
saved beside the weights it led to.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from bccseg.errors import SettingsError

Architecture = Literal["unet", "resunet"]
Head = Literal["cell_distance", "binary"]

MIN_TRUE_AREA_PX = 300  # smaller pieces of a mask are specks of the annotation
MIN_PIECE_PX = 12  # smaller pieces of a label image are crumbs, not cells
LICENCES = ("CC BY 4.0", "CC0 1.0", "CC BY-NC-SA 4.0", "Only for this laboratory")  # of images and labels
WEIGHT_LICENCES = ("research use only", "CC BY 4.0", "CC BY-NC 4.0", "CC BY-NC-SA 4.0", "CC0 1.0")

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


def ranged(default: Any, low: float, high: float) -> Any:
    """A dataclass field with the range that makes sense for it."""
    return field(default=default, metadata={"range": (low, high)})


def range_of(cls: type, name: str) -> tuple[Any, Any]:
    """Lowest and highest value of a field."""
    return next(f for f in fields(cls) if f.name == name).metadata["range"]


def check_ranges(config: Any) -> None:
    """Raise SettingsError for a value outside its range."""
    for f in fields(config):
        low, high = f.metadata.get("range", (None, None))
        if low is not None and not low <= getattr(config, f.name) <= high:
            raise SettingsError(f"{f.name} must be between {low:g} and {high:g}, not {getattr(config, f.name)}.")


@dataclass(frozen=True)
class AugmentConfig:
    """Strength of the training augmentation; zeros switch a part off."""

    scale_min: float = ranged(0.5, 0.2, 1.0)  # of the training diameter
    scale_max: float = ranged(2.0, 1.0, 5.0)
    flip: bool = True
    rotate90: bool = True
    stain: float = ranged(0.25, 0, 1)  # spread of the stain change in optical density
    stain_share: float = ranged(0.9, 0, 1)  # of the crops
    illumination: float = ranged(0.25, 0, 1)  # uneven lighting, share of brightness
    illumination_share: float = ranged(0.8, 0, 1)
    veil: float = ranged(0.2, 0, 0.9)  # haze that lowers contrast
    veil_share: float = ranged(0.4, 0, 1)
    blur: float = ranged(1.5, 0, 10)  # largest Gaussian sigma, px
    noise: float = ranged(0.05, 0, 0.5)  # largest noise sigma, share of white
    jpeg: bool = True
    low_resolution: bool = True  # camera with fewer pixels a cell
    grey: float = ranged(0.1, 0, 1)  # probability of losing all colour
    debris_share: float = ranged(0.0, 0, 1)  # crops with platelets, stain deposits, smudges and threads drawn on

    def __post_init__(self) -> None:
        check_ranges(self)


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
    diameter_px: float = ranged(48.0, 8, 300)  # cells are shown to the network at this diameter
    epochs: int = ranged(50, 1, 10_000)
    steps_per_epoch: int = ranged(100, 1, 100_000)
    batch_size: int = ranged(8, 1, 512)
    crop_px: int = ranged(192, 32, 1024)
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = ranged(2e-3, 1e-9, 1)
    weight_decay: float = ranged(1e-2, 0, 1)
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = ranged(200, 0, 100_000)
    ema_decay: float = ranged(0.998, 0, 0.99999)  # 0 switches the average off
    clip_norm: float = ranged(1.0, 0, 1000)  # 0 switches clipping off
    dice_weight: float = ranged(0.5, 0, 10)
    distance_weight: float = ranged(1.0, 0, 10)
    ignore_border_cells: float = ranged(0.5, 0, 5)  # unlabelled cut cells: untrusted so many diameters from the border
    validation_share: float = ranged(0.1, 0.01, 0.9)
    mix_share: float = ranged(0.5, 0, 1)  # crops from the base training set, where one is mixed in
    patience: int = ranged(0, 0, 10_000)  # epochs without a better validation loss after which training ends; 0: never
    mixed_precision: bool = True
    seed: int = ranged(7, 0, 2**31 - 1)
    workers: int = ranged(-1, -1, 64)  # processes that cut crops; -1: as many as help on this machine

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.optimizer not in ("adam", "adamw") or self.schedule not in ("cosine", "constant"):
            raise SettingsError("The optimizer is 'adam' or 'adamw', the schedule 'cosine' or 'constant'.")


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
    learning_rate=1e-4,  # more, or a shorter average, made weights worse that were good already
    warmup_steps=60,
    ema_decay=0.998,
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
