"""The whole outline of cells that others hide in part, as an ellipse with the uncertainty of its area.

A label image gives each pixel to one cell, so a cell that lies under another, or shares pixels with it, measures too
small. A network with the head "cell_shape" has learned, from cells laid over others, to say of each pixel how large
and how long the whole cell around it is; the ellipse is the mean of what the pixels of a cell say.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.cell_shape import ellipse_area, spread_from_log, touching_share
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import Labels
from bccseg.imaging.resize import resize_labels

LEAST_TOUCH = 0.1  # share of a cell's outline along which others lie, for it to be offered
LOOK_PX = 30  # width of a cell at which that share is taken
LEAST_HIDDEN = 1.05  # whole area over visible area, from which on it is offered
ERROR_SCALE = 1.26  # error of the area (68 % of cells) per spread of what the pixels say; fitted to training composites


class FullOutlines(NamedTuple):
    """Ellipses of the whole cells 1..N: float32; NaN where the network says nothing."""

    centre: NDArray[np.float32]  # (N, 2): y, x in px of the image; the middle of the first pixel is 0, 0
    spread: NDArray[np.float32]  # (N, 3): covariances yy, xx, xy in px^2
    error: NDArray[np.float32]  # (N,): standard deviation of the area, as a share of it

    @property
    def area(self) -> NDArray[np.float32]:
        """Areas in px: float32 (N,)."""
        return ellipse_area(self.spread)

    def take(self, rows: NDArray[np.integer]) -> "FullOutlines":
        """Those of some cells."""
        return FullOutlines(*(values[rows] for values in self))

    def moved(self, y: float, x: float) -> "FullOutlines":
        """In an image whose origin lies -y and -x px away."""
        return self._replace(centre=self.centre + np.array([y, x], np.float32))


def no_outlines(count: int) -> FullOutlines:
    """Of cells of which nothing is known."""
    return FullOutlines(*(np.full((count, *rest), np.nan, np.float32) for rest in ((2,), (3,), ())))


def join_outlines(parts: list[FullOutlines]) -> FullOutlines:
    """Those of several pictures, one after the other."""
    return FullOutlines(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def full_outlines(labels: Labels, maps: ProbabilityMaps, diameter_px: float) -> FullOutlines:
    """Of the cells 1..N of labels int32 (H, W), from maps (h, w) in which a training diameter is `diameter_px`."""
    count = int(labels.max(initial=0))
    if maps.way is None or maps.spread is None or not count:
        return no_outlines(count)
    shape = maps.cell.shape
    small = resize_labels(labels, (shape[1], shape[0]))
    at = np.flatnonzero(small > 0)
    ids = small.ravel()[at]
    pixels = np.bincount(ids, minlength=count + 1)
    size = np.maximum(pixels, 1)

    def mean(values: NDArray) -> NDArray[np.float64]:
        return (np.bincount(ids, weights=values, minlength=count + 1) / size)[1:]

    factor = labels.shape[0] / shape[0]  # image px per px of the maps
    rows = at // shape[1]
    y, x = (p + diameter_px * maps.way[k].ravel()[at] for k, p in enumerate((rows, at - rows * shape[1])))
    spread = [values.ravel()[at] for values in maps.spread]
    logarithm = np.stack([mean(values) for values in spread], axis=1)
    of_area = (spread[0] + spread[1]) / 2  # logarithm of the area
    deviation = np.sqrt(np.maximum(mean(of_area**2) - mean(of_area) ** 2, 0))
    there = pixels[1:] > 0
    found = FullOutlines(
        np.stack([mean(y), mean(x)], axis=1).astype(np.float32) * factor + (factor - 1) / 2,
        spread_from_log(logarithm, diameter_px) * factor**2,
        (ERROR_SCALE * deviation).astype(np.float32),
    )
    return FullOutlines(*(np.where(there.reshape(-1, *[1] * (v.ndim - 1)), v, np.nan) for v in found))


def hidden_in_part(labels: Labels, outlines: FullOutlines, visible: NDArray) -> NDArray[np.bool_]:
    """Cells 1..N that lean on others and are larger than what is seen of them, `visible` (N,) in px: bool (N,)."""
    larger = outlines.area > LEAST_HIDDEN * np.maximum(visible, 1)  # NaN is not larger
    if not larger.any():
        return larger
    step = max(1, int(np.sqrt(np.median(visible)) / LOOK_PX))  # a share needs no more pixels
    return larger & (touching_share(labels[::step, ::step], len(larger) + 1)[1:] >= LEAST_TOUCH)


def ellipse_polygon(centre: NDArray[np.float32], spread: NDArray[np.float32], points: int = 48) -> NDArray[np.float64]:
    """Outline of an ellipse: (points, 2), x, y of pixel edges, as `imaging.outlines` counts."""
    value, vector = np.linalg.eigh(np.array([[spread[0], spread[2]], [spread[2], spread[1]]], np.float64))
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    axes = vector * (2 * np.sqrt(np.maximum(value, 0)))
    y, x = axes @ np.stack([np.cos(angle), np.sin(angle)])
    return np.stack([x + centre[1] + 0.5, y + centre[0] + 0.5], axis=1)
