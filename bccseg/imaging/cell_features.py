"""What tells one cell from another, in numbers: its look, and what the network's decoder makes of it.

The look is measured on the picture at the scale the network sees it, relative to the typical cell of the image, so that
magnification and stain count little. All cells of a picture are done at once, as in `imaging.measure`.
"""

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.measure import measure_cells

RINGS = (0.3, 0.55, 0.8)  # where the middle, two rings and the rim meet, in shares of the way to the outline
DIRECTIONS = 32  # in which the way to the outline is measured
WAVES = 8  # of the outline: 2 is long, 3 and more are corners and spikes
LEAST_ABSORBANCE = 0.02
LOOKS = 13 + WAVES + 2 * 3 * (1 + len(RINGS)) + 3 + 3  # numbers a cell


def cell_looks(labels: Labels, image: NDArray[np.uint8], white: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Size, shape, colour and how both are spread in each cell: float32 (N, LOOKS).

    labels: int32 (H, W) of `count` cells, each some 30 px or more across; what has no pixels looks like the typical
    cell. image: uint8 (H, W, 3). white: (3,), level of the background. Size and colour are relative to the median of
    the cells off the border; absorbance is -log(light / white) of each channel.
    """
    out = np.zeros((count, LOOKS), np.float32)
    table = measure_cells(labels, image)
    if table.empty:
        return out
    at = np.flatnonzero(labels)
    cells = table["cell_id"].to_numpy()
    row = np.zeros(len(out) + 1, np.intp)
    row[cells] = np.arange(len(cells))
    owner = row[labels.ravel()[at]]
    absorbance = -np.log(np.maximum(image.reshape(-1, 3)[at], 1) / np.maximum(white, 1)).astype(np.float32)
    inside = ~table["touches_border"].to_numpy()
    typical = inside if inside.sum() >= 3 else np.ones(len(table), bool)
    y, x = np.divmod(at, labels.shape[1])
    dy, dx = y - table["centroid_y_px"].to_numpy()[owner], x - table["centroid_x_px"].to_numpy()[owner]
    radius = table["equivalent_diameter_px"].to_numpy() / 2
    found = np.column_stack([
        _sizes(table, typical), _colours(owner, absorbance, typical),
        *_spread(owner, absorbance, dy / radius[owner], dx / radius[owner]),
    ])  # fmt: skip
    out[:] = np.median(found[typical], axis=0)
    out[cells - 1] = found
    return out


def _sizes(table, typical: NDArray[np.bool_]) -> NDArray[np.float64]:  # noqa: ANN001, a table of `measure_cells`
    """(N, 7)."""
    lengths = np.maximum(table[["equivalent_diameter_px", "major_axis_px", "minor_axis_px"]].to_numpy(), 1)
    relative = np.log(lengths / np.median(lengths[typical, 0]))
    shape = table[["eccentricity", "solidity", "circularity"]].to_numpy()
    return np.column_stack([relative, relative[:, 2] - relative[:, 1], shape])


def _colours(owner: NDArray, absorbance: NDArray, typical: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean absorbance of each channel, itself and relative to the typical cell: (N, 6)."""
    mean = _means(owner, absorbance, len(typical))
    return np.column_stack([mean, mean - np.median(mean[typical], axis=0)])


def _spread(owner: NDArray, absorbance: NDArray, dy: NDArray, dx: NDArray) -> list[NDArray]:
    """Waves of the outline; absorbance from the middle to the rim, itself and relative to the cell's mean; how much it
    varies; and how far stain and pallor lie off the middle, or along a line. dy, dx: way from the centre, in radii.
    """
    n = int(owner.max()) + 1
    r = np.hypot(dy, dx)
    direction = ((np.arctan2(dy, dx) + np.pi) * (DIRECTIONS / (2 * np.pi))).astype(np.intp) % DIRECTIONS
    reach = np.zeros((n, DIRECTIONS))
    np.maximum.at(reach, (owner, direction), r)
    waves = np.abs(np.fft.rfft(reach, axis=1))
    waves = np.log(waves[:, 1 : WAVES + 1] / np.maximum(waves[:, :1], 1e-6) + 1e-3)

    depth = r / np.maximum(reach[owner, direction], 1e-6)
    ring = np.digitize(depth, RINGS)
    rings = _means(owner * (1 + len(RINGS)) + ring, absorbance, n * (1 + len(RINGS))).reshape(n, -1)
    mean = _means(owner, absorbance, n)
    relative = rings / np.tile(np.maximum(mean, LEAST_ABSORBANCE), 1 + len(RINGS))
    variation = np.sqrt(np.maximum(_means(owner, absorbance**2, n) - mean**2, 0))

    grey = absorbance.mean(axis=1)
    stain = np.maximum(np.bincount(owner, grey, n), 1e-6)
    off_middle = np.hypot(np.bincount(owner, grey * dy, n), np.bincount(owner, grey * dx, n)) / stain
    darkest = np.zeros(n, np.float32)
    np.maximum.at(darkest, owner, grey)
    pallor = (darkest[owner] - grey) * (depth < RINGS[-1])
    total = np.maximum(np.bincount(owner, pallor, n), 1e-6)
    yy, xx, xy = (np.bincount(owner, pallor * a, n) / total for a in (dy * dy, dx * dx, dy * dx))
    along = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / np.maximum(xx + yy, 1e-6)
    return [waves, rings, relative, variation, off_middle, along, xx + yy]


def _means(owner: NDArray, values: NDArray, n: int) -> NDArray[np.float64]:
    """Mean of values (P, C) in each of n groups: (n, C); 0 in empty ones."""
    count = np.maximum(np.bincount(owner, minlength=n), 1)
    return np.column_stack([np.bincount(owner, column, n) for column in values.T]) / count[:, None]


def pool_features(labels: Labels, features: tuple[NDArray[np.float32], ...], count: int) -> NDArray[np.float32]:
    """Mean of the decoder's maps inside each cell, each level at its own resolution: float32 (N, C of all levels).

    labels: int32 (h, w) of N = `count` cells, at the scale of the network. features: the finest first, each
    (C, h / s, w / s) and larger by what the network was padded, for s = 2, 2, 4, 8 and so on. A cell without a pixel on
    a level has the values at its centre there.
    """
    if count == 0:
        return np.zeros((0, sum(map(len, features))), np.float32)
    centre, parts = _centres(labels, count), []
    for k, values in enumerate(features):
        stride = 2 ** max(1, k)
        level = labels[stride // 2 :: stride, stride // 2 :: stride]
        at = np.flatnonzero(level)
        owner = level.ravel()[at]
        order = np.argsort(owner, kind="stable")
        present, first = np.unique(owner[order], return_index=True)
        rows, cols = (np.minimum(c // stride, size - 1) for c, size in zip(centre, values.shape[1:], strict=True))
        out = values[:, rows, cols].T.copy()
        if len(at):
            inside = values[:, : level.shape[0], : level.shape[1]].reshape(len(values), -1)[:, at[order]]
            sums = np.add.reduceat(inside, first, axis=1)
            out[present - 1] = (sums / np.diff(np.append(first, len(at)))).T
        parts.append(out)
    return np.concatenate(parts, axis=1)


def _centres(labels: Labels, n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns (n,) of the centres; 0 for what has no pixels."""
    at = np.flatnonzero(labels)
    owner = labels.ravel()[at] - 1
    count = np.maximum(np.bincount(owner, minlength=n), 1)
    return tuple((np.bincount(owner, c, n) / count).astype(np.intp) for c in np.divmod(at, labels.shape[1]))
