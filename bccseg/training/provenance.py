"""What a run has learned from and was checked on, kept beside it."""

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bccseg.annotation.records import image_id
from bccseg.files import write_atomically
from bccseg.io.images import read_image
from bccseg.training.data_sources import Pairs, TrainingData

PACKAGES = ("torch", "numpy", "opencv-python-headless", "scikit-image", "scipy", "pillow")


def data_hash(pairs: Pairs) -> str:
    """One hash of the images of a set, whatever their order and names."""
    ids = sorted(image_id(read_image(image)) for image, _ in pairs)
    return image_id(np.frombuffer("".join(ids).encode() or b"0", np.uint8).reshape(1, -1))


def save_provenance(run: Path, data: TrainingData) -> None:
    """Write split.json: which image was used for what, a hash of each split, and the versions of what computed. That is
    enough to say later what the weights have seen, and to train them again.
    """
    splits = {"train": data.train, "validation": data.validation, "test": data.test, "base": data.base}
    values: dict[str, Any] = {
        name: {"images": [image.name for image, _ in pairs], "hash": data_hash(pairs)} for name, pairs in splits.items()
    }
    values["versions"] = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    write_atomically(run / "split.json", json.dumps(values, indent=1).encode())
