"""Kinds of mistakes on known pictures."""

import numpy as np
import pytest

from bccseg.metrics.error_types import classify_errors, count_errors
from bccseg.report.error_picture import COLOURS, draw_errors
from tests.metrics.test_matching import square


def test_right_is_no_mistake():
    truth = square((10, 10, 20), (50, 50, 20))
    assert classify_errors(truth, truth[:, :].copy()) == ({}, {})
    assert count_errors(np.zeros_like(truth), np.zeros_like(truth)) == {}


@pytest.mark.parametrize(
    ("truth", "predicted", "kinds"),
    [
        ([(10, 10, 20)], [], {"missed": 1}),
        ([], [(10, 10, 20)], {"false": 1}),
        ([(10, 10, 20), (10, 31, 20)], [(10, 10, 41)], {"joined": 2}),
        ([(20, 20, 30)], [(27, 27, 40)], {"loose outline": 1}),
        ([(0, 10, 20)], [(50, 80, 20)], {}),  # cut by the border: neither missed nor false
    ],
)
def test_each_kind(truth, predicted, kinds):
    assert count_errors(square(*truth), square(*predicted)) == kinds


def test_a_join_with_a_big_cell_costs_the_small_one():
    truth = square((10, 10, 40), (10, 51, 12))
    predicted = square((10, 10, 40))
    predicted[10:22, 50:63] = 1
    assert classify_errors(truth, predicted) == ({2: "joined"}, {})  # the big one still matches


def test_a_split_counts_its_pieces():
    truth = square((10, 10, 40))
    predicted = np.zeros_like(truth)
    predicted[10:29, 10:50], predicted[31:50, 10:50] = 1, 2
    assert classify_errors(truth, predicted) == ({1: "split"}, {1: "split", 2: "split"})
    assert count_errors(truth, predicted) == {"split": 2}
    predicted[29:33, 10:50] = 1  # now the first is big enough to be the cell
    assert count_errors(truth, predicted) == {"split": 1}


def test_the_picture_shows_each_in_its_colour():
    truth, predicted = square((10, 10, 20), (50, 50, 20)), square((10, 10, 20), (60, 10, 20))
    picture = draw_errors(np.full((100, 100, 3), 255, np.uint8), truth, predicted)
    assert tuple(picture[10, 15]) == COLOURS["found"]
    assert tuple(picture[50, 55]) == COLOURS["missed"]
    assert tuple(picture[60, 15]) == COLOURS["extra"]
    assert tuple(picture[20, 20]) == (255, 255, 255)
    small = draw_errors(np.full((100, 100, 3), 255, np.uint8), truth, predicted, longest=50)
    assert small.shape == (50, 50, 3)
    assert tuple(small[25, 28]) == COLOURS["missed"]
