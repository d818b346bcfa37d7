"""Scores of classes: known numbers."""

import numpy as np
import pytest

from bccseg.metrics.class_scores import accuracy, accuracy_at, class_scores

TABLE = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])


def test_precision_recall_and_f1_of_each_class():
    first, second, none = class_scores(("a", "b", "c"), TABLE)
    assert (first.cells, first.precision, first.recall) == (10, pytest.approx(8 / 9), 0.8)
    assert first.f1 == pytest.approx(16 / 19)
    assert second.f1 == pytest.approx(18 / 21)
    assert (none.cells, none.precision, none.recall, none.f1) == (0, None, None, None)


def test_accuracy_with_its_interval():
    found = accuracy(TABLE)
    assert (found.cells, found.value) == (20, 0.85)
    assert (found.low, found.high) == (pytest.approx(0.6396, abs=1e-4), pytest.approx(0.9476, abs=1e-4))  # Wilson
    assert accuracy(np.zeros((2, 2), int)) is None


def test_accuracy_where_classes_are_otherwise_frequent():
    found = accuracy_at(TABLE[:2, :2], np.array([3, 1]))
    assert found.value == pytest.approx(0.75 * 0.8 + 0.25 * 0.9)
    p, q = 10 / 14, 11 / 14
    half = 1.96 * np.sqrt(0.75**2 * p * (1 - p) / 14 + 0.25**2 * q * (1 - q) / 14)
    assert (found.low, found.high) == (pytest.approx(found.value - half), pytest.approx(min(1, found.value + half)))
    assert accuracy_at(TABLE, np.ones(3)) is None, "a class without cells"
