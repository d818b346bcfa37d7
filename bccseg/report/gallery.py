"""Cells side by side: a crop of each, in the order in which they are looked at, all in one picture."""

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.classes import UNCLASSIFIED, CellMarks
from bccseg.imaging.label_image import Labels

# Width of a crop: so many typical diameters, that sizes can be compared; large cells get more, small ones are enlarged.
WIDTH, LARGE, SMALL = 1.5, 1.15, 0.9
SMALL_UP_TO = 0.55  # typical diameters
BEYOND = 236  # grey level of what lies outside the image
FADE = 0.5  # how far what is not the cell goes towards that grey


def gallery_order(cells: Iterable[int], marks: CellMarks, first: Sequence[str]) -> list[int]:
    """Ids by class, in each class those first that the network is least sure of, those of a person last.

    first: the classes in their order; others follow, unclassified cells last.
    """
    rank = {name: k for k, name in enumerate(first)}
    rank.setdefault(UNCLASSIFIED, len(rank) + 1)

    def key(cell: int) -> tuple[int, str, float, int]:
        mark = marks.get(cell)
        name = mark.name if mark else UNCLASSIFIED
        sure = 2.0 if mark and mark.by == "person" else 1.0 if mark is None or mark.score is None else mark.score
        return rank.get(name, len(rank)), name, sure, cell

    return sorted(cells, key=key)


def rarest_first(counts: Mapping[str, int]) -> list[str]:
    """Classes in the order of the gallery: a white cell is not looked for behind 300 red ones."""
    return sorted((name for name, n in counts.items() if n and name != UNCLASSIFIED), key=lambda name: counts[name])


def inner_points(labels: Labels) -> NDArray[np.float64]:
    """A point x, y inside each id of labels int32 (H, W): float64 (N + 1, 2); NaN where an id has no pixel."""
    at = np.flatnonzero(labels)
    ids = labels.ravel()[at]
    at = at[np.argsort(ids, kind="stable")]
    size = np.bincount(ids, minlength=int(labels.max(initial=0)) + 1)
    there = size > 0
    middle = at[(np.cumsum(size) - size + size // 2)[there]]  # of its pixels in their order, so one of them
    points = np.full((len(size), 2), np.nan)
    points[there] = np.stack([middle % labels.shape[1], middle // labels.shape[1]], axis=1) + 0.5
    return points


def crop_sheet(
    image: NDArray[np.uint8], labels: Labels, cells: Sequence[int], diameter_px: float, side: int, columns: int
) -> NDArray[np.uint8]:
    """Crops of `side` px, row by row, of cells of an image (H, W, 3): uint8 (rows * side, columns * side, 3).

    What is not the cell is paler.
    """
    rows = max(1, -(-len(cells) // columns))
    sheet = np.full((rows * side, columns * side, 3), BEYOND, np.uint8)
    boxes = ndi.find_objects(labels)
    for k, cell in enumerate(cells):
        top, left = k // columns * side, k % columns * side
        sheet[top : top + side, left : left + side] = _crop(image, labels, cell, boxes[cell - 1], diameter_px, side)
    return sheet


def _crop(
    image: NDArray[np.uint8], labels: Labels, cell: int, box: tuple[slice, slice], diameter_px: float, side: int
) -> NDArray[np.uint8]:
    longest = max(b.stop - b.start for b in box)
    least = (SMALL if longest < SMALL_UP_TO * diameter_px else WIDTH) * diameter_px
    width = max(4, round(max(least, LARGE * longest)))
    start = [round((b.start + b.stop - width) / 2) for b in box]
    inside = tuple(slice(max(0, s), min(size, s + width)) for s, size in zip(start, labels.shape, strict=True))
    pad = [(i.start - s, s + width - i.stop) for i, s in zip(inside, start, strict=True)]
    part, own = image[inside].astype(np.float32), labels[inside] == cell
    part[~own] += FADE * (BEYOND - part[~own])
    part = np.pad(part, (*pad, (0, 0)), constant_values=BEYOND)
    how = cv2.INTER_AREA if width > side else cv2.INTER_CUBIC
    return np.clip(cv2.resize(part, (side, side), interpolation=how), 0, 255).round().astype(np.uint8)
