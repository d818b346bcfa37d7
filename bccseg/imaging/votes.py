"""Cells from votes: every pixel says where the centre of its cell is, and pixels that mean one centre are one cell."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.measure import label
from skimage.segmentation import watershed

from bccseg.imaging.basins import merge_basins
from bccseg.imaging.label_image import Labels, Mask

BLUR = 0.055  # Gaussian on the votes, in cell diameters: how far pixels of one cell may differ
LEAST_VOTES = 0.02  # of those of a typical cell, at one centre: fewer are stray votes
FAR = 0.25  # mean distance of a cell's votes from their mean, in its own diameters, at which they are worth nothing


def split_by_votes(
    way: NDArray[np.float32], mask: Mask, cell: NDArray[np.float32], diameter_px: float, depth: float, *, typical: bool
) -> tuple[Labels, NDArray[np.float32]]:
    """Cells int32 (H, W) of the pixels in `mask`, and how well the votes of each agree, float32 (N,), 0 to 1.

    way: (2, H, W), y and x from each pixel to the centre of its cell, in `diameter_px`. cell: weight of the votes.
    depth: two centres are two cells if the votes between them are fewer by this factor's logarithm, or more; it is
    asked for more where both are no larger than a `typical` cell together.
    """
    shape = mask.shape
    rows, cols = np.nonzero(mask)
    if len(rows) == 0:
        return np.zeros(shape, np.int32), np.zeros(0, np.float32)
    y = rows + diameter_px * way[0][mask]
    x = cols + diameter_px * way[1][mask]
    at = tuple(np.clip(np.round(v), 0, n - 1).astype(np.intp) for v, n in zip((y, x), shape, strict=True))
    where = at[0] * shape[1] + at[1]
    votes = np.bincount(where, weights=cell[mask], minlength=mask.size).reshape(shape).astype(np.float32)
    sigma = max(0.7, BLUR * diameter_px)
    usual = np.pi * (diameter_px / 2) ** 2
    smooth = cv2.GaussianBlur(votes, (0, 0), sigma) * np.float32(2 * np.pi * sigma**2 / usual)  # 1: a whole cell agrees
    top = cv2.dilate(smooth, np.ones((3, 3), np.uint8))
    peaks, count = ndi.label((smooth == top) & (smooth >= LEAST_VOTES), structure=np.ones((3, 3)))
    if count == 0:
        return np.zeros(shape, np.int32), np.zeros(0, np.float32)
    basins = watershed(-smooth, peaks, mask=smooth > LEAST_VOTES / 20).astype(np.int32)
    logarithm = np.log(np.maximum(smooth, 1e-6))
    height = np.full(count + 1, -np.inf, np.float32)
    np.maximum.at(height, peaks[peaks > 0], logarithm[peaks > 0])
    owner_of_vote = basins[at]
    size = np.bincount(owner_of_vote, minlength=count + 1) / usual
    owner = merge_basins(basins, logarithm, height, depth, size if typical else None)
    left, number = np.unique(owner, return_inverse=True)
    found = np.zeros(shape, np.int32)
    found[mask] = number[owner_of_vote]
    found = watershed(np.zeros(shape, np.uint8), keep_largest_pieces(found), mask=mask).astype(np.int32)
    return found, agreement(found[mask], y, x, len(left) - 1)


def keep_largest_pieces(labels: Labels) -> Labels:
    """Of each id its largest 4-connected piece."""
    pieces, count = label(labels, connectivity=1, background=0, return_num=True)
    flat = pieces.ravel()
    size = np.bincount(flat, minlength=count + 1)
    owner = np.zeros(count + 1, np.int32)
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1  # of runs along rows: far fewer than pixels
    owner[flat[starts]] = labels.ravel()[starts]
    owner[flat[:1]] = labels.ravel()[:1]
    size[0] = 0
    order = np.lexsort((-size, owner))  # by cell, largest piece first
    smaller = np.zeros(count + 1, bool)
    smaller[order[1:]] = owner[order[1:]] == owner[order[:-1]]
    owner[smaller] = 0
    return owner[pieces]


def agreement(ids: NDArray[np.int32], y: NDArray, x: NDArray, count: int) -> NDArray[np.float32]:
    """How well the votes (y, x) of each cell 1..count agree: 1 if all mean one place, 0 if they are FAR apart."""
    size = np.maximum(np.bincount(ids, minlength=count + 1), 1)

    def mean(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(ids, weights=values, minlength=count + 1) / size

    distance = mean(np.hypot(y - mean(y)[ids], x - mean(x)[ids]))[1:]
    return np.clip(1 - distance / (FAR * np.sqrt(4 * size[1:] / np.pi)), 0, 1).astype(np.float32)
