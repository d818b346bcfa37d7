"""Label images: int32 (H, W), 0 = background, 1..N = one cell each."""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.imaging.runs import Runs

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]


def border_ids(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Ids of the cells that touch the image border, ascending, without 0."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    ids = np.unique(edge)
    return ids[ids > 0]


def outside_frame(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Ids that the image as an unbiased counting frame leaves out, ascending: those that touch its left or top edge.

    Cells that touch the right or bottom edge, and neither of the others, count. Fields laid side by side then count
    each cell once, whatever its size (Gundersen 1977, doi 10.1111/j.1365-2818.1977.tb00062.x). What a cell does beyond
    the image is not known, so the frame's lines end with the image.
    """
    ids = np.unique(np.concatenate([labels[:1].ravel(), labels[:, :1].ravel()]))
    return ids[ids > 0]


def areas(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Pixels of each id: int64 (N + 1,), index 0 is the background; (0,) of an empty image."""
    runs = Runs.along_rows(labels)
    area = np.bincount(runs.owner, weights=runs.length, minlength=1).astype(np.int64)
    area[0] = labels.size - area.sum()
    return area if labels.size else area[:0]


def count_cells(labels: NDArray[np.integer]) -> int:
    """Number of different ids, 0 left out; they need not be consecutive."""
    return int((areas(labels)[1:] > 0).sum())


def without(labels: NDArray[np.integer], ids: Collection[int]) -> Labels:
    """Labels without some of the ids; the others stay as they are. Ids that are not there change nothing."""
    if not ids:
        return labels.astype(np.int32, copy=False)
    kept = np.arange(max(int(labels.max(initial=0)), *ids) + 1, dtype=np.int32)
    kept[list(ids)] = 0
    return kept[labels]


def relabel(labels: NDArray[np.integer], keep: NDArray[np.bool_]) -> Labels:
    """Drop the ids that `keep` (bool, (N + 1,)) does not hold and number the rest 1..M in order."""
    keep = keep.copy()
    keep[0] = False
    if keep[1:].all():
        return labels.astype(np.int32)
    if not keep.any():
        return np.zeros(labels.shape, np.int32)
    return (np.cumsum(keep, dtype=np.int32) * keep)[labels]


def label_mask(mask: Mask, min_area_px: int = 0) -> Labels:
    """Number the 4-connected pieces of a mask; pieces below `min_area_px` become background."""
    labels, _ = ndi.label(mask)
    return relabel(labels, areas(labels) >= min_area_px)


def equivalent_diameter(area_px: NDArray | float) -> NDArray | float:
    """Diameter of the circle of the same area: sqrt(4 A / pi)."""
    return np.sqrt(4 * np.asarray(area_px) / np.pi)


def median_diameter(labels: NDArray[np.integer]) -> float | None:
    """Median equivalent diameter in px of the cells off the border, of all cells if those are
    fewer than three, None without cells.
    """
    area = areas(labels)
    present = area > 0
    present[0] = False
    inner = present.copy()
    inner[border_ids(labels)] = False
    use = inner if inner.sum() >= 3 else present
    return float(np.median(equivalent_diameter(area[use]))) if use.any() else None


def meeting_pixels(labels: NDArray[np.integer]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Neighbours of different values, first those one above the other, then those side by side: where both are, counted
    along the rows of the image, int (P,) and (P,).
    """
    width = labels.shape[1]
    above = np.flatnonzero(labels[:-1] != labels[1:])
    yield above, above + width
    left = np.flatnonzero(labels[:, :-1] != labels[:, 1:])
    left += left // max(1, width - 1)  # of rows a pixel shorter
    yield left, left + 1


def separated_mask(labels: Labels) -> NDArray[np.uint8]:
    """Mask 0 or 255 (H, W) whose 4-connected pieces are the cells: where two touch, one of both pixels is left out."""
    meets = np.zeros(labels.shape, bool)
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        one, other = labels[here], labels[there]
        meets[here] |= (one != other) & (one > 0) & (other > 0)
    return np.where((labels > 0) & ~meets, 255, 0).astype(np.uint8)


def relabel_consecutive(labels: Labels) -> Labels:
    """The same cells numbered 1..N, as other programs expect."""
    return relabel(labels, areas(labels) > 0)
