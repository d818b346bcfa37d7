"""Weight folders: model.safetensors, config.json and a model card (README.md).

Nothing is unpickled, nothing is loaded by halves: a tensor too many, too few or of another shape, or a
file that is not the one config.json was written for, is an error.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from bccseg import __version__
from bccseg.config import NetworkConfig
from bccseg.errors import BccsegError, WeightsError
from bccseg.files import write_atomically
from bccseg.imaging.normalise import WHITE_PERCENTILE
from bccseg.model.blocks import EncoderDecoder
from bccseg.model.build import build_network

MODEL_FILE, CONFIG_FILE, CARD_FILE = "model.safetensors", "config.json", "README.md"
FORMAT = 1
THRESHOLDS = ("cell_threshold", "marker_depth", "marker_threshold", "min_score")  # fields of SegmentSettings


@dataclass(frozen=True)
class WeightsConfig:
    """config.json: all that inference needs to know about the weights, and where they come from."""

    name: str
    network: NetworkConfig
    diameter_px: float  # cells are shown to the network at this diameter
    sha256: str = ""  # of model.safetensors
    normalisation: dict[str, Any] = field(default_factory=lambda: {"kind": "white", "percentile": WHITE_PERCENTILE})
    thresholds: dict[str, float] = field(default_factory=dict)  # SegmentSettings fields these weights prefer
    calibration: dict[str, float] = field(default_factory=dict)  # slope and offset of `imaging.calibration`
    data: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    intended_use: str = "Research use only. Not for diagnosis."
    bccseg_version: str = __version__
    format: int = FORMAT


@dataclass(frozen=True)
class Weights:
    """Loaded weights: the network in evaluation mode, on the CPU, float32."""

    config: WeightsConfig
    network: EncoderDecoder
    source: str  # what the person named: a folder or hf://owner/repo@commit


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
    return write_config(folder, replace(config, sha256=hashlib.sha256(data).hexdigest()))


def write_config(folder: Path, config: WeightsConfig) -> WeightsConfig:
    """Write config.json of a weight folder; returns the config."""
    text = json.dumps(asdict(config), indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / CONFIG_FILE, text.encode())
    return config


def read_config(folder: Path) -> WeightsConfig:
    """config.json of a weight folder. Raises WeightsError."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise WeightsError(f"'{folder.name}' has no {CONFIG_FILE}. Choose a folder that bccseg wrote.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise WeightsError(f"{CONFIG_FILE} of '{folder.name}' is not a bccseg configuration.")
        if values.get("format") != FORMAT:
            raise WeightsError(
                f"'{folder.name}' was not written by bccseg, or by another version of it "
                f"(format {values.get('format')!r}; this version reads {FORMAT})."
            )
        known = {f.name for f in fields(WeightsConfig)}
        values = {k: v for k, v in values.items() if k in known}
        config = WeightsConfig(**{**values, "network": NetworkConfig(**values["network"])})
        if not (isinstance(config.diameter_px, int | float) and 8 <= config.diameter_px <= 512):
            raise WeightsError(f"{CONFIG_FILE} of '{folder.name}' has no usable cell diameter.")
    except WeightsError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OSError, BccsegError) as error:
        raise WeightsError(f"{CONFIG_FILE} of '{folder.name}' cannot be used ({error}).") from error
    _check(config, folder.name)
    return config


def _check(config: WeightsConfig, name: str) -> None:
    """Raise WeightsError for values that this version cannot use."""
    odd = {k: v for k, v in config.thresholds.items() if k not in THRESHOLDS or not isinstance(v, int | float)}
    if odd:
        raise WeightsError(f"{CONFIG_FILE} of '{name}' has thresholds that this version does not know: {odd}.")
    curve = config.calibration
    if curve and (curve.keys() != {"slope", "offset"} or not all(isinstance(v, int | float) for v in curve.values())):
        raise WeightsError(f"{CONFIG_FILE} of '{name}' has a calibration that this version does not know: {curve}.")
    if config.normalisation.get("kind") != "white":
        raise WeightsError(f"'{name}' needs a normalisation that this version does not know.")


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
    return Weights(config, network.eval(), source or folder.name)
