"""Label pictures and masks of an import, with the classes that lie beside them."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from bccseg.annotation.import_parts import Dataset, Files, Pair, Read, Truth, split_of_folder
from bccseg.classes import CellMark, ImageClasses
from bccseg.config import MIN_PIECE_PX
from bccseg.errors import BccsegError
from bccseg.imaging.label_image import areas, relabel
from bccseg.io.label_files import read_labels
from bccseg.io.truth import CLASSES, OTHERS, join_others

IMAGE_FOLDERS = ("original", "image", "images", "img")
LABEL_FOLDERS = ("mask", "masks", "label", "labels")
LABEL_ENDINGS = ("_labels", "_mask")  # as `segment` writes them


def is_label_picture(path: PurePosixPath) -> bool:
    """Whether a picture holds labels or a mask, by its folder or name."""
    return path.parent.name.lower() in (*LABEL_FOLDERS, OTHERS) or path.stem.endswith(LABEL_ENDINGS)


def picture_pairs(files: Files, pictures: set[PurePosixPath], found: Dataset) -> Iterator[tuple[PurePosixPath, Pair]]:
    """Images with label pictures, in order of name; label pictures without an image go into `found.lonely`."""
    sides: dict[tuple[str, str], dict[str, PurePosixPath]] = {}
    for path in sorted(pictures):
        folder, stem = path.parent.name.lower(), path.stem
        if folder == OTHERS:
            continue
        ending = next((e for e in LABEL_ENDINGS if stem.endswith(e)), "")
        if is_label_picture(path):
            place = path.parent.parent if folder in LABEL_FOLDERS else path.parent
            key, side = (str(place), stem.removesuffix(ending)), f"labels{LABEL_ENDINGS.index(ending) if ending else 0}"
        else:
            place = path.parent.parent if folder in IMAGE_FOLDERS else path.parent
            key, side = (str(place), stem), "image"
        sides.setdefault(key, {}).setdefault(side, path)
    for (place, stem), pair in sorted(sides.items()):
        image, truth = pair.get("image"), pair.get("labels0") or pair.get("labels1")
        if image is None:
            found.lonely.extend(str(p) for p in pair.values())
        elif truth is not None:
            others = files.get(PurePosixPath(place) / OTHERS / f"{stem}.png")
            known = _image_classes(files, PurePosixPath(place) / CLASSES / f"{stem}.json", found)
            yield image, Pair(image.name, files[image], _reading(files[truth], others, known), split_of_folder(image))


def _image_classes(files: Files, path: PurePosixPath, found: Dataset) -> ImageClasses:
    """What classes/<stem>.json says; a damaged one is told of, and its image's cells are unclassified."""
    known = ImageClasses()
    if path in files:
        try:
            known = ImageClasses.from_json(files[path]())
        except (BccsegError, OSError) as error:
            found.failed.append((str(path), str(error)))
    for name in known.cells.values():
        found.class_counts[name] = found.class_counts.get(name, 0) + 1
    found.classes.update({one.name: one for one in known.classes})
    return known


def _reading(labels: Read, others: Read | None, known: ImageClasses) -> Callable[[NDArray[np.uint8]], Truth]:
    def read(image: NDArray[np.uint8]) -> Truth:
        shape = image.shape[:2]
        if not known.cells:
            return Truth(read_labels(labels(), shape), {})
        ids = read_labels(labels(), shape, split_pieces=False)
        if others is not None:
            ids = join_others(ids, read_labels(others(), shape, split_pieces=False))
        pieces = label(ids, connectivity=1, background=0)
        keep = areas(pieces) >= MIN_PIECE_PX
        owner = np.zeros(len(keep), np.int64)
        owner[pieces.ravel()] = ids.ravel()
        keep[0] = False
        marks = {
            cell: CellMark(name=known.cells[of])
            for cell, of in enumerate(owner[keep].tolist(), start=1)
            if known.cells.get(of)
        }
        return Truth(relabel(pieces, keep), marks)

    return read
