"""Scores that mean something: of the cells scored 0.9, about nine in ten are right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 50
RIDGE = 1e-3  # keeps the curve finite where every cell is right


@dataclass(frozen=True)
class Calibration:
    """A logistic curve from raw score to the share of cells that match a true one (Platt 1999)."""

    slope: float
    offset: float

    def __call__(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw scores to probabilities 0 to 1; the order stays."""
        return (1 / (1 + np.exp(-(self.slope * np.asarray(score, np.float64) + self.offset)))).astype(np.float32)


def fit_calibration(score: NDArray, right: NDArray[np.bool_]) -> Calibration:
    """The curve of greatest likelihood for scores (N,) of cells that are right or not (N,). Newton's method."""
    x = np.stack([np.asarray(score, float), np.ones(len(score))], axis=1)
    y, weights = np.asarray(right, float), np.array([1.0, 0.0])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (y - p) - RIDGE * weights
        curvature = (x * (p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(2)
        weights = weights + np.linalg.solve(curvature, gradient)
    return Calibration(float(weights[0]), float(weights[1]))


def calibration_error(probability: NDArray, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015, doi 10.1609/aaai.v29i1.9602): the mean distance of a bin's
    probability from its share of right cells, weighted by its size. Bins of equal width; 0 without cells.
    """
    probability, right = np.asarray(probability, float), np.asarray(right, float)
    which = np.clip((probability * bins).astype(int), 0, bins - 1)
    size = np.bincount(which, minlength=bins)
    gap = np.abs(np.bincount(which, probability, bins) - np.bincount(which, right, bins))
    return float(gap.sum() / max(1, size.sum()))
