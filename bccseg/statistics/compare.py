"""Groups of samples compared: n is the number of samples, never of cells or images."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.statistics.measures import Measure, sorted_only

Test = Literal["rank", "permutation"]
TESTS: tuple[Test, ...] = get_args(Test)
LEVEL = 0.05  # p values below are called clear
INTERVAL = 0.95
FEWEST = 3  # samples in each group; with fewer nothing is tested
FEW = 6  # with fewer only large differences can be seen
ROUNDS = 9999  # of bootstrap and permutation
TIED_UNTIL = 20  # samples in a group up to which p values of tied ranks come from permutations
SEED = 0


@dataclass(frozen=True)
class GroupSummary:
    """One measure of the samples of a group."""

    name: str
    n: int  # samples that have the measure
    mean: float  # NaN without samples
    median: float
    sd: float  # sample standard deviation; NaN with fewer than two samples


@dataclass(frozen=True)
class Difference:
    """Mean of a group minus the mean of the first one."""

    group: str
    reference: str
    value: float
    low: float  # of the 95 % bootstrap interval; NaN where a group has fewer than two samples
    high: float
    superiority: float  # share of pairs of samples in which the group's is larger, ties half; 0.5: no difference


@dataclass(frozen=True)
class Comparison:
    """One measure compared between groups."""

    measure: Measure
    groups: tuple[GroupSummary, ...]
    differences: tuple[Difference, ...]  # of all groups but the first, from the first
    test: str = ""  # "Mann-Whitney U", "Kruskal-Wallis" or "permutation"; "" where nothing was tested
    statistic: float = np.nan
    p: float = np.nan
    p_corrected: float = np.nan  # after Holm over all measures that were tested
    smallest_p: float = np.nan  # that the test could give with these numbers of samples; NaN for Kruskal-Wallis

    @property
    def tested(self) -> bool:
        """Whether there is a p value."""
        return bool(np.isfinite(self.p))

    @property
    def clear(self) -> bool:
        """Whether the corrected p value is below 0.05."""
        return self.tested and self.p_corrected < LEVEL


def compare_groups(
    values: pd.DataFrame, measures: Sequence[Measure], groups: Sequence[str], test: Test = "rank"
) -> list[Comparison]:
    """Compare `sample_values` between two or more groups, measure by measure.

    test: "rank" is Mann-Whitney's U (1947, doi 10.1214/aoms/1177730491) for two groups, Kruskal-Wallis (1952, doi
    10.1080/01621459.1952.10483441) for more; "permutation" is of the difference of means, or of the spread of the
    groups' means. All two-sided and for samples that are not paired. p values are corrected together (Holm 1979).
    Intervals are BCa bootstrap (Efron 1987, doi 10.1080/01621459.1987.10478410), samples drawn with replacement.
    """
    rows = sorted_only(values)
    found = []
    for one in measures:
        parts = [rows.loc[rows["group"] == name, one.key].dropna().to_numpy(np.float64) for name in groups]
        found.append(_compare(one, groups, parts, test))
    return corrected(found)


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """With `p_corrected`: Holm over those that were tested."""
    from statsmodels.stats.multitest import multipletests  # takes long to load

    tested = [k for k, one in enumerate(comparisons) if one.tested]
    out = list(comparisons)
    if tested:
        holm = multipletests([out[k].p for k in tested], method="holm")[1]
        for k, p in zip(tested, holm, strict=True):
            out[k] = replace(out[k], p_corrected=float(p))
    return out


def _compare(measure: Measure, groups: Sequence[str], parts: list[NDArray[np.float64]], test: Test) -> Comparison:
    summaries = tuple(_summary(name, part) for name, part in zip(groups, parts, strict=True))
    first = parts[0] if parts else np.zeros(0)
    differences = tuple(
        difference(name, groups[0], part, first) for name, part in zip(groups[1:], parts[1:], strict=True)
    )
    if len(parts) < 2 or min(map(len, parts)) < FEWEST or len(np.unique(np.concatenate(parts))) < 2:  # nothing to see
        return Comparison(measure, summaries, differences)
    if test == "permutation":
        name, (statistic, p) = "permutation", _permutation(parts)
    elif len(parts) == 2:
        name, (statistic, p) = "Mann-Whitney U", mann_whitney(parts[1], first)
    else:
        from scipy import stats

        result = stats.kruskal(*parts)
        name, statistic, p = "Kruskal-Wallis", float(result.statistic), float(result.pvalue)
    smallest = 2 / comb(len(first) + len(parts[1]), len(first)) if len(parts) == 2 else np.nan
    return Comparison(measure, summaries, differences, name, statistic, p, p, smallest)


def _summary(name: str, part: NDArray[np.float64]) -> GroupSummary:
    n = len(part)
    mean, median = (float(part.mean()), float(np.median(part))) if n else (np.nan, np.nan)
    return GroupSummary(name, n, mean, median, float(part.std(ddof=1)) if n > 1 else np.nan)


def difference(group: str, reference: str, a: NDArray[np.float64], b: NDArray[np.float64]) -> Difference:
    """How much larger samples `a` (N,) are than `b` (M,)."""
    if not len(a) or not len(b):
        return Difference(group, reference, np.nan, np.nan, np.nan, np.nan)
    pairs = np.sign(a[:, None] - b[None, :])
    low, high = _interval(a, b) if min(len(a), len(b)) > 1 else (np.nan, np.nan)
    return Difference(group, reference, float(a.mean() - b.mean()), low, high, float((pairs.mean() + 1) / 2))


def _interval(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import stats

    for method in ("BCa", "percentile"):  # BCa is not defined where samples are all the same
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            found = stats.bootstrap(
                (a, b), _mean_difference, n_resamples=ROUNDS, confidence_level=INTERVAL, method=method, rng=SEED
            ).confidence_interval
        if np.isfinite(found.low) and np.isfinite(found.high):
            break
    return float(found.low), float(found.high)


def _mean_difference(a: NDArray, b: NDArray, axis: int = -1) -> NDArray:
    return a.mean(axis=axis) - b.mean(axis=axis)


def mann_whitney(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """U of `a` and its two-sided p value: exact, by permutations where few samples have ties."""
    from scipy import stats

    tied = len(np.unique(np.concatenate([a, b]))) < len(a) + len(b)
    few = max(len(a), len(b)) <= TIED_UNTIL
    method = ("exact" if not tied else stats.PermutationMethod(n_resamples=ROUNDS, rng=SEED)) if few else "asymptotic"
    result = stats.mannwhitneyu(a, b, method=method)
    return float(result.statistic), float(result.pvalue)


def _permutation(parts: list[NDArray[np.float64]]) -> tuple[float, float]:
    from scipy import stats

    two = len(parts) == 2

    def statistic(*drawn: NDArray, axis: int = -1) -> NDArray:
        means = [part.mean(axis=axis) for part in drawn]
        if two:
            return means[1] - means[0]
        n = [part.shape[axis] for part in drawn]
        grand = sum(k * m for k, m in zip(n, means, strict=True)) / sum(n)
        return sum(k * (m - grand) ** 2 for k, m in zip(n, means, strict=True))

    result = stats.permutation_test(
        parts, statistic, n_resamples=ROUNDS, vectorized=True, axis=-1, rng=SEED,
        alternative="two-sided" if two else "greater",
    )  # fmt: skip
    return float(result.statistic), float(result.pvalue)
