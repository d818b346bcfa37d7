"""Cells from votes: every pixel says where the centre of its cell is, and pixels that mean one centre are one cell."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from bccseg.imaging.basins import merge_basins
from bccseg.imaging.label_image import Labels, Mask
from bccseg.imaging.runs import Runs

BLUR = 0.055  # Gaussian on the votes, in cell diameters: how far pixels of one cell may differ
LEAST_VOTES = 0.02  # of those of a typical cell, at one centre: fewer are stray votes
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)  # a pixel and its four neighbours
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
    inside = np.flatnonzero(mask)
    if len(inside) == 0:
        return np.zeros(shape, np.int32), np.zeros(0, np.float32)
    rows = inside // shape[1]  # np.divmod takes four times as long
    cols = inside - rows * shape[1]
    y = rows + diameter_px * way[0].ravel()[inside]
    x = cols + diameter_px * way[1].ravel()[inside]
    down, along = (np.rint(v).clip(0, n - 1).astype(np.intp) for v, n in zip((y, x), shape, strict=True))
    where = down * shape[1] + along
    weight = cell.ravel()[inside]
    votes = np.bincount(where, weights=weight, minlength=mask.size).reshape(shape).astype(np.float32)
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
    tops = np.flatnonzero(peaks)
    np.maximum.at(height, peaks.ravel()[tops], logarithm.ravel()[tops])
    owner_of_vote = basins.ravel()[where]
    size = np.bincount(owner_of_vote, minlength=count + 1) / usual
    owner = merge_basins(basins, logarithm, height, depth, size if typical else None)
    left, number = np.unique(owner, return_inverse=True)
    found = np.zeros(shape, np.int32)
    found.ravel()[inside] = number[owner_of_vote]
    found = fill_mask(keep_largest_pieces(found), mask)
    return found, agreement(found.ravel()[inside], y, x, len(left) - 1)


def fill_mask(labels: Labels, mask: Mask) -> Labels:
    """Labels grown over the pixels of `mask` that have none, as far as they hang together with some."""
    empty = (mask & (labels == 0)).astype(np.uint8)
    near = cv2.dilate(empty, CROSS) > 0  # few pixels, and the rest of the cells has no say in what they become
    grown = watershed(np.zeros(mask.shape, np.uint8), np.where(near, labels, 0), mask=near & mask)
    return np.where(empty > 0, grown, labels).astype(np.int32)


def keep_largest_pieces(labels: Labels) -> Labels:
    """Of each id its largest 4-connected piece."""
    runs = Runs.along_rows(labels)
    pieces = runs.pieces(labels.shape[1])
    if not len(pieces):
        return labels.copy()
    size = np.bincount(pieces, weights=runs.length)
    owner = np.zeros(len(size), np.int32)
    owner[pieces] = runs.owner
    order = np.lexsort((-size, owner))  # by cell, largest piece first
    smaller = np.zeros(len(size), bool)
    smaller[order[1:]] = owner[order[1:]] == owner[order[:-1]]
    kept = labels.copy()
    kept.ravel()[runs.take(smaller[pieces]).pixels()[0]] = 0
    return kept


def agreement(ids: NDArray[np.int32], y: NDArray, x: NDArray, count: int) -> NDArray[np.float32]:
    """How well the votes (y, x) of each cell 1..count agree: 1 if all mean one place, 0 if they are FAR apart."""
    size = np.maximum(np.bincount(ids, minlength=count + 1), 1)

    def mean(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(ids, weights=values, minlength=count + 1) / size

    dy, dx = y - mean(y)[ids], x - mean(x)[ids]
    distance = mean(np.sqrt(dy * dy + dx * dx))[1:]  # far from overflow, which is what np.hypot takes its time for
    return np.clip(1 - distance / (FAR * np.sqrt(4 * size[1:] / np.pi)), 0, 1).astype(np.float32)
