"""Which files other programs read, and whether this installation can write them."""

from importlib.util import find_spec

from bccseg.errors import SettingsError

FORMATS = {  # for people
    "bioimageio": "BioImage.IO package",
    "onnx": "ONNX",
    "torchscript": "TorchScript",
}


def can_write_onnx() -> bool:
    """Whether the two packages are there that PyTorch writes ONNX with."""
    return all(find_spec(name) for name in ("onnx", "onnxscript"))


def check_format(name: str) -> None:
    """Raise SettingsError for a format that is unknown, or that this installation cannot write."""
    if name not in FORMATS:
        raise SettingsError(f"Unknown format '{name}'. Choose one of {', '.join(FORMATS)}.")
    if name == "onnx" and not can_write_onnx():
        raise SettingsError(
            "Writing ONNX needs the packages onnx and onnxscript. Install them with: pip install 'bccseg[onnx]'"
        )
