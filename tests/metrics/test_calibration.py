"""Calibrated scores: known curves are found again, and the error is what its definition says."""

import numpy as np
import pytest

from bccseg.metrics.calibration import Calibration, calibration_error, fit_calibration


def test_a_known_curve_is_found_again():
    rng = np.random.default_rng(0)
    score, truth = rng.uniform(0.3, 1, 20_000), Calibration(12.0, -7.0)
    found = fit_calibration(score, rng.random(20_000) < truth(score))
    assert found.slope == pytest.approx(12, rel=0.05)
    assert found.offset == pytest.approx(-7, rel=0.05)
    assert (np.diff(found(np.linspace(0, 1, 50))) > 0).all()


def test_all_right_or_all_wrong_gives_a_finite_curve():
    score = np.linspace(0.5, 1, 100)
    for right, low, high in ((np.ones(100, bool), 0.9, 1), (np.zeros(100, bool), 0, 0.1)):
        probability = fit_calibration(score, right)(score)
        assert np.isfinite(probability).all()
        assert low <= probability.min() <= probability.max() <= high


def test_the_error_is_the_distance_of_probability_and_share():
    assert calibration_error(np.full(10, 0.85), np.arange(10) < 6) == pytest.approx(0.25)
    mixed = np.array([0.15] * 10 + [0.95] * 30)
    right = np.array([True] * 2 + [False] * 8 + [True] * 30)
    assert calibration_error(mixed, right) == pytest.approx((10 * 0.05 + 30 * 0.05) / 40)
    assert calibration_error(np.zeros(0), np.zeros(0, bool)) == 0
