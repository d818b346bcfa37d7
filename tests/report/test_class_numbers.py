"""Counts, shares and ratios of classes, with known intervals."""

import numpy as np
import pytest

from bccseg.report.class_numbers import (
    class_shares,
    per,
    platelets_per_1000_red,
    share,
    sum_of_counts,
    white_per_100_red,
)
from bccseg.report.tables import summary_table
from tests.report.test_class_tables import drawn, result_of  # noqa: F401  (a fixture)


def test_wilson_intervals_of_shares():
    """Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3."""
    for count, total, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]:
        found = share(count, total)
        assert found.value == count / total
        assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_ratio_has_the_interval_of_the_share_as_odds():
    found = per(100, 15, 133)
    assert found.value == pytest.approx(100 * 15 / 133)
    assert (found.low, found.high) == (pytest.approx(100 * 0.0624 / 0.9376, abs=0.01),
                                       pytest.approx(100 * 0.1605 / 0.8395, abs=0.01))  # fmt: skip
    assert per(100, 3, 0) is None
    assert per(1000, 0, 50).low == 0


def test_shares_of_an_image_leave_small_cells_out(drawn):  # noqa: F811
    found = {one.name: one for one in class_shares(result_of(*drawn))}
    assert {name: one.count for name, one in found.items()} == {"red": 3, "white": 1, "platelet": 2}
    assert found["red"].share == share(3, 4)
    assert found["platelet"].share is None
    nothing = np.zeros((90, 120), np.int32)
    assert class_shares(result_of(nothing, [], [], nothing)) == []


def test_images_are_counted_together(drawn):  # noqa: F811
    one = result_of(*drawn)
    counts = sum_of_counts([one, one])
    assert counts == {"red": 6, "white": 2, "platelet": 4, "unclassified": 0}
    assert white_per_100_red(counts).value == pytest.approx(100 / 3)
    assert platelets_per_1000_red(counts).value == pytest.approx(2000 / 3)
    assert white_per_100_red(counts).high < white_per_100_red(sum_of_counts([one])).high
    assert white_per_100_red(sum_of_counts([])) is None
    assert summary_table([one])["platelets_per_1000_red"].tolist() == [pytest.approx(2000 / 3)]
