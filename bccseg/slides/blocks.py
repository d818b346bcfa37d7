"""A slide in overlapping blocks, and which block a cell belongs to.

Each block is segmented by itself. Where blocks overlap both see a cell, and the rule must neither lose nor double it:

* A block takes the cells that it sees clear of its inner edges, and those whose middle (of their bounding box) lies in
  its *core*, which ends halfway through the overlaps.
* A cell that mostly lies on what blocks before wrote is that cell, and is left out.

So a cell of up to OVERLAP - 2 * SLACK diameters is always taken whole and once, if both blocks outline it alike: one of
them has its middle in its core, and sees it whole from there; and a block that sees only a part of it sees less than
what reaches its core. Where they do not outline it alike, the second condition decides by the pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.imaging.label_image import Labels
from bccseg.inference.tiling import SEAM, TILE_PX, near_inner_edge

OVERLAP = 2.5  # cell diameters that neighbouring blocks share
SLACK = 0.1  # diameters: how far two blocks may place the middle of one cell apart
SAME = 0.5  # share of a cell on cells that are there already, from which on it is one of those
SIDE_PX = TILE_PX * 1.25  # at the scale of the network: what `segment` looks at in one piece

Window = tuple[slice, slice]  # rows, columns in px of level 0


@dataclass(frozen=True)
class Block:
    """A part of a slide that is segmented in one piece."""

    window: Window  # what is looked at
    core: Window  # what it is responsible for
    region: int = 0  # row of the region that it is of


def block_side(diameter_px: float, trained_px: float) -> int:
    """Longest side of a block in px of the slide, for cells of a diameter."""
    return max(16, int(SIDE_PX * diameter_px / trained_px))


def blocks(area: Window, side: int, overlap: int) -> Iterator[Block]:
    """Blocks of at most `side` px that cover an area, row by row; neighbours overlap by `overlap` px."""
    for rows, core_rows in _spans(area[0], side, overlap):
        for columns, core_columns in _spans(area[1], side, overlap):
            yield Block((rows, columns), (core_rows, core_columns))


def _spans(along: slice, side: int, overlap: int) -> list[tuple[slice, slice]]:
    """Windows and cores along one axis: as few as do, of one length."""
    length = along.stop - along.start
    overlap = min(overlap, side // 2)
    count = 1 if length <= side else -(-(length - overlap) // (side - overlap))
    size = -(-(length + (count - 1) * overlap) // count)
    starts = np.linspace(0, length - min(size, length), count).round().astype(int) + along.start
    stops = np.minimum(starts + size, along.stop)
    middles = (starts[1:] + stops[:-1]) // 2
    edges = [along.start, *middles.tolist(), along.stop]
    pairs = zip(starts.tolist(), stops.tolist(), strict=True)
    return [(slice(a, b), slice(edges[k], edges[k + 1])) for k, (a, b) in enumerate(pairs)]


def paste_block(
    target: Labels,
    found: Labels,
    block: Block,
    shape: tuple[int, int],
    diameter_px: float,
    wanted: NDArray[np.bool_],
    first: int,
) -> NDArray[np.intp]:
    """Add, in place, the cells of a block to the labels of its window; returns which of them were added: int (M,), from
    0. They are numbered from `first` on.

    target: int32 (h, w), the slide's labels in the window. found: int32 (h, w), cells 1..N of the block. shape: (H, W)
    of the slide. wanted: bool (N,); the others are left out.
    """
    count = len(wanted)
    if not count:
        return np.zeros(0, np.intp)
    near = near_inner_edge(found, shape, block.window, round(SEAM * diameter_px))
    near = np.pad(near, (0, count + 1 - len(near)))[1:]
    area = np.bincount(found.ravel(), minlength=count + 1)[1:]
    covered = np.bincount(found[target > 0], minlength=count + 1)[1:]
    take = wanted & (area > 0) & (covered < SAME * area) & (~near | _in_core(found, block, count, SLACK * diameter_px))
    number = np.zeros(count + 1, np.int32)
    number[1:][take] = first + np.arange(int(take.sum()))
    new = np.where(target == 0, number[found], 0)
    for cell in np.flatnonzero(take & (covered > 0)) + 1:
        _keep_largest_piece(new, found == cell)
    np.copyto(target, new, where=new > 0)
    return np.flatnonzero(take)


def _in_core(found: Labels, block: Block, count: int, slack: float) -> NDArray[np.bool_]:
    """Which of the cells 1..count have the middle of their bounding box in the core of their block: bool (count,)."""
    inside = np.zeros(count, bool)
    for k, box in enumerate(ndi.find_objects(found)):
        if box is not None:
            inside[k] = all(
                core.start - slack <= window.start + (span.start + span.stop - 1) / 2 <= core.stop - 1 + slack
                for span, window, core in zip(box, block.window, block.core, strict=True)
            )
    return inside


def _keep_largest_piece(labels: Labels, where: NDArray[np.bool_]) -> None:
    """Of a cell that others cut in pieces, the largest stays. where: what it was before."""
    rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    mine = where[box] & (labels[box] > 0)
    pieces, count = ndi.label(mine)
    if count > 1:
        labels[box][mine & (pieces != np.bincount(pieces[mine]).argmax())] = 0
