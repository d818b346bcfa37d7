"""Masks parted by boxes: which piece of a mask is two or three cells that overlap, and where one ends."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.imaging.label_image import Labels, Mask, label_mask, relabel_consecutive

COVERED = 0.4  # share of a box's ellipse that must be marked, for the box to speak for a piece
Boxes = NDArray[np.float64]  # (N, 4): left, top, right, bottom in px


def part_mask(mask: Mask, boxes: Boxes, min_area_px: int = 0) -> Labels:
    """Cells int32 (H, W) of a mask whose pieces may be several cells, each of which has a box.

    A 4-connected piece that several boxes lie on is shared out: each pixel goes to the box in whose inscribed ellipse
    it lies deepest. Pieces with one box or none stay one cell; pieces below `min_area_px` are dropped.
    """
    pieces = label_mask(mask, min_area_px)
    owner = box_pieces(pieces, boxes)
    labels, used = np.zeros(mask.shape, np.int32), 0
    for piece, window in enumerate(ndi.find_objects(pieces), start=1):
        own = pieces[window] == piece
        inside = boxes[owner == piece]
        if len(inside) > 1:
            depth = ellipse_depth(inside, window)
            labels[window][own] = used + 1 + depth.argmin(axis=0)[own]
        else:
            labels[window][own] = used + 1
        used += max(1, len(inside))
    return relabel_consecutive(labels)


def box_pieces(pieces: Labels, boxes: Boxes) -> NDArray[np.intp]:
    """For each box the piece that covers most of its inscribed ellipse, 0 where too little is covered: int (N,)."""
    owner = np.zeros(len(boxes), np.intp)
    for k, box in enumerate(boxes):
        window = box_window(box, pieces.shape)
        ellipse = ellipse_depth(boxes[k : k + 1], window)[0] <= 1
        covering = np.bincount(pieces[window][ellipse])
        if covering[1:].sum() > COVERED * ellipse.sum() > 0:
            owner[k] = covering[1:].argmax() + 1
    return owner


def box_window(box: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of an image (H, W) that a box reaches into; empty for a box outside of it."""
    left, top, right, bottom = box
    rows = slice(int(np.clip(np.floor(top), 0, shape[0])), int(np.clip(np.ceil(bottom), 0, shape[0])))
    cols = slice(int(np.clip(np.floor(left), 0, shape[1])), int(np.clip(np.ceil(right), 0, shape[1])))
    return rows, cols


def ellipse_depth(boxes: Boxes, window: tuple[slice, slice]) -> NDArray[np.float64]:
    """Squared distance of each pixel from each box's middle in units of its inscribed ellipse, 1 on the rim:
    float64 (N, h, w).
    """
    y, x = np.mgrid[window]
    left, top, right, bottom = boxes.T[:, :, None, None]
    half_width, half_height = np.maximum(1, (right - left) / 2), np.maximum(1, (bottom - top) / 2)
    return ((x - (left + right) / 2) / half_width) ** 2 + ((y - (top + bottom) / 2) / half_height) ** 2
