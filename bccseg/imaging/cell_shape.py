"""Centre and spread of cells: what is needed to tell cells that overlap apart, and to draw the whole of each.

A cell is described by its centre of mass and the 2 x 2 covariance of its pixels; both are linear in the image, so they
move, scale and turn with it. An ellipse of axes a and b has the covariances a^2 / 16 and b^2 / 16 along them and
the area pi a b / 4, that is 4 pi sqrt(det). Networks learn the logarithm of the covariance (Arsigny et al. 2006,
doi 10.1002/mrm.20965), in which all round cells of one diameter are at 0, and a mean of estimates is again an ellipse.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels, areas, border_ids, meeting_pixels

TOUCH_SHARE = 0.06  # of a cell's outline; a cell that touches others along more of it may go on behind them


class CellShapes(NamedTuple):
    """Shapes of the cells 0..N of a label image, entry 0 the background."""

    centre: NDArray[np.float32]  # (N + 1, 2): y, x in px; the middle of the first pixel is 0, 0
    spread: NDArray[np.float32]  # (N + 1, 3): covariances yy, xx, xy in px^2
    whole: NDArray[np.bool_]  # (N + 1,): off the image border, and (almost) free of neighbours

    def scaled(self, factor: float) -> "CellShapes":
        """The cells of the image resized by `factor`."""
        return self._replace(centre=(self.centre + 0.5) * factor - 0.5, spread=self.spread * factor**2)

    def moved(self, y: float, x: float) -> "CellShapes":
        """The cells of the image whose origin is moved by -y and -x px."""
        return self._replace(centre=self.centre + np.array([y, x], np.float32))


def cell_shapes(labels: Labels) -> CellShapes:
    """Shapes of all cells of a label image int32 (H, W). Ids without pixels have centre and spread 0."""
    size = areas(labels)
    count, n = len(size), np.maximum(size, 1)
    rows, cols = np.nonzero(labels)
    ids = labels[rows, cols]

    def mean(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(ids, weights=values, minlength=count) / n

    y, x = mean(rows), mean(cols)
    dy, dx = rows - y[ids], cols - x[ids]
    own = np.where(size > 0, 1 / 12, 0)  # of one pixel
    spread = np.stack([mean(dy * dy) + own, mean(dx * dx) + own, mean(dy * dx)], axis=1)
    whole = (size > 0) & (touching_share(labels, count) <= TOUCH_SHARE)
    whole[0] = False
    whole[border_ids(labels)] = False
    return CellShapes(np.stack([y, x], axis=1).astype(np.float32), spread.astype(np.float32), whole)


def touching_share(labels: Labels, count: int) -> NDArray[np.float64]:
    """Share of each cell's outline, counted in pixel sides, at which another cell lies: float64 (count,)."""
    outline, touching = np.zeros(count), np.zeros(count)
    flat = np.ascontiguousarray(labels).ravel()
    for here, there in meeting_pixels(labels):
        one, other = flat[here], flat[there]
        for mine, theirs in ((one, other), (other, one)):
            outline += np.bincount(mine, minlength=count)
            touching += np.bincount(mine[theirs > 0], minlength=count)
    return touching / np.maximum(outline, 1)


def log_spread(spread: NDArray[np.float32], diameter_px: float) -> NDArray[np.float32]:
    """Logarithm of covariances (N, 3) relative to those of a disc of `diameter_px`: float32 (N, 3), yy, xx, xy."""
    value, vector = np.linalg.eigh(_matrices(spread / (diameter_px / 4) ** 2))
    return _entries((vector * np.log(np.maximum(value, 1e-6))[:, None, :]) @ vector.swapaxes(1, 2))


def spread_from_log(logarithm: NDArray[np.float32], diameter_px: float) -> NDArray[np.float32]:
    """Covariances (N, 3) in px^2 of what `log_spread` gives."""
    value, vector = np.linalg.eigh(_matrices(logarithm))
    return (
        _entries((vector * np.exp(np.clip(value, -8, 8))[:, None, :]) @ vector.swapaxes(1, 2)) * (diameter_px / 4) ** 2
    )


def ellipse_area(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Area in px of the ellipses with covariances (N, 3): float32 (N,)."""
    determinant = spread[..., 0] * spread[..., 1] - spread[..., 2] ** 2
    return 4 * np.pi * np.sqrt(np.maximum(determinant, 0))


def depth_inside(y: NDArray, x: NDArray, centre: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray:
    """Squared distance of points from a centre (2,) in units of its ellipse (spread (3,)): 0 there, 1 on the rim."""
    yy, xx, xy = (float(v) for v in spread)
    dy, dx = y - centre[0], x - centre[1]
    determinant = max(yy * xx - xy * xy, 1e-6)
    return (xx * dy * dy + yy * dx * dx - 2 * xy * dy * dx) / determinant / 4


def _matrices(entries: NDArray) -> NDArray[np.float64]:
    yy, xx, xy = np.asarray(entries, np.float64).T
    return np.stack([np.stack([yy, xy], -1), np.stack([xy, xx], -1)], -2)


def _entries(matrices: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.stack([matrices[:, 0, 0], matrices[:, 1, 1], matrices[:, 0, 1]], axis=1).astype(np.float32)
