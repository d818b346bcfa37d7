"""The truth of a training image: label pictures or masks, and what is unknown."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import ImageClasses
from bccseg.config import MIN_TRUE_AREA_PX
from bccseg.errors import BccsegError, DataError
from bccseg.imaging.label_image import Labels, Mask, label_mask
from bccseg.io.images import read_mask
from bccseg.io.label_files import read_labels

# Folders of a dataset. `others`: what is no cell, such as platelets, one id each.
LABELS, MASK, UNKNOWN, CLASSES, OTHERS = "labels", "mask", "unknown", "classes", "others"


def read_truth(path: Path, image: NDArray[np.uint8], name: str) -> tuple[Labels, Mask]:
    """Cells of an image, int32 (H, W), and where nothing is known, bool (H, W).

    path: in a folder `labels` a picture with one id a cell; in any other a mask, each 4-connected piece a cell. A mask
    of the same stem in a folder `unknown` beside it marks what must not be learned. name: of the image, for errors.
    Raises DataError if the sizes differ, ImageError.
    """
    shape, path = image.shape[:2], path.absolute()  # a bare file name has a folder, too
    if path.parent.name == LABELS:
        labels = _read_labels(path, shape, name)
    else:
        mask = read_mask(path)
        _check_size(mask.shape, shape, name, "mask")
        labels = label_mask(mask, MIN_TRUE_AREA_PX)
    unknown_path = path.parent.with_name(UNKNOWN) / f"{path.stem}.png"
    if not unknown_path.is_file():
        return labels, np.zeros(shape, bool)
    unknown = read_mask(unknown_path)
    _check_size(unknown.shape, shape, name, "picture of unknown places")
    return labels, unknown


def read_classes(path: Path) -> ImageClasses:
    """What is known about the classes of the cells of `read_truth`. Raises DataError."""
    path = path.absolute()
    file = path.parent.with_name(CLASSES) / f"{path.stem}.json"
    try:
        return ImageClasses.from_json(file.read_bytes()) if file.is_file() else ImageClasses()
    except (BccsegError, OSError) as error:
        raise DataError(f"{CLASSES}/{file.name} cannot be used. {error}") from error


def read_objects(path: Path, cells: Labels, name: str) -> Labels:
    """The cells of `read_truth`, and, numbered after them, what is no cell: by the ids of `read_classes`.

    Raises DataError if the sizes differ, ImageError.
    """
    path = path.absolute()
    others = path.parent.with_name(OTHERS) / f"{path.stem}.png"
    return join_others(cells, _read_labels(others, cells.shape, name)) if others.is_file() else cells


def join_others(cells: Labels, others: Labels) -> Labels:
    """Labels int32 (H, W) in which the ids 1..K of `others` follow the ids 1..N of `cells`."""
    return np.where(others > 0, others + int(cells.max(initial=0)), cells).astype(np.int32)


def _read_labels(path: Path, shape: tuple[int, int], name: str) -> Labels:
    try:
        return read_labels(path.read_bytes(), shape, split_pieces=False)
    except OSError as error:
        raise DataError(f"{path.name} cannot be opened ({error.strerror}).") from error
    except BccsegError as error:
        raise DataError(f"{name}: {error}") from error


def _check_size(found: tuple[int, ...], wanted: tuple[int, ...], name: str, what: str) -> None:
    if found != wanted:
        raise DataError(f"{name} is {wanted[1]} x {wanted[0]} px, its {what} {found[1]} x {found[0]} px.")
