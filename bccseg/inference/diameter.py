"""How large are the cells? The network itself is asked, at a few magnifications."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.config import Thresholds
from bccseg.imaging.instances import ProbabilityMaps, separate_cells
from bccseg.imaging.label_image import areas, border_ids, equivalent_diameter
from bccseg.imaging.resize import resize

Predict = Callable[[NDArray[np.uint8]], ProbabilityMaps]

VIEW_PX = 512  # side of the square views that are looked at
STEPS = (0, -1, 1, -2, 2, -3, 3, 4, 5)  # magnifications, in octaves from the first view, in order of trying
CLEAR_RANGE = (0.55, 1.4)  # cells seen at this share of the training diameter are measured reliably
MIN_CELLS = 4


@dataclass(frozen=True)
class ScaleCandidate:
    """What the network saw at one magnification."""

    factor: float  # view px per image px
    diameter_px: float  # median, in view px
    cells: int
    quality: float  # how much the view looks like a smear at the right size, 0 and up


def busiest_window(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The window of at most side x side px with the most contrast: where the cells are."""
    h, w = image.shape[:2]
    if h <= side and w <= side:
        return image
    shrink = max(1, max(h, w) // 256)
    small = cv2.resize(image, (max(1, w // shrink), max(1, h // shrink)), interpolation=cv2.INTER_AREA)
    grey = small.mean(axis=2)
    contrast = np.abs(grey - np.median(grey)).astype(np.float32)
    box = max(1, side // shrink)
    density = cv2.boxFilter(contrast, -1, (box, box), borderType=cv2.BORDER_REFLECT)
    y, x = np.unravel_index(int(np.argmax(density)), density.shape)
    top = int(np.clip(y * shrink - side // 2, 0, max(0, h - side)))
    left = int(np.clip(x * shrink - side // 2, 0, max(0, w - side)))
    return image[top : top + side, left : left + side]


def evaluate_scale(image: NDArray[np.uint8], factor: float, predict: Predict, trained_px: float) -> ScaleCandidate:
    """Look at a view of the image magnified by `factor`."""
    window = busiest_window(image, max(16, round(VIEW_PX / factor)))
    view = resize(window, factor)
    labels, scores = separate_cells(predict(view), Thresholds(), trained_px, view.shape[:2], typical=False)
    area = areas(labels)[1:]
    inside = np.ones(len(area), bool)
    inside[border_ids(labels) - 1] = False
    if inside.sum() < MIN_CELLS:
        inside[:] = True
    if not inside.any():
        return ScaleCandidate(factor, 0.0, 0, 0.0)
    diameter = float(np.median(equivalent_diameter(area[inside])))
    ratio = diameter / trained_px
    fit = np.exp(-((np.log2(ratio)) ** 2))  # 1 at the trained size
    sure = float(np.sum(scores * area) / max(1, area.sum()))
    return ScaleCandidate(factor, diameter, int(inside.sum()), sure * float(fit) * min(1.0, inside.sum() / MIN_CELLS))


def estimate_diameter(image: NDArray[np.uint8], predict: Predict, trained_px: float) -> float | None:
    """Median cell diameter in px of the image, or None where no cell is found.

    Views at magnifications an octave apart are tried until cells are clearly seen near the size the
    network was trained at. If they never are, the best view is looked at once more at the right size.
    """
    first = min(1.0, VIEW_PX / max(image.shape[:2]))
    best = ScaleCandidate(first, 0.0, 0, 0.0)
    for octave in STEPS:
        factor = first * 2.0**octave
        if min(image.shape[:2]) * factor < 16 or factor > 8:
            continue
        candidate = evaluate_scale(image, factor, predict, trained_px)
        if candidate.quality > best.quality:
            best = candidate
        if is_reliable(candidate, trained_px):  # as exact as a second look: within 2 % of it (standard deviation)
            return candidate.diameter_px / candidate.factor
    if best.cells == 0:
        return None
    again = evaluate_scale(image, best.factor * trained_px / best.diameter_px, predict, trained_px)
    if again.quality >= best.quality:
        best = again
    return best.diameter_px / best.factor


def is_reliable(candidate: ScaleCandidate, trained_px: float) -> bool:
    """Whether a view can be believed without looking at others."""
    low, high = CLEAR_RANGE
    return (
        candidate.cells >= MIN_CELLS and low <= candidate.diameter_px / trained_px <= high and candidate.quality > 0.4
    )
