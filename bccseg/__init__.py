"""Blood-cell segmentation: find, outline, count and measure the cells of a smear.

    import bccseg

    predictor = bccseg.load_predictor()
    image = bccseg.read_image("smear.jpg")
    cells = bccseg.measure_cells(predictor.segment(image).labels, image)

The names in `__all__` are for everyone and are loaded when they are used, so that `import bccseg` costs nothing. All
else may change from one version to the next.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bccseg.config import SegmentSettings
    from bccseg.errors import BccsegError
    from bccseg.imaging.measure import measure_cells
    from bccseg.imaging.synthetic import draw_smear
    from bccseg.inference.evaluate import evaluate
    from bccseg.inference.predictor import load_predictor
    from bccseg.io.images import read_image

__version__ = "0.1.0"
__all__ = [
    "BccsegError",
    "SegmentSettings",
    "__version__",
    "draw_smear",
    "evaluate",
    "load_predictor",
    "measure_cells",
    "read_image",
]
_HOMES = {
    "BccsegError": "bccseg.errors",
    "SegmentSettings": "bccseg.config",
    "draw_smear": "bccseg.imaging.synthetic",
    "evaluate": "bccseg.inference.evaluate",
    "load_predictor": "bccseg.inference.predictor",
    "measure_cells": "bccseg.imaging.measure",
    "read_image": "bccseg.io.images",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bccseg' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
