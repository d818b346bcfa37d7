"""Large images in overlapping tiles, their cells joined at the seams."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels

TILE_PX = 1024  # working pixels a side; an image up to this size is one tile


OVERLAP = 3.0  # cell diameters that neighbouring tiles share: any cell is whole in one of them


SEAM = 0.4  # cells closer than this many diameters to a tile's inner edge are left to the next tile


def tile_windows(shape: tuple[int, int], factor: float, diameter_px: float) -> Iterator[tuple[slice, slice]]:
    """Windows (rows, columns) in image px that cover an image (H, W), row by row.

    Neighbours overlap by OVERLAP cell diameters; a window is TILE_PX at the working scale `factor`.
    """
    side, overlap = max(1, round(TILE_PX / factor)), round(OVERLAP * diameter_px)

    def spans(length: int) -> list[slice]:
        if length <= side * 1.25:  # a little more than a tile is still one tile
            return [slice(0, length)]
        count = -(-(length - overlap) // max(1, side - overlap))
        starts = np.linspace(0, length - side, count).round().astype(int)
        return [slice(int(s), int(s) + side) for s in starts]

    for rows in spans(shape[0]):
        for cols in spans(shape[1]):
            yield rows, cols


def paste_tile(
    labels: Labels,
    found: Labels,
    window: tuple[slice, slice],
    diameter_px: float,
    used: int,
    *,
    single: bool,
) -> NDArray[np.intp]:
    """Add, in place, the cells of a tile to the labels of the image; returns which of them were added: int (M,) from 0.

    A cell that comes near a tile edge inside the image may be cut, and is left to the neighbour that
    sees it whole; one that mostly lies on a cell already there is that cell.
    """
    count = int(found.max(initial=0))
    if single:
        labels[...] = found
        return np.arange(count)
    seam = near_inner_edge(found, labels.shape, window, round(SEAM * diameter_px))
    area = np.bincount(found.ravel(), minlength=count + 1)
    target = labels[window]
    covered = np.bincount(found[target > 0].ravel(), minlength=count + 1)
    take = (covered < 0.5 * area) & ~seam
    take[0] = False
    number = np.zeros(count + 1, np.int32)
    number[take] = used + 1 + np.arange(int(take.sum()))
    new = np.where(target == 0, number[found], 0)
    target[new > 0] = new[new > 0]
    return np.flatnonzero(take) - 1


def near_inner_edge(
    found: Labels, shape: tuple[int, int], window: tuple[slice, slice], margin: int
) -> NDArray[np.bool_]:
    """Ids 0..N of a tile that come within `margin` px of a tile edge that is no image edge: bool (N + 1,)."""
    rows, cols = window
    near = np.zeros(int(found.max(initial=0)) + 1, bool)
    for inner, strip in (
        (rows.start > 0, found[:margin]),
        (rows.stop < shape[0], found[found.shape[0] - margin :]),
        (cols.start > 0, found[:, :margin]),
        (cols.stop < shape[1], found[:, found.shape[1] - margin :]),
    ):
        if inner:
            near[np.unique(strip)] = True
    return near
