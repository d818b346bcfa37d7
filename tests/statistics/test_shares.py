import pytest

from bccseg.statistics.shares import share_of_group


def test_few_samples_have_wilsons_interval():
    found = share_of_group([3, 2], [50, 50])
    assert found.value == pytest.approx(0.05)
    # R: prop.test(5, 100, correct = FALSE)$conf.int = 0.02154368 0.11175047
    assert (found.low, found.high) == pytest.approx((0.02154368, 0.11175047), abs=1e-7)
    assert not found.of_samples


def test_samples_that_differ_have_a_wider_interval_than_cells_would():
    found = share_of_group([0, 0, 30, 0, 0, 30], [100] * 6)
    assert found.of_samples
    assert found.value == pytest.approx(0.1)
    assert found.low < 0.01  # Wilson, of 60 in 600 cells: 0.079 to 0.127
    assert found.high == pytest.approx(0.2, abs=0.01)


def test_samples_that_are_the_same_have_no_width():
    found = share_of_group([10, 10, 10], [100, 100, 100])
    assert (found.low, found.value, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_none_and_all():
    assert share_of_group([0, 0], [0, 0]) is None
    none = share_of_group([0] * 5, [100] * 5)
    assert none.low == 0
    assert none.high == pytest.approx(0.0076, abs=1e-3)
