"""How far a metric may be off by the choice of images: bootstrap intervals (Efron 1979, doi 10.1214/aos/1176344552)."""

from dataclasses import dataclass

import numpy as np

from bccseg.metrics.matching import ImageScore, summarise_scores

ROUNDS = 1000
SEED = 0
LEVEL = 0.95
COUNTS = ("images", "cells")  # of the set itself; they have no interval

Intervals = dict[str, tuple[float, float]]


def bootstrap(scores: list[ImageScore], rounds: int = ROUNDS) -> Intervals:
    """95 % interval of each metric of `summarise_scores`, images drawn with replacement; {} without images."""
    return _intervals([summarise_scores(_drawn(scores, row)) for row in _draws(len(scores), rounds)])


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
    rows = []
    for row in _draws(len(old), rounds):
        before, after = (summarise_scores(_drawn(scores, row)) for scores in (old, new))
        rows.append({k: _minus(after[k], before[k]) for k in after})
    before, after = summarise_scores(old), summarise_scores(new)
    return {
        name: Difference(_minus(after[name], before[name]), low, high) for name, (low, high) in _intervals(rows).items()
    }


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _draws(images: int, rounds: int) -> np.ndarray:
    rng = np.random.default_rng(SEED)
    return rng.integers(0, max(1, images), (rounds if images else 0, images))


def _drawn(scores: list[ImageScore], row: np.ndarray) -> list[ImageScore]:
    return [scores[k] for k in row]


def _intervals(rows: list[dict[str, float | int | None]]) -> Intervals:
    out = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows if row[name] is not None]
        if values and name not in COUNTS:
            low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            out[name] = (float(low), float(high))
    return out
