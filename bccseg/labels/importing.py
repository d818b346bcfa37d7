"""Labels and datasets from elsewhere: label pictures, masks, and folders or zips in the Kaggle layout."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from skimage.measure import label

from bccseg.errors import DataError, ImageError
from bccseg.imaging.archive import is_zip, zip_members
from bccseg.imaging.decode import MAX_PIXELS, SUFFIXES, decode
from bccseg.imaging.labels import Labels, areas, label_mask, relabel
from bccseg.labels.edits import MIN_PIECE_PX
from bccseg.labels.records import Split
from bccseg.labels.store import LabelStore

IMAGE_FOLDERS = ("original", "image", "images", "img")
LABEL_FOLDERS = ("mask", "masks", "label", "labels")
SPLIT_FOLDERS: dict[str, Split] = {"train": "train", "test": "test", "validation": "validation", "val": "validation"}
LABEL_ENDINGS = ("_labels", "_mask")  # as `segment` writes them

MAX_ID = 2**31 - 1
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
Read = Callable[[], bytes]


def read_labels(data: bytes, shape: tuple[int, int]) -> Labels:
    """Labels int32 (H, W) of a picture file for an image of `shape`.

    More than two values in one channel are ids, a cell each; two values are a mask whose 4-connected pieces are
    cells. A cell in several pieces becomes several; pieces below MIN_PIECE_PX are dropped. Raises ImageError.
    """
    values = _grey(data)
    if values.shape != shape:
        raise ImageError(
            f"The labels are {values.shape[1]} x {values.shape[0]} px but the image {shape[1]} x {shape[0]} px. "
            "They must be of the same size."
        )
    levels = np.unique(values)
    if len(levels) <= 2:
        return label_mask(values > levels[0] if len(levels) == 2 else values > 0, MIN_PIECE_PX)
    if values.dtype == np.uint8 and (levels > 250).any() and np.isin(levels, (*range(6), *range(250, 256))).all():
        return label_mask(values > 127, MIN_PIECE_PX)  # a mask that went through JPEG
    pieces = label(values, connectivity=1, background=0)
    return relabel(pieces, areas(pieces) >= MIN_PIECE_PX)


def _grey(data: bytes) -> NDArray:
    """One channel of whole numbers 0 and up, (H, W). Raises ImageError."""
    values = _one_channel(_pixels(data))
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or (values != np.round(values)).any():
            raise ImageError("The labels are not whole numbers. Save them as 16-bit PNG or TIFF.")
        values = values.astype(np.int64)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    if values.min(initial=0) < 0 or values.max(initial=0) > MAX_ID:
        raise ImageError("The labels hold numbers below 0 or too large. Save them as 16-bit PNG or TIFF.")
    return values


def _pixels(data: bytes) -> NDArray:
    """Values as the file has them, (H, W) or (H, W, C). Raises ImageError."""
    if data[:4] in TIFF_STARTS:
        try:
            return tifffile.imread(io.BytesIO(data), key=0)
        except Exception as error:  # the library lets errors of many kinds through
            raise ImageError("The labels are a damaged TIFF. Save them anew as 16-bit TIFF or PNG.") from error
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    return decode(data)[0].image if values is None else values  # 1-bit, palette and the like, or no picture at all


def _one_channel(values: NDArray) -> NDArray:
    if values.ndim == 3:
        colours = values[..., : min(3, values.shape[2])]
        if (colours != values[..., :1]).any():
            raise ImageError("The labels are a colour picture. Save them as greyscale, a number for each cell.")
        values = values[..., 0]
    if values.ndim != 2 or values.size > MAX_PIXELS:
        raise ImageError("The labels are no single greyscale picture of a usable size.")
    return values


@dataclass
class ImportReport:
    """What came of an import."""

    added: int = 0  # images with labels now in the collection
    already: int = 0  # ... that were there with just these labels
    cells: int = 0
    lonely: list[str] = field(default_factory=list)  # files without a partner
    failed: list[tuple[str, str]] = field(default_factory=list)  # name, reason


@dataclass(frozen=True)
class Pair:
    """An image file and its label file."""

    name: str
    image: Read
    labels: Read
    split: Split | None


def import_dataset(store: LabelStore, source: Path | bytes, author: str, licence: str) -> Iterator[ImportReport]:
    """Add images with their labels to the collection as accepted versions; yields the report after each pair.

    source: a folder or the bytes of a zip, in the Kaggle layout (train/original + train/mask, ...), or images with
    <stem>_labels or <stem>_mask beside them. Train, validation or test comes from the folder, where it says.
    Raises DataError if there is nothing to import.
    """
    report = ImportReport()
    found = False
    for pair in _pairs(_files(source), report):
        found = True
        try:
            image = decode(pair.image())[0].image
            labels = read_labels(pair.labels(), image.shape[:2])
            info = store.add_image(image, pair.name, added_by=author, licence=licence, split=pair.split)
            if any(
                v.cells == labels.max(initial=0) and (store.labels(v) == labels).all() for v in store.versions(info.id)
            ):
                report.already += 1
            else:
                store.save_version(
                    info.id, labels, author=author, status="accepted", licence=licence, comment="imported"
                )
                report.added += 1
                report.cells += int(labels.max(initial=0))
        except (ImageError, OSError) as error:
            report.failed.append((pair.name, str(error)))
        yield report
    if not found:
        raise DataError(
            "No image with a mask was found. Put images in 'original' and masks of the same names in 'mask' "
            "(also below 'train' and 'test'), or name labels <image>_labels.png."
        )


def _files(source: Path | bytes) -> dict[PurePosixPath, Read]:
    """Picture files by their path inside the folder or zip, each with what reads it."""
    if isinstance(source, Path):
        paths = [p for p in sorted(source.rglob("*")) if p.is_file()]
        files = {PurePosixPath(p.relative_to(source).as_posix()): p.read_bytes for p in paths}
    elif is_zip(source):
        files = {PurePosixPath(name): read for name, read in zip_members(source).items()}
    else:
        raise DataError("That is no zip file. Pack the folder with 'original' and 'mask' as a zip.")
    return {path: read for path, read in files.items() if path.suffix.lower() in SUFFIXES}


def _pairs(files: dict[PurePosixPath, Read], report: ImportReport) -> Iterator[Pair]:
    """Images with their labels, in order of name; the rest goes into report.lonely."""
    sides: dict[tuple[str, str], dict[str, PurePosixPath]] = {}
    for path in sorted(files):
        folder, stem = path.parent.name.lower(), path.stem
        ending = next((e for e in LABEL_ENDINGS if stem.endswith(e)), "")
        if folder in LABEL_FOLDERS or ending:
            place = path.parent.parent if folder in LABEL_FOLDERS else path.parent
            key, side = (str(place), stem.removesuffix(ending)), f"labels{LABEL_ENDINGS.index(ending) if ending else 0}"
        else:
            place = path.parent.parent if folder in IMAGE_FOLDERS else path.parent
            key, side = (str(place), stem), "image"
        sides.setdefault(key, {}).setdefault(side, path)
    for (place, _), pair in sorted(sides.items()):
        image, truth = pair.get("image"), pair.get("labels0") or pair.get("labels1")
        if image is None or truth is None:
            report.lonely.extend(str(p) for p in pair.values())
            continue
        parts = [part.lower() for part in PurePosixPath(place).parts]
        split = next((SPLIT_FOLDERS[part] for part in reversed(parts) if part in SPLIT_FOLDERS), None)
        yield Pair(image.name, files[image], files[truth], split)
