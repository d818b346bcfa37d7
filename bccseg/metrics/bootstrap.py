"""How far a metric may be off by the choice of images: bootstrap intervals (Efron 1979, doi 10.1214/aos/1176344552)."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bccseg.metrics.matching import ImageScore, summarise_scores

ROUNDS = 1000
SEED = 0
LEVEL = 0.95
COUNTS = ("images", "cells")  # of the set itself; they have no interval

Intervals = dict[str, tuple[float, float]]
Metrics = dict[str, float | int | None]


def bootstrap(scores: list[ImageScore], rounds: int = ROUNDS) -> Intervals:
    """95 % interval of each metric of `summarise_scores`, images drawn with replacement; {} without images."""
    return _intervals(len(scores), lambda rows: summarise_scores([scores[k] for k in rows]), rounds)


@dataclass(frozen=True)
class Difference:
    """New minus old of one metric on the same images."""

    value: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """Whether zero lies outside the interval."""
        return not self.low <= 0 <= self.high


def paired_differences(old: list[ImageScore], new: list[ImageScore], rounds: int = ROUNDS) -> dict[str, Difference]:
    """Difference of each metric with its 95 % interval. Both lists are of the same images in the same order."""
    if len(old) != len(new):
        raise ValueError("both sides must be scores of the same images")

    def difference(rows: NDArray[np.intp]) -> Metrics:
        before, after = (summarise_scores([scores[k] for k in rows]) for scores in (old, new))
        return {k: None if after[k] is None or before[k] is None else after[k] - before[k] for k in after}

    value = difference(np.arange(len(old)))
    found = _intervals(len(old), difference, rounds)
    return {name: Difference(value[name], low, high) for name, (low, high) in found.items()}


def _intervals(images: int, statistic: Callable[[NDArray[np.intp]], Metrics], rounds: int) -> Intervals:
    """Intervals of what `statistic` makes of rows of images drawn from 0..images - 1."""
    if images == 0:
        return {}
    whole = statistic(np.arange(images))
    names = [name for name in whole if name not in COUNTS]

    def values(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        drawn = statistic(rows)
        return np.array([np.nan if drawn[name] is None else drawn[name] for name in names], float)

    if images == 1:  # nothing to draw from
        drawn = values(np.zeros(1, np.intp))[:, None]
    else:
        from scipy import stats  # takes as long to load as the first page

        with warnings.catch_warnings():  # about draws in which a metric is not known; they are left out below
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            drawn = stats.bootstrap(
                (np.arange(images),), values, n_resamples=rounds, vectorized=False, method="percentile", rng=SEED
            ).bootstrap_distribution  # (names, rounds)
    out = {}
    for name, distribution in zip(names, drawn, strict=True):
        known = distribution[~np.isnan(distribution)]
        if len(known):
            low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            out[name] = (float(low), float(high))
    return out
