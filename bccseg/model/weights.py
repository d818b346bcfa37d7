"""Weight folders: model.safetensors, config.json and a model card (README.md).

Nothing is unpickled, nothing is loaded by halves: a tensor too many, too few or of another shape, or a
file that is not the one config.json was written for, is an error.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import ConfigDict, Field, field_serializer, field_validator
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load, save

from bccseg import __version__
from bccseg.classes import CellClass
from bccseg.config import NetworkConfig, Thresholds
from bccseg.errors import BccsegError, WeightsError
from bccseg.files import write_atomically
from bccseg.imaging.cell_head import CellHead
from bccseg.imaging.normalise import WHITE_PERCENTILE
from bccseg.imaging.small_rule import SmallRule
from bccseg.model.blocks import EncoderDecoder
from bccseg.model.build import build_network
from bccseg.schema import Schema, ranged

MODEL_FILE, CONFIG_FILE, CARD_FILE = "model.safetensors", "config.json", "README.md"
HEAD_FILE = "cell_head.safetensors"
FORMAT = 1


class Normalisation(Schema):
    """How images are brought to the brightness the network knows; see `imaging.normalise`."""

    title = "normalisation"

    kind: Literal["white"] = "white"
    percentile: float = WHITE_PERCENTILE


class CalibrationCurve(Schema):
    """Slope and offset of `metrics.calibration`."""

    title = "calibration"

    slope: float
    offset: float


class CellHeadConfig(Schema):
    """What belongs to cell_head.safetensors: classes of whole cells, learned from marked ones (`imaging.cell_head`)."""

    model_config = ConfigDict(extra="ignore")
    title = "classes learned from marked cells"

    classes: Annotated[tuple[CellClass, ...], Field(min_length=2)]
    sha256: str = ""  # of cell_head.safetensors
    cells: dict[str, int] = Field(default_factory=dict)  # that it was learned from, by class
    images: int = 0  # that those are in
    expected: dict[str, float] = Field(default_factory=dict)  # share of each class in those images, 0 to 1
    confusion: tuple[tuple[int, ...], ...] = ()  # of cells when they were held out: rows as marked, columns as told
    held_out: Literal["cells", "images", ""] = ""  # what was held out: some cells of the same images, or whole images

    def model_post_init(self, _context: Any) -> None:
        """Refuse small classes: those are found by maps."""
        if any(one.small for one in self.classes):
            raise WeightsError("Classes of small cells cannot be learned from marked cells.")


class WeightsConfig(Schema):
    """config.json: all that inference needs to know about the weights, and where they come from."""

    model_config = ConfigDict(extra="ignore")  # what later versions add
    error = WeightsError
    title = "weight settings"

    name: str
    network: NetworkConfig
    classes: tuple[CellClass, ...] = ()  # as many as the network tells apart
    cell_head: CellHeadConfig | None = None  # where it comes with classes of whole cells
    small_rule: SmallRule | None = None  # which candidates for small cells are some; None: their mean probability says
    diameter_px: Annotated[float, ranged(8, 512)]  # cells are shown to the network at this diameter
    sha256: str = ""  # of model.safetensors
    normalisation: Normalisation = Normalisation()
    thresholds: dict[str, float] = Field(default_factory=dict)  # fields of config.Thresholds that these weights prefer
    calibration: CalibrationCurve | None = None
    data: str = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    licence: str = ""
    intended_use: str = "Research use only. Not for diagnosis."
    bccseg_version: str = __version__
    format: int = FORMAT

    def model_post_init(self, _context: Any) -> None:
        """Check the thresholds against the names and ranges of this version."""
        Thresholds(**self.thresholds)
        if self.network.classes != len(self.classes):
            raise WeightsError(f"It names {len(self.classes)} cell classes for a network of {self.network.classes}.")

    @property
    def told_classes(self) -> tuple[CellClass, ...]:
        """All classes that a result may have: of whole cells, if there are some, and what the network alone tells."""
        if self.cell_head is None:
            return self.classes
        names = {one.name for one in self.cell_head.classes}
        return (*self.cell_head.classes, *(one for one in self.classes if one.name not in names))

    @field_validator("calibration", mode="before")
    @classmethod
    def _no_curve(cls, value: Any) -> Any:
        return value or None  # {} where the scores are raw

    @field_serializer("calibration")
    def _write_no_curve(self, value: CalibrationCurve | None) -> dict[str, float]:
        return value.to_dict() if value else {}


@dataclass(frozen=True)
class Weights:
    """Loaded weights: the network in evaluation mode, on the CPU, float32."""

    config: WeightsConfig
    network: EncoderDecoder
    source: str  # what the person named: a folder or hf://owner/repo@commit
    cell_head: CellHead | None = None


def save_weights(folder: Path, state: dict[str, torch.Tensor], config: WeightsConfig) -> WeightsConfig:
    """Write model.safetensors (half precision) and config.json; returns the config with its sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {
        name: (t.half() if t.dtype.is_floating_point else t).contiguous().cpu()
        for name, t in state.items()
        if not name.endswith("num_batches_tracked")  # only training counts batches
    }
    data = save(half, {"format": "pt"})
    write_atomically(folder / MODEL_FILE, data)
    return write_config(folder, config.replace(sha256=hashlib.sha256(data).hexdigest()))


