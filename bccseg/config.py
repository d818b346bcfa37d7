"""Every default of bccseg, once.

Frozen and checked (`schema.Schema`), so that a configuration can be shared between threads, hashed as a cache key, and
saved beside the weights it led to.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from bccseg.classes import CellClass
from bccseg.errors import SettingsError
from bccseg.schema import Schema, Share, ranged

Architecture = Literal["unet", "resunet"]
Head = Literal["cell_shape", "cell_distance", "binary"]
Device = Literal["auto", "cpu", "cuda", "mps"]

DEVICES: tuple[str, ...] = get_args(Device)
ARCHITECTURE_TITLES: dict[str, str] = {"unet": "U-Net", "resunet": "ResU-Net"}
DEFAULT_WEIGHTS = "unet-bbbc041seg"  # what is used when nothing was chosen
MIN_TRUE_AREA_PX = 300  # smaller pieces of a mask are specks of the annotation
MIN_PIECE_PX = 12  # smaller pieces of a label image are crumbs, not cells
LICENCES = ("CC BY 4.0", "CC0 1.0", "CC BY-NC-SA 4.0", "Only for this laboratory")  # of images and labels
# What the app keeps of a browser (files, results, settings) after a reload or a closed tab.
# Below these a ratio of classes is said to go by few cells: the 95 % interval is then wider than about half to double.
FEW_RED_CELLS, FEW_WHITE_CELLS = 100, 10
VISIT_DAYS = 7  # after its last visit
VISIT_MB = 1000  # of one browser; beyond that the oldest images go
VISITS_MB = 20_000  # of all; beyond that the browsers that were away longest
DRAFT_DAYS = 90  # after its last edit, on a server that several people share; on one's own computer drafts stay
LOGIN_DAYS = 7  # after which somebody logs in again
INVITATION_DAYS = 30  # within which an invitation must be taken up
LEFTOVER_HOURS = 24.0  # half-written files of a killed process are deleted after; see `annotation.leftovers`
# The process that segments for the pages; see `bccseg.workers`.
NETWORKS_LOADED, NETWORK_IDLE_MINUTES = 3, 30.0  # the last one stays
TURN_SECONDS = 0.15  # a visitor's turn lasts at least so long, then to the end of a tile
LARGE_MEGAPIXELS, LARGE_PICTURES_AT_ONCE = 12.0, 2  # larger ones are unpacked beside the turn, for memory's sake few
WORKER_NICENESS = 5  # pages come first
WORKER_PULSE_SECONDS, WORKER_SILENT_SECONDS = 5.0, 120.0  # it tells that it is there; one that does not is ended
TURN_STUCK_SECONDS = 600.0  # nothing takes that long between two tiles: the worker ends itself, and its files go on
WEIGHT_LICENCES = ("research use only", "CC BY 4.0", "CC BY-NC 4.0", "CC BY-NC-SA 4.0", "CC0 1.0")

MOST_CLASSES = 20
PROBABILITY_MAPS = ("cell", "distance")  # the others are numbers, not probabilities
HEAD_CHANNELS: dict[str, tuple[str, ...]] = {
    # overlapping cells come apart, too; see `imaging.cell_shape`
    "cell_shape": ("cell", "distance", "centre_y", "centre_x", "spread_yy", "spread_xx", "spread_xy"),
    "cell_distance": ("cell", "distance"),  # touching cells come apart
    "binary": ("cell",),  # the seed recipe
}


class VisitLimits(Schema):
    """How much one browser may ask of a server that many share. None: as much as it likes."""

    images: Annotated[int, ranged(1, 1_000_000)] | None = None  # that it has at once, with those that wait
    waiting_megapixels: Annotated[float, ranged(1, 1e9)] | None = None
    jobs: Annotated[int, ranged(1, 1000)] | None = None  # batches at once, one after the other
    files_an_hour: Annotated[int, ranged(1, 1_000_000)] | None = None
    megabytes_an_hour: Annotated[float, ranged(1, 1e9)] | None = None


OWN_COMPUTER = VisitLimits()
SHARED_SERVER = VisitLimits(
    images=500, waiting_megapixels=2000, jobs=5, files_an_hour=1000, megabytes_an_hour=4000
)  # VISIT_MB above limits what is stored


class NetworkConfig(Schema):
    """Shape of a network. Its weights fit no other."""

    architecture: Architecture = "unet"
    head: Head = "cell_distance"
    in_channels: Literal[1, 3] = 3  # 3 RGB, 1 greyscale
    width: Annotated[int, ranged(4, 128)] = 16  # channels at full resolution; doubled at each level down
    depth: Annotated[int, ranged(1, 6)] = 4  # levels down; sides of the input are padded to multiples of 2**depth
    classes: Annotated[int, ranged(0, MOST_CLASSES)] = 0  # cell classes that it tells apart
    # Hidden channels of a class head that sees all levels; 0: class maps come from the last level, as the others do.
    class_width: Annotated[int, ranged(0, 256)] = 0

    @property
    def maps(self) -> int:
        """Number of maps that say where a cell is."""
        return len(HEAD_CHANNELS[self.head])

    @property
    def out_channels(self) -> int:
        """Number of maps the network gives: with classes, one for each and one for "none of them" more."""
        return self.maps + (1 + self.classes if self.classes else 0)


class Thresholds(Schema):
    """How maps become cells, in numbers that belong to the weights; see `imaging.instances`."""

    cell_threshold: Annotated[float, ranged(0.01, 0.99)] = 0.5  # a pixel belongs to a cell above this probability
    marker_depth: Annotated[float, ranged(0, 1)] = 0.28  # two peaks are two cells if the dip between is deeper
    # Two centres are two cells if the votes between them are fewer by exp(-vote_depth), or more.
    vote_depth: Annotated[float, ranged(0, 10)] = 0.5
    marker_threshold: Annotated[float, ranged(0.01, 0.99)] = 0.6  # a peak lower than this is no cell of its own
    min_score: Annotated[float, ranged(0, 0.999)] = 0.55  # cells the network is less sure of are left out
    small_threshold: Annotated[float, ranged(0.05, 0.99)] = 0.5  # a platelet must be this likely on average


class SegmentSettings(Schema):
    """What a person may ask of a segmentation. One setting for all images; lengths are relative to the cell diameter.

    The thresholds are None unless somebody asks for others than the weights prefer: `thresholds` fills them.

    Examples
    --------
    >>> settings = bccseg.SegmentSettings(diameter_px=52, min_score=0.7)
    >>> settings.thresholds({"min_score": 0.5, "marker_depth": 0.3}).to_dict() == {
    ...     "cell_threshold": 0.5, "marker_depth": 0.3, "vote_depth": 0.5, "marker_threshold": 0.6, "min_score": 0.7,
    ...     "small_threshold": 0.5,
    ... }
    True
    """

    diameter_px: Annotated[float, ranged(3, 5000)] | None = None  # None: estimated from the image
    min_cell_percent: Annotated[float, ranged(0, 100)] = 40.0  # of the typical diameter; what is narrower is a speck
    drop_border_cells: bool = False
    cell_threshold: float | None = None
    marker_depth: float | None = None
    vote_depth: float | None = None
    marker_threshold: float | None = None
    min_score: float | None = None
    small_threshold: float | None = None

    def model_post_init(self, _context: Any) -> None:
        """Check the thresholds that were given."""
        self.thresholds()

    def thresholds(self, preferred: Mapping[str, float] | None = None) -> Thresholds:
        """What was asked for, else what the weights prefer (`WeightsConfig.thresholds`), else the defaults."""
        asked = {name: value for name in Thresholds.model_fields if (value := getattr(self, name)) is not None}
        return Thresholds(**{**(preferred or {}), **asked})


class OverlapConfig(Schema):
    """Cells laid over others of their image; see `training.overlap`."""

    share: Share = 0.0  # of the crops
    cells: Annotated[int, ranged(1, 60)] = 14  # at most, a crop
    overlap_min: Share = 0.0  # of the smaller cell of a pair
    overlap_max: Share = 0.6
    transmission_min: Share = 0.0  # how much of the cell behind is seen through the one in front; 0: it is hidden
    transmission_max: Share = 1.0  # 1: densities add up
    density_min: Annotated[float, ranged(0.1, 3)] = 0.75  # stain of the laid cells, relative to what it was
    density_max: Annotated[float, ranged(0.1, 3)] = 1.15
    stack_share: Share = 0.3  # laid cells that go on where the last one was: rouleaux

    def model_post_init(self, _context: Any) -> None:
        """Refuse ranges that end before they begin."""
        for name in ("overlap", "transmission", "density"):
            low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if low > high:
                raise SettingsError(f"{name}_min must not be above {name}_max, not {low:g} above {high:g}.")


class AugmentConfig(Schema):
    """Strength of the training augmentation; zeros switch a part off."""

    scale_min: Annotated[float, ranged(0.2, 1)] = 0.5  # of the training diameter
    scale_max: Annotated[float, ranged(1, 5)] = 2.0
    flip: bool = True
    rotate90: bool = True
    stain: Share = 0.25  # spread of the stain change in optical density
    stain_share: Share = 0.9  # of the crops
    illumination: Share = 0.25  # uneven lighting, share of brightness
    illumination_share: Share = 0.8
    veil: Annotated[float, ranged(0, 0.9)] = 0.2  # haze that lowers contrast
    veil_share: Share = 0.4
    blur: Annotated[float, ranged(0, 10)] = 1.5  # largest Gaussian sigma, px
    noise: Annotated[float, ranged(0, 0.5)] = 0.05  # largest noise sigma, share of white
    jpeg: bool = True
    low_resolution: bool = True  # camera with fewer pixels a cell
    grey: Share = 0.1  # probability of losing all colour
    debris_share: Share = 0.0  # crops with platelets, stain deposits, smudges and threads drawn on
    overlap: OverlapConfig = OverlapConfig()


SEED_AUGMENT = AugmentConfig(
    scale_min=1.0, scale_max=1.0, rotate90=False, stain=0, illumination=0, veil=0, blur=0, noise=0,
    jpeg=False, low_resolution=False, grey=0,
)  # fmt: skip


class TrainConfig(Schema):
    """One training run. Saved as config.json in the run folder."""

    title = "training settings"

    network: NetworkConfig = NetworkConfig()
    classes: tuple[CellClass, ...] = ()  # as many as the network tells apart
    augment: AugmentConfig = AugmentConfig()
    base_weights: str = ""  # weights to go on from, by the name `segment` takes; empty: start from scratch
    learn: Literal["all", "classes"] = "all"  # classes: the class head alone; where cells are stays as it was
    diameter_px: Annotated[float, ranged(8, 300)] = 48.0  # cells are shown to the network at this diameter
    epochs: Annotated[int, ranged(1, 10_000)] = 50
    steps_per_epoch: Annotated[int, ranged(1, 100_000)] = 100
    batch_size: Annotated[int, ranged(1, 512)] = 8
    crop_px: Annotated[int, ranged(32, 1024)] = 192
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: Annotated[float, ranged(1e-9, 1)] = 2e-3
    weight_decay: Share = 1e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: Annotated[int, ranged(0, 100_000)] = 200
    ema_decay: Annotated[float, ranged(0, 0.99999)] = 0.998  # 0 switches the average off
    clip_norm: Annotated[float, ranged(0, 1000)] = 1.0  # 0 switches clipping off
    dice_weight: Annotated[float, ranged(0, 10)] = 0.5
    distance_weight: Annotated[float, ranged(0, 10)] = 1.0
    centre_weight: Annotated[float, ranged(0, 100)] = 5.0
    spread_weight: Annotated[float, ranged(0, 100)] = 0.5
    class_weight: Annotated[float, ranged(0, 100)] = 0.5
    # Unlabelled cut cells: untrusted so many diameters from the border.
    ignore_border_cells: Annotated[float, ranged(0, 5)] = 0.5
    validation_share: Annotated[float, ranged(0.01, 0.9)] = 0.1
    small_share: Share = 0.0  # crops around a cell of a small class, where there are any
    mix_share: Share = 0.5  # crops from the base training set, where one is mixed in
    # Epochs without a better validation loss after which training ends; 0: never.
    patience: Annotated[int, ranged(0, 10_000)] = 0
    mixed_precision: bool = True
    seed: Annotated[int, ranged(0, 2**31 - 1)] = 7
    workers: Annotated[int, ranged(-1, 64)] = -1  # processes that cut crops; -1: as many as help on this machine

    def model_post_init(self, _context: Any) -> None:
        """Refuse a network for another number of classes, and a class head that there is not."""
        if self.learn == "classes" and not (self.network.classes and self.network.class_width):
            raise SettingsError("To learn classes alone, the network needs classes and a class_width above 0.")
        if self.network.classes != len(self.classes):
            raise SettingsError(f"The network tells {self.network.classes} classes apart, not {len(self.classes)}.")


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
RECOMMENDED = TrainConfig(
    network=NetworkConfig(head="cell_shape"),
    augment=AugmentConfig(debris_share=0.3, overlap=OverlapConfig(share=0.5)),
)
QUICK_FINE_TUNE = RECOMMENDED.replace(
    base_weights=DEFAULT_WEIGHTS,  # always from the base and on all labels, not from the last fine-tune
    epochs=10,
    steps_per_epoch=60,
    learning_rate=1e-4,  # more, or a shorter average, made weights worse that were good already
    warmup_steps=60,
    ema_decay=0.998,
)
PRESETS: dict[str, TrainConfig] = {
    "recommended": RECOMMENDED,
    "finetune": QUICK_FINE_TUNE,
    "seed": SEED_RECIPE,
}
