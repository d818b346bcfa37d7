"""How well classes are told: confusion, precision, recall and F1 of each, accuracy with its interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassScore:
    """Of one class."""

    name: str
    cells: int  # that are of it
    precision: float | None  # None where nothing was told to be of it
    recall: float | None  # None where there is none
    f1: float | None  # 2TP / (2TP + FP + FN); also the Dice of the two sets of cells


def class_scores(names: tuple[str, ...], confusion: NDArray[np.integer]) -> list[ClassScore]:
    """Scores of each class from counts (K, K): rows what cells are, columns what they were told to be."""
    right, are, told = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)

    def share(a: float, b: float) -> float | None:
        return float(a / b) if b else None

    return [
        ClassScore(
            name, int(are[k]), share(right[k], told[k]), share(right[k], are[k]), share(2 * right[k], are[k] + told[k])
        )
        for k, name in enumerate(names)
    ]


@dataclass(frozen=True)
class Accuracy:
    """Share of cells whose class is told right, with its 95 % interval."""

    cells: int  # that it was measured on
    value: float
    low: float
    high: float


def accuracy(confusion: NDArray[np.integer]) -> Accuracy | None:
    """With Wilson's interval (Wilson 1927, doi 10.1080/01621459.1927.10502953); None without cells."""
    from scipy.stats import binomtest

    right, cells = int(np.trace(confusion)), int(confusion.sum())
    if not cells:
        return None
    interval = binomtest(right, cells).proportion_ci(method="wilson")
    return Accuracy(cells, right / cells, float(interval.low), float(interval.high))


def accuracy_at(confusion: NDArray[np.integer], shares: NDArray[np.floating]) -> Accuracy | None:
    """Accuracy where the classes are as frequent as `shares` (K,) and not as in the table: the recalls, so weighted.

    The interval is that of a stratified sample, with each recall's variance as of two more right and two more wrong
    cells (Agresti and Coull 1998, doi 10.1080/00031305.1998.10480550). None where a class has no cells.
    """
    cells = confusion.sum(axis=1)
    if not len(cells) or not cells.all():
        return None
    shares, right = np.asarray(shares) / np.sum(shares), np.diag(confusion)
    value, careful = float(shares @ (right / cells)), (right + 2) / (cells + 4)
    half = 1.96 * float(np.sqrt((shares**2 * careful * (1 - careful) / (cells + 4)).sum()))
    return Accuracy(int(cells.sum()), value, max(0.0, value - half), min(1.0, value + half))
