"""How many cells of each class, and how far chance alone may have moved the numbers.

All intervals are Wilson's, at 95 % (Wilson 1927, doi 10.1080/01621459.1927.10502953). They are about chance only, not
about what a network mistakes, and take cells to lie independently of each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from scipy.stats import binomtest

from bccseg.classes import UNCLASSIFIED
from bccseg.report.result import MeasuredImage

RED, WHITE, PLATELET = "red", "white", "platelet"


@dataclass(frozen=True)
class Estimate:
    """A share or ratio that was counted, and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassCount:
    """Cells of one class."""

    name: str
    count: int
    share: Estimate | None  # of all cells, 0 to 1; None for small cells, which are none of them, and without cells


def class_counts(result: MeasuredImage) -> dict[str, int]:
    """Cells of each class that is known, also of small ones and of those without any; UNCLASSIFIED last.

    Where nothing is known of classes: nothing.
    """
    if result.classes is None:
        return {}
    counts = result.classes.counts()
    if result.small_cells is not None:
        counts = {name: n + result.small_cells.classes.counts()[name] for name, n in counts.items()}
    return {**counts, UNCLASSIFIED: int((result.classes.number < 0).sum())}


def sum_of_counts(results: Iterable[MeasuredImage]) -> dict[str, int]:
    """The `class_counts` of several images together."""
    out: dict[str, int] = {}
    for result in results:
        for name, count in class_counts(result).items():
            out[name] = out.get(name, 0) + count
    return out


def class_shares(result: MeasuredImage) -> list[ClassCount]:
    """Every class of which there are cells, in the order of the class set, UNCLASSIFIED last."""
    small = set() if result.small_cells is None else set(result.small_cells.classes.name_of_each())
    cells = len(result.scores)
    return [
        ClassCount(name, count, None if name in small or not cells else share(count, cells))
        for name, count in class_counts(result).items()
        if count
    ]


@lru_cache(maxsize=10_000)  # SciPy takes milliseconds, and a page asks for the same of every image each time
def share(count: int, total: int) -> Estimate:
    """`count` of `total` (1 or more), 0 to 1."""
    interval = binomtest(count, total).proportion_ci(method="wilson")
    return Estimate(count / total, float(interval.low), float(interval.high))


def per(scale: int, count: int, others: int) -> Estimate | None:
    """`count` cells of one class to `scale` of another, of which there are `others`; None without others.

    Given how many there are of both, those of one class are a binomial sample; so the interval is that of their share,
    as odds.
    """
    if not others:
        return None
    of_both = share(count, count + others)
    low, high = (scale * p / (1 - p) for p in (of_both.low, of_both.high))
    return Estimate(scale * count / others, low, high)


def white_per_100_red(counts: dict[str, int]) -> Estimate | None:
    """White cells to 100 red ones; None without red cells, or where white ones are not told apart."""
    return per(100, counts[WHITE], counts.get(RED, 0)) if WHITE in counts else None


def platelets_per_1000_red(counts: dict[str, int]) -> Estimate | None:
    """Platelets to 1,000 red cells; None without red cells, or where platelets are not found."""
    return per(1000, counts[PLATELET], counts.get(RED, 0)) if PLATELET in counts else None
