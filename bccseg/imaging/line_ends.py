"""Where a line that a person drew along a scale bar or a stage micrometer really ends, to parts of a pixel."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

Snap = Literal["bar", "micrometer", "none"]
LEAST = {"bar": 1.0, "micrometer": 0.25}  # strength of an edge of 10 grey levels, and of a line 15 darker or brighter
SHARP = 6.0  # how far an edge or line stands out of what else is along the profile, to be taken for one
STEP, SMOOTH_PX, ACROSS_PX = 0.25, 1.0, 2  # of a profile: px between samples, Gaussian, and px to each side


def snap_line(
    image: NDArray[np.uint8], start: tuple[float, float], end: tuple[float, float], to: Snap, reach_px: float
) -> tuple[tuple[float, float], tuple[float, float], tuple[bool, bool]]:
    """Both ends (x, y in px; the top left pixel reaches from 0 to 1) moved along the line, at most `reach_px`, to the
    sharpest edge ("bar") or the middle of the clearest thin line ("micrometer"); and whether each found one.

    image: uint8 (H, W, 3). An end without anything clear beside it stays where it is.
    """
    length = math.dist(start, end)
    if to == "none" or length < 2:
        return start, end, (False, False)
    grey = np.asarray(image).mean(axis=2, dtype=np.float32)
    way = np.subtract(end, start) / length
    reach = min(reach_px, length / 3)  # the ends may not meet
    moves = [_shift(grey, np.asarray(at, float), way, reach, to) for at in (start, end)]
    ends = [tuple((np.asarray(at) + way * (m or 0.0)).tolist()) for at, m in zip((start, end), moves, strict=True)]
    return ends[0], ends[1], (moves[0] is not None, moves[1] is not None)


def _shift(
    grey: NDArray[np.float32], at: NDArray[np.float64], way: NDArray[np.float64], reach: float, to: Snap
) -> float | None:
    """How far along `way` the edge or line lies from `at`, in px; None where none is clear."""
    steps = np.arange(-reach - 3 * SMOOTH_PX, reach + 3 * SMOOTH_PX + STEP / 2, STEP)
    aside = np.arange(-ACROSS_PX, ACROSS_PX + 1)[:, None]
    x = at[0] + steps * way[0] - aside * way[1] - 0.5  # of pixel middles
    y = at[1] + steps * way[1] + aside * way[0] - 0.5
    profile = ndi.map_coordinates(grey, [y, x], order=1, mode="nearest").mean(axis=0)
    order = 1 if to == "bar" else 2  # an edge is steep, a thin line is bent
    strength = np.abs(ndi.gaussian_filter1d(profile, SMOOTH_PX / STEP, order=order, mode="nearest"))
    strength[np.abs(steps) > reach] = 0
    k = int(strength.argmax())
    if strength[k] < max(SHARP * float(np.median(strength)), LEAST[to]) or not 0 < k < len(steps) - 1:
        return None
    before, here, after = strength[k - 1 : k + 2]
    bend = before - 2 * here + after
    return float(steps[k] + (STEP * 0.5 * (before - after) / bend if bend else 0.0))
