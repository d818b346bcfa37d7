"""Basins of a map, one a peak, and which of them are one cell."""

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels, meeting_pixels

USUAL_SIZE = (1.2, 1.9)  # a piece of less is no more than a cell, of more at least two; in areas of a typical cell
DEPTH_FACTOR = (1.5, 0.8)  # on `marker_depth` there: one cell is rarely two halves, a large piece is rarely one cell


def merge_basins(
    basins: Labels,
    smooth: NDArray[np.float32],
    height: NDArray[np.float32],
    depth: float,
    area: NDArray[np.float64] | None,
) -> NDArray[np.intp]:
    """For each basin 0..N the one it belongs to after merging; the highest of a group keeps its id.

    area: of each basin, in areas of a typical cell; None where that is not known.
    """
    count = len(height)
    keys, saddles = [], []
    flat, heights = basins.ravel(), smooth.ravel()
    for here, there in meeting_pixels(basins):
        one, other = flat[here], flat[there]
        both = (one > 0) & (other > 0)
        one, other = one[both], other[both]
        keys.append(np.minimum(one, other).astype(np.int64) * count + np.maximum(one, other))
        saddles.append(np.minimum(heights[here[both]], heights[there[both]]))
    pairs, where = np.unique(np.concatenate(keys), return_inverse=True)
    saddle = np.full(len(pairs), -np.inf, np.float32)
    np.maximum.at(saddle, where, np.concatenate(saddles))

    owner = np.arange(count)
    size = None if area is None else area.copy()

    def root(k: int) -> int:
        while owner[k] != k:
            owner[k] = owner[owner[k]]
            k = owner[k]
        return k

    for k in np.argsort(-saddle, kind="stable"):
        one, other = root(int(pairs[k]) // count), root(int(pairs[k]) % count)
        if one == other:
            continue
        factor = 1.0 if size is None else np.interp(size[one] + size[other], USUAL_SIZE, DEPTH_FACTOR)
        if min(height[one], height[other]) - saddle[k] < depth * factor:
            upper, lower = (one, other) if height[one] >= height[other] else (other, one)
            owner[lower] = upper
            if size is not None:
                size[upper] += size[lower]
    return np.array([root(k) for k in range(count)])