def save_cell_head(folder: Path, head: CellHead, about: CellHeadConfig) -> WeightsConfig:
    """Give the weights in `folder` classes of whole cells; returns their config."""
    data = save_arrays(head.tensors())
    write_atomically(folder / HEAD_FILE, data)
    about = about.replace(sha256=hashlib.sha256(data).hexdigest())
    return write_config(folder, read_config(folder).replace(cell_head=about))


def _load_cell_head(folder: Path, about: CellHeadConfig) -> CellHead:
    path = folder / HEAD_FILE
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != about.sha256:
        raise WeightsError(
            f"{HEAD_FILE} of '{folder.name}' is missing, or not the file its config.json was written for: "
            "fetch the weights again."
        )
    try:
        return CellHead.from_tensors(load_arrays(data), tuple(one.name for one in about.classes))
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(f"{HEAD_FILE} of '{folder.name}' cannot be used ({error}).") from error


def write_config(folder: Path, config: WeightsConfig) -> WeightsConfig:
    """Write config.json of a weight folder; returns the config."""
    write_atomically(folder / CONFIG_FILE, config.to_json(indent=2) + b"\n")
    return config


def read_config(folder: Path) -> WeightsConfig:
    """config.json of a weight folder. Raises WeightsError."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise WeightsError(f"'{folder.name}' has no {CONFIG_FILE}. Choose a folder that bccseg wrote.")
    try:
        values = json.loads(path.read_bytes())
        if isinstance(values, dict) and values.get("format") != FORMAT:
            raise WeightsError(
                f"It was not written by bccseg, or by another version of it "
                f"(format {values.get('format')!r}; this version reads {FORMAT})."
            )
        return WeightsConfig.from_dict(values)
    except (ValueError, OSError, BccsegError) as error:
        raise WeightsError(f"{CONFIG_FILE} of '{folder.name}' cannot be used. {error}") from error


def load_weights(folder: Path, source: str | None = None) -> Weights:
    """Read and check a weight folder. Raises WeightsError; never gives random weights."""
    config = read_config(folder)
    path = folder / MODEL_FILE
    if not path.is_file():
        raise WeightsError(f"'{folder.name}' has no {MODEL_FILE}; pickled weights (.pt, .pth, .bin) are refused.")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != config.sha256:
        raise WeightsError(
            f"{MODEL_FILE} of '{folder.name}' is not the file its config.json was written for "
            "(checksum differs). It is damaged or was replaced: fetch it again."
        )
    network = build_network(config.network)
    try:
        state = {k: v.float() if v.dtype.is_floating_point else v for k, v in load(data).items()}
    except SafetensorError as error:
        raise WeightsError(f"{MODEL_FILE} of '{folder.name}' is not a safetensors file ({error}).") from error
    expected = {k for k in network.state_dict() if not k.endswith("num_batches_tracked")}
    if odd := expected ^ state.keys():
        raise WeightsError(
            f"The weights of '{folder.name}' do not fit a {config.network.architecture} of width "
            f"{config.network.width}: {len(expected - state.keys())} tensors missing, "
            f"{len(state.keys() - expected)} unknown, e.g. '{min(odd)}'."
        )
    try:
        network.load_state_dict(state, strict=False)  # all names were compared above; shapes are checked here
    except RuntimeError as error:
        raise WeightsError(f"The weights of '{folder.name}' have tensors of another shape.") from error
    head = config.cell_head and _load_cell_head(folder, config.cell_head)
    return Weights(config, network.eval(), source or folder.name, head)
