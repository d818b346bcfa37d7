"""Shares of a group's cells, with how far they may be off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bccseg.statistics.compare import FEWEST, INTERVAL, ROUNDS, SEED


@dataclass(frozen=True)
class Share:
    """A share, 0 to 1, and its 95 % interval."""

    value: float
    low: float
    high: float
    of_samples: bool  # samples were drawn; else cells were taken to be independent, which is too narrow


def share_of_group(counts: Sequence[int], totals: Sequence[int]) -> Share | None:
    """`counts` (S,) of `totals` (S,) cells, one a sample, together; None without cells.

    With three samples or more they are drawn with replacement (percentile bootstrap of the ratio of the sums), so that
    differences between samples count. With fewer it is Wilson's interval (1927, doi 10.1080/01621459.1927.10502953).
    """
    from scipy import stats

    n, of = np.asarray(counts, np.float64), np.asarray(totals, np.float64)
    there = of > 0
    n, of = n[there], of[there]
    if not len(of):
        return None
    value = float(n.sum() / of.sum())
    if len(of) < FEWEST or n.sum() == 0 or n.sum() == of.sum():
        interval = stats.binomtest(int(n.sum()), int(of.sum())).proportion_ci(INTERVAL, method="wilson")
        return Share(value, float(interval.low), float(interval.high), of_samples=False)

    def ratio(a: NDArray, b: NDArray, axis: int = -1) -> NDArray:
        return a.sum(axis=axis) / b.sum(axis=axis)

    found = stats.bootstrap(
        (n, of), ratio, paired=True, n_resamples=ROUNDS, confidence_level=INTERVAL, method="percentile", rng=SEED
    ).confidence_interval
    return Share(value, float(found.low), float(found.high), of_samples=True)
