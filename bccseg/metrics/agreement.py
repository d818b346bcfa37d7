"""How much two label images of one field agree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels, count_cells
from bccseg.metrics.matching import dice, match


@dataclass(frozen=True)
class Agreement:
    """Of version b with version a."""

    dice: float  # of all cell pixels, 0 to 1; 1 if both are empty
    f1: float  # of cells matched at IoU 0.5, 0 to 1; 1 if both are empty
    count_difference: int  # cells of b minus cells of a


def agreement(a: Labels, b: Labels) -> Agreement:
    """Agreement of labels int32 (H, W) of the same image; cells on the border count like any other."""
    n, m = count_cells(a), count_cells(b)
    same = dice(a > 0, b > 0) if n + m else 1.0
    return Agreement(same, 2 * len(match(a, b)) / (n + m) if n + m else 1.0, m - n)


def doubt(scores: NDArray[np.float32], places: int) -> float:
    """Share of a proposal that is expected to be wrong, 0 to 1: its cells by their score, and half of the
    `places` that were left out as too unsure.
    """
    total = len(scores) + places
    return float((np.sum(1 - np.asarray(scores)) + 0.5 * places) / total) if total else 0.0
