"""Lines that part one outline into two cells, the most likely first."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.imaging.label_image import Mask

PLACES = 96  # points of the outline that a line may join
LEAST_ARC = 0.12  # share of the outline that must lie on each side
LEAST_AREA = 0.12  # share of the area
INSIDE, SAMPLES = 0.97, 24  # share of so many points of a line that must be in the cell
APART = 0.15  # of the diameter: lines whose ends all lie nearer are one and the same
BEYOND_PX = 2.0  # a line reaches so far out of the cell
Line = tuple[tuple[float, float], tuple[float, float]]  # (x, y) of both ends, px


def split_lines(cell: Mask, most: int = 6) -> list[Line]:
    """Up to `most` lines across a cell, bool (H, W), the best first.

    Best is the narrowest place: the length of the line over that of the shorter outline it cuts off (the bottleneck
    rule: Wang, Zhang, Ray 2012, Pattern Recognition 45, 2780). None for a cell without an outline.
    """
    contours, _ = cv2.findContours(cell.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return []
    outline = max(contours, key=cv2.contourArea)[:, 0].astype(np.float64)
    if len(outline) < 8:
        return []
    places, along, length = equidistant(outline, PLACES)
    i, j = np.triu_indices(len(places), 1)
    arc = np.abs(along[j] - along[i])
    arc = np.minimum(arc, length - arc)
    chord = np.linalg.norm(places[i] - places[j], axis=1)
    area = areas_cut_off(places, i, j)
    whole = abs(area_of(places))
    small = np.minimum(area, whole - area) < LEAST_AREA * whole
    usable = (arc >= LEAST_ARC * length) & ~small & runs_inside(cell, places[i], places[j])
    order = np.flatnonzero(usable)[np.argsort((chord / np.maximum(arc, 1))[usable], kind="stable")]
    apart, chosen = APART * np.sqrt(4 / np.pi * whole), []
    for k in order:
        ends = places[[i[k], j[k]]]
        if all(distance_of_lines(ends, other) > apart for other in chosen):
            chosen.append(ends)
            if len(chosen) == most:
                break
    return [beyond(ends) for ends in chosen]


def equidistant(outline: NDArray, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Points at equal steps along a closed outline (N, 2), smoothed a little; where they lie along it; its length."""
    smooth = ndi.gaussian_filter1d(outline, max(1.0, len(outline) / 120), axis=0, mode="wrap")
    closed = np.concatenate([smooth, smooth[:1]])
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    along = np.linspace(0, way[-1], min(count, len(outline)), endpoint=False)
    return np.stack([np.interp(along, way, closed[:, k]) for k in (0, 1)], axis=1), along, float(way[-1])


def area_of(points: NDArray) -> float:
    """Signed area of a polygon (N, 2)."""
    nxt = np.roll(points, -1, axis=0)
    return float((points[:, 0] * nxt[:, 1] - nxt[:, 0] * points[:, 1]).sum() / 2)


def areas_cut_off(points: NDArray, i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.float64]:
    """Area between the outline from point i to point j and the line back: float64, of each pair."""
    nxt = np.roll(points, -1, axis=0)
    steps = np.concatenate([[0], np.cumsum(points[:, 0] * nxt[:, 1] - nxt[:, 0] * points[:, 1])])
    back = points[j][:, 0] * points[i][:, 1] - points[i][:, 0] * points[j][:, 1]
    return np.abs(steps[j] - steps[i] + back) / 2


def runs_inside(cell: Mask, start: NDArray, end: NDArray) -> NDArray[np.bool_]:
    """Whether lines from `start` to `end` (N, 2) run within the cell."""
    t = (np.arange(SAMPLES) + 0.5) / SAMPLES
    at = np.round(start[:, None] + t[:, None] * (end - start)[:, None]).astype(np.intp)
    x, y = (np.clip(at[..., k], 0, n - 1) for k, n in ((0, cell.shape[1]), (1, cell.shape[0])))
    return cell[y, x].mean(axis=1) >= INSIDE


def distance_of_lines(a: NDArray, b: NDArray) -> float:
    """The farther of the distances between the ends of two lines (2, 2), whichever way round fits better."""
    return float(min(max(np.linalg.norm(a - c, axis=1)) for c in (b, b[::-1])))


def beyond(ends: NDArray) -> Line:
    """A line in px of the image, a little longer than from end to end."""
    step = (ends[1] - ends[0]) / max(np.linalg.norm(ends[1] - ends[0]), 1e-6) * BEYOND_PX
    (x0, y0), (x1, y1) = ends[0] - step + 0.5, ends[1] + step + 0.5
    return (float(x0), float(y0)), (float(x1), float(y1))
