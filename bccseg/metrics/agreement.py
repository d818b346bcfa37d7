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
    f1 = 2 * len(match(a, b)) / (n + m) if n + m else 1.0
    return Agreement(dice=same, f1=f1, count_difference=m - n)


def expected_error_share(scores: NDArray[np.float32], rejected: int) -> float:
    """Share of a proposal that is expected to be wrong, 0 to 1; 0 if it is empty.

    scores: (N,) of its cells, each wrong with probability 1 - score; rejected: number of objects that were left out as
    too uncertain, of which half are taken to be cells.
    """
    total = len(scores) + rejected
    return float((np.sum(1 - np.asarray(scores)) + 0.5 * rejected) / total) if total else 0.0
