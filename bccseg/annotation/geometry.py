"""Which pixels a stroke or an outline covers.

Points are (x, y) in px of the image, continuous: pixel (row r, column c) is the square from (c, r) to
(c + 1, r + 1), and is covered if its centre is.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.draw import line, polygon
from skimage.measure import find_contours

from bccseg.imaging.label_image import Mask

Point = tuple[float, float]
Window = tuple[slice, slice]  # rows, columns


def window_around(points: Sequence[Point], margin: float, shape: tuple[int, int]) -> Window:
    """The window of an image (H, W) within `margin` px of the points; empty slices if that is outside."""
    xy = np.asarray(points, float).reshape(-1, 2)
    low, high = np.floor(xy.min(axis=0) - margin).astype(int), np.ceil(xy.max(axis=0) + margin).astype(int) + 1

    def side(axis: int, size: int) -> slice:
        return slice(min(size, max(0, int(low[axis]))), min(size, max(0, int(high[axis]))))

    return side(1, shape[0]), side(0, shape[1])


def join_windows(a: Window, b: Window) -> Window:
    """The smallest window that holds both."""
    return tuple(slice(min(p.start, q.start), max(p.stop, q.stop)) for p, q in zip(a, b, strict=True))


def stroke_mask(points: Sequence[Point], radius: float, window: Window) -> Mask:
    """Pixels of `window` whose centre lies within `radius` px of the line through the points: bool (h, w)."""
    rows, cols = window
    covered = np.zeros((rows.stop - rows.start, cols.stop - cols.start), bool)
    xy = np.asarray(points, float).reshape(-1, 2) - [cols.start, rows.start]
    ends = np.concatenate([xy[1:], xy[-1:]])  # the last point alone is a segment of no length
    for start, end in zip(xy, ends, strict=True):
        low = np.maximum(0, np.floor(np.minimum(start, end) - radius)).astype(int)
        high = np.ceil(np.maximum(start, end) + radius).astype(int) + 1
        near = np.s_[low[1] : max(0, high[1]), low[0] : max(0, high[0])]
        h, w = covered[near].shape
        x, y = np.arange(w) + low[0] + 0.5 - start[0], (np.arange(h) + low[1] + 0.5 - start[1])[:, None]
        along = end - start
        length = float(along @ along)
        t = np.clip((x * along[0] + y * along[1]) / length, 0, 1) if length else np.zeros((h, w))
        covered[near] |= (x - t * along[0]) ** 2 + (y - t * along[1]) ** 2 <= radius**2
    return covered


def outline_mask(points: Sequence[Point], window: Window) -> Mask:
    """Pixels of `window` inside the closed outline, loops of the hand filled: bool (h, w)."""
    rows, cols = window
    inside = np.zeros((rows.stop - rows.start, cols.stop - cols.start), bool)
    xy = np.asarray(points, float).reshape(-1, 2) - [cols.start, rows.start]
    inside[polygon(xy[:, 1] - 0.5, xy[:, 0] - 0.5, inside.shape)] = True  # the routine puts centres on whole numbers
    return ndi.binary_fill_holes(inside)


def mask_outline(mask: Mask, corner: Point = (0.0, 0.0)) -> tuple[Point, ...]:
    """The outline (x, y) of a 4-connected mask without holes, around exactly its pixels: `outline_mask` gives it back.

    corner: x, y of the mask's upper left corner in the image.
    """
    lines = find_contours(np.pad(mask, 1).astype(np.float32), 0.5, fully_connected="low")
    longest = max(lines, key=len)[:-1] - 0.5  # rows and columns are of pixel centres, and of the padded mask
    return tuple((float(x + corner[0]), float(y + corner[1])) for y, x in longest)


def line_pixels(points: Sequence[Point], shape: tuple[int, int]) -> NDArray[np.intp]:
    """Pixels (K, 2) as (row, column) under a line one pixel wide, in order, without those outside (H, W).

    Neighbours share at least a corner, so that the line separates 4-connected regions.
    """
    pixels = [(int(np.floor(y)), int(np.floor(x))) for x, y in points]
    found = [np.array([pixels[0]])]
    found += [np.stack(line(*a, *b), axis=1)[1:] for a, b in pairwise(pixels)]
    rc = np.concatenate(found)
    return rc[(rc >= 0).all(axis=1) & (rc[:, 0] < shape[0]) & (rc[:, 1] < shape[1])]
