"""What a run has learned from and was checked on, kept beside it."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import ConfigDict, Field

from bccseg.annotation.records import image_id
from bccseg.errors import BccsegError, TrainingError
from bccseg.files import write_atomically
from bccseg.io.images import read_image
from bccseg.schema import Schema
from bccseg.training.data_sources import Pairs, TrainingData

PACKAGES = ("torch", "numpy", "opencv-python-headless", "scikit-image", "scipy", "pillow")


class SplitRecord(Schema):
    """The images of one split."""

    images: tuple[str, ...] = ()  # file names
    hash: str = ""  # see `data_hash`


class Provenance(Schema):
    """split.json: which image was used for what, and the versions of what computed."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "splits"

    train: SplitRecord = SplitRecord()
    validation: SplitRecord = SplitRecord()
    test: SplitRecord = SplitRecord()
    base: SplitRecord = SplitRecord()
    versions: dict[str, str] = Field(default_factory=dict)

    @property
    def splits(self) -> dict[str, SplitRecord]:
        """Those that hold images, by name."""
        named = {name: getattr(self, name) for name in ("train", "validation", "test", "base")}
        return {name: split for name, split in named.items() if split.images}


def data_hash(pairs: Pairs) -> str:
    """One hash of the images of a set, whatever their order and names."""
    ids = sorted(image_id(read_image(image)) for image, _ in pairs)
    return image_id(np.frombuffer("".join(ids).encode() or b"0", np.uint8).reshape(1, -1))


def save_provenance(run: Path, data: TrainingData) -> None:
    """Write split.json: which image was used for what, a hash of each split, and the versions of what computed. That is
    enough to say later what the weights have seen, and to train them again.
    """
    splits = {"train": data.train, "validation": data.validation, "test": data.test, "base": data.base}
    found = Provenance(
        **{
            name: SplitRecord(images=tuple(image.name for image, _ in pairs), hash=data_hash(pairs))
            for name, pairs in splits.items()
        },
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    )
    write_atomically(run / "split.json", found.to_json(indent=1))
