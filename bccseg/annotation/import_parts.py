"""What an import is made of: images, what reads their cells, and how images are found by the names that files use."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bccseg.annotation.records import Split
from bccseg.classes import CellClass, CellMarks
from bccseg.imaging.label_image import Labels
from bccseg.io.annotation_files.label_studio import UPLOADED
from bccseg.io.images import SUFFIXES

SPLIT_FOLDERS: dict[str, Split] = {"train": "train", "test": "test", "validation": "validation", "val": "validation"}

Read = Callable[[], bytes]
Files = dict[PurePosixPath, Read]


@dataclass(frozen=True)
class Truth:
    """The cells of one image."""

    labels: Labels  # int32 (H, W), 1..N
    marks: CellMarks  # by the names of the source
    certain: bool = True  # False: outlines stand for boxes, or nobody has looked at what a network found


@dataclass(frozen=True)
class Pair:
    """An image file, and what reads its cells for the image uint8 (H, W, 3)."""

    name: str
    image: Read
    truth: Callable[[NDArray[np.uint8]], Truth]
    split: Split | None


@dataclass
class Dataset:
    """A folder or zip, looked through; no image is read yet."""

    pairs: list[Pair] = field(default_factory=list)
    class_counts: dict[str, int] = field(default_factory=dict)  # objects by the source's class names
    classes: dict[str, CellClass] = field(default_factory=dict)  # colours and the like, where they come along
    lonely: list[str] = field(default_factory=list)  # files without a partner
    failed: list[tuple[str, str]] = field(default_factory=list)  # name, reason


class ImageNames:
    """The images of a source, found by what annotations call them."""

    def __init__(self, paths: Iterable[PurePosixPath]) -> None:
        self.paths = set(paths)
        self.stems = {path.stem for path in self.paths}
        self._by_name: dict[str, list[PurePosixPath]] = {}
        for path in self.paths:
            for name in {path.name.lower(), path.stem.lower()}:
                self._by_name.setdefault(name, []).append(path)

    def find(self, file_name: str, annotations: PurePosixPath) -> PurePosixPath | None:
        """The image that annotations mean: of its name, or of its name without suffix, or without what Label Studio
        puts in front; of several the one that lies nearest to them, or, where the name has folders, in these.
        """
        meant = PurePosixPath(file_name.replace("\\", "/"))
        names = [meant.name.lower(), *([meant.stem.lower()] if meant.suffix.lower() in SUFFIXES else [])]
        for name in [*names, *(UPLOADED.sub("", name) for name in names)]:
            if fitting := self._by_name.get(name):
                return min(fitting, key=lambda p: (-shared_folders(p, meant), -shared_folders(p, annotations), str(p)))
        return None


def shared_folders(one: PurePosixPath, other: PurePosixPath) -> int:
    """How many folders two paths have in common."""
    return len(set(one.parent.parts) & set(other.parent.parts))


def split_of_folder(image: PurePosixPath) -> Split | None:
    """From the nearest folder that names one."""
    folders = [folder.lower() for folder in image.parent.parts]
    return next((SPLIT_FOLDERS[folder] for folder in reversed(folders) if folder in SPLIT_FOLDERS), None)
