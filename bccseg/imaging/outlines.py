"""Outlines of cells as polygons."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.measure import find_contours

from bccseg.imaging.label_image import Labels

Polygon = NDArray[np.float64]  # (K, 2): x, y; not closed (the first point is not repeated)


def cell_outlines(labels: Labels) -> Iterator[tuple[int, Polygon]]:
    """Id and outer outline of each cell, in order of id.

    The line runs halfway between the cell's outermost pixel centres and the ones outside, so drawing
    the polygon gives exactly the cell's pixels back. Coordinates are of pixel edges: the centre of the
    top left pixel is (0.5, 0.5), as QuPath and ImageJ count.
    """
    for cell, box in enumerate(ndi.find_objects(labels), start=1):
        if box is None:
            continue
        inside = np.pad(labels[box] == cell, 1).astype(np.float32)
        rings = find_contours(inside, 0.5, fully_connected="low")
        ring = max(rings, key=lambda points: abs(polygon_area(points)))[:-1, ::-1]  # x, y; open
        yield cell, ring - 1 + (box[1].start, box[0].start) + 0.5


def polygon_area(points: NDArray[np.float64]) -> float:
    """Signed area of a polygon (K, 2) by the shoelace formula."""
    x, y = points[:, 0], points[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
