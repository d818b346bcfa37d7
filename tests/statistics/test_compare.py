"""Numbers of R's help pages and of published tables, written down; R 4: wilcox.test, kruskal.test, p.adjust."""

import numpy as np
import pandas as pd
import pytest

from bccseg.statistics.compare import Comparison, compare_groups, corrected, difference, mann_whitney
from bccseg.statistics.measures import Measure

ONE = Measure("x", "X", "", "number")
# Hollander & Wolfe 1973, p. 69: permeability of the chorioamnion; ?wilcox.test
TERM = np.array([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
WEEKS_12_TO_26 = np.array([1.15, 0.88, 0.90, 0.74, 1.21])
# Hollander & Wolfe 1973, p. 116: mucociliary efficiency; ?kruskal.test
NORMAL, OBSTRUCTED, ASBESTOSIS = [2.9, 3.0, 2.5, 2.6, 3.2], [3.8, 2.7, 4.0, 2.4], [2.8, 3.4, 3.7, 2.2, 2.0]


def frame(**groups):
    rows = [
        {"group": g, "sample": f"{g}{k}", "images": 1, "x": v} for g, vs in groups.items() for k, v in enumerate(vs)
    ]
    return pd.DataFrame(rows)


def test_mann_whitney_is_that_of_r():
    u, p = mann_whitney(TERM, WEEKS_12_TO_26)
    assert u == 35  # R: W = 35, p-value = 0.2544
    assert p == pytest.approx(0.2544, abs=5e-5)


def test_ties_are_permuted():
    # All 20 ways to deal 1, 1, 2 | 2, 3, 3: U = 0.5 and less, and its mirror image, in four of them.
    _, p = mann_whitney(np.array([1.0, 1, 2]), np.array([2.0, 3, 3]))
    assert p == pytest.approx(0.2)


def test_kruskal_wallis_is_that_of_r():
    (found,) = compare_groups(frame(n=NORMAL, o=OBSTRUCTED, a=ASBESTOSIS), [ONE], ["n", "o", "a"])
    assert found.test == "Kruskal-Wallis"
    assert found.statistic == pytest.approx(0.77143, abs=5e-6)  # R: chi-squared = 0.77143, df = 2, p-value = 0.68
    assert found.p == pytest.approx(0.68, abs=5e-3)
    assert [d.group for d in found.differences] == ["o", "a"]


def test_permutation_is_exact_for_few_samples():
    (found,) = compare_groups(frame(a=[1, 2, 3], b=[4, 5, 6]), [ONE], ["a", "b"], "permutation")
    assert found.p == pytest.approx(2 / 20)  # the most extreme of the 20 ways to deal six samples, and its mirror
    assert found.statistic == pytest.approx(3)
    (found,) = compare_groups(frame(a=[1, 2, 3], b=[4, 5, 6], c=[7, 8, 9]), [ONE], ["a", "b", "c"], "permutation")
    assert found.p == pytest.approx(6 / 1680)  # 3! of the 9! / 3!³ ways


def test_holm_is_that_of_r():
    given = [0.01, 0.04, 0.03, 0.005]  # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
    found = corrected([Comparison(ONE, (), (), "t", 1.0, p) for p in given] + [Comparison(ONE, (), ())])
    assert [one.p_corrected for one in found[:4]] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert not found[4].tested


def test_difference_and_superiority():
    found = difference("term", "weeks", TERM, WEEKS_12_TO_26)
    assert found.value == pytest.approx(1.313 - 0.976)
    assert found.superiority == pytest.approx(35 / 50)  # U over the pairs
    # scipy.stats.bootstrap of the difference of means, BCa, with other seeds: 0.022 to 0.036, 0.633 to 0.644
    assert (found.low, found.high) == pytest.approx((0.03, 0.64), abs=0.015)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    found = [difference("a", "b", rng.normal(1, 1, 12), rng.normal(0, 1, 12)) for _ in range(60)]
    assert (
        sum(d.low <= 1 <= d.high for d in found) >= 51
    )  # 57 expected; a 95 % interval misses 10 or more in 1 of 1,000


def test_few_samples_are_not_tested():
    (found,) = compare_groups(frame(a=[1.0, 2], b=[4.0, 5, 6]), [ONE], ["a", "b"])
    assert not found.tested
    assert not found.clear
    assert found.test == ""
    assert found.differences[0].value == pytest.approx(3.5)
    assert [g.n for g in found.groups] == [2, 3]
    (alone,) = compare_groups(frame(a=[1.0], b=[4.0]), [ONE], ["a", "b"])
    assert np.isnan(alone.differences[0].low)
    (none,) = compare_groups(frame(a=[1.0], b=[4.0]), [ONE], ["a", "c"])
    assert none.groups[1].n == 0
    assert np.isnan(none.differences[0].value)


def test_samples_that_are_all_the_same():
    (found,) = compare_groups(frame(a=[2.0, 2, 2], b=[2.0, 2, 2]), [ONE], ["a", "b"])
    assert not found.tested
    (found,) = compare_groups(frame(a=[2.0, 2, 2], b=[3.0, 3, 3]), [ONE], ["a", "b"])
    assert (found.differences[0].low, found.differences[0].high) == (1, 1)


def test_n_is_samples_not_cells():
    values = frame(a=[1, 2, 3, 4], b=[5, 6, 7, 8])
    (found,) = compare_groups(values, [ONE], ["a", "b"])
    assert [g.n for g in found.groups] == [4, 4]
    assert found.p == found.smallest_p == pytest.approx(2 / 70)
    assert found.groups[0].sd == pytest.approx(np.std([1, 2, 3, 4], ddof=1))


def test_missing_values_are_left_out():
    (found,) = compare_groups(frame(a=[1, 2, np.nan, 4], b=[5, 6, 7]), [ONE], ["a", "b"])
    assert found.groups[0].n == 3
