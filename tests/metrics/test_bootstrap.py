"""Intervals and paired differences: certain where nothing varies, wide where it does."""

import numpy as np
import pytest

from bccseg.metrics.bootstrap import bootstrap, paired_differences
from bccseg.metrics.matching import ImageScore


def score(tp, fn, fp=0):
    true, predicted = tp + fn, tp + fp
    return ImageScore(tp, fp, fn, true, predicted, (80, 90, 100), 160 / 190, 0.9, 0.8 * tp, [1.5])


def test_images_that_are_alike_leave_no_doubt():
    for low, high in bootstrap([score(8, 2)] * 5).values():
        assert low == pytest.approx(high)
    assert bootstrap([]) == {}


def test_the_interval_is_that_of_the_mean_of_images():
    """Count error of images is a plain mean, whose bootstrap spread is known: sd / sqrt(n)."""
    scores = [score(10 - k % 5, k % 5) for k in range(100)]
    low, high = bootstrap(scores)["count_error"]
    errors = np.array([k % 5 / 10 for k in range(100)])
    half = 1.96 * errors.std() / 10
    assert low == pytest.approx(errors.mean() - half, abs=0.004)
    assert high == pytest.approx(errors.mean() + half, abs=0.004)


def test_a_difference_is_more_than_noise_or_not():
    old = [score(8 - k % 3, 2 + k % 3) for k in range(30)]
    better = [score(9 - k % 3, 1 + k % 3) for k in range(30)]
    gain = paired_differences(old, better)["f1"]
    assert gain.beyond_noise
    assert 0.03 < gain.low <= gain.value <= gain.high < 0.12
    noisy = [score(s.tp + (-1) ** k, s.fn - (-1) ** k) for k, s in enumerate(old)]
    assert not paired_differences(old, noisy)["f1"].beyond_noise
    assert paired_differences(old, old)["pq"].value == 0
    with pytest.raises(ValueError, match="same images"):
        paired_differences(old, old[1:])
