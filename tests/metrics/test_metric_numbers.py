"""Scores, kinds of mistakes, calibration and agreement of pictures small enough to be counted by hand."""

import numpy as np
import pytest

from bccseg.metrics.agreement import agreement, expected_error_share
from bccseg.metrics.bootstrap import Difference, bootstrap, paired_differences
from bccseg.metrics.calibration import RIDGE, Calibration, calibration_error, fit_calibration
from bccseg.metrics.error_types import classify_errors, count_errors
from bccseg.metrics.matching import (
    ImageScore,
    dice,
    match,
    outline_distance,
    overlaps,
    score_mask,
    score_points,
    summarise_scores,
)


def boxes(*places, shape=(60, 80)):
    """Rectangles (top, left, height, width) as labels."""
    labels = np.zeros(shape, np.int32)
    for k, (y, x, h, w) in enumerate(places, start=1):
        labels[y : y + h, x : x + w] = k
    return labels


def test_every_pair_that_shares_pixels_has_its_iou():
    truth, predicted = boxes((10, 10, 10, 10), (10, 30, 10, 10)), boxes((30, 60, 5, 5), (10, 15, 10, 20))
    true_ids, ids, iou = overlaps(truth, predicted)
    assert list(zip(true_ids, ids, strict=True)) == [(1, 2), (2, 2)]
    assert iou.tolist() == pytest.approx([50 / 250, 50 / 250])


def test_pairs_come_best_first_and_each_cell_once():
    truth = boxes((10, 10, 10, 10), (10, 30, 10, 10), (30, 10, 10, 10))
    predicted = boxes((30, 10, 10, 6), (10, 30, 10, 9), (10, 10, 10, 10))
    assert match(truth, predicted) == [(1, 3, 1.0), (2, 2, pytest.approx(0.9)), (3, 1, pytest.approx(0.6))]
    halves = boxes((10, 10, 10, 5), (10, 15, 10, 5))
    assert match(boxes((10, 10, 10, 10)), halves) == [(1, 1, 0.5)]
    assert match(halves, boxes((10, 10, 10, 10))) == [(1, 1, 0.5)]


@pytest.mark.parametrize(("least", "found"), [(0.5, 3), (0.6, 3), (0.61, 2), (0.9, 2), (0.95, 1), (1.0, 1)])
def test_a_pair_of_exactly_the_iou_asked_for_matches(least, found):
    truth = boxes((10, 10, 10, 20), (30, 10, 10, 20), (45, 10, 10, 20))
    predicted = boxes((10, 10, 10, 20), (30, 10, 10, 18), (45, 10, 10, 12))
    assert len(match(truth, predicted, least)) == found


def test_outlines_are_compared_both_ways():
    a, b = np.zeros((5, 30), bool), np.zeros((5, 30), bool)
    a[2, 4:8], b[2, 4:20] = True, True  # lines: every pixel is outline
    assert outline_distance(a, b) == pytest.approx(sum(range(1, 13)) / 16 / 2)
    assert outline_distance(b, a) == outline_distance(a, b)
    thick, moved = np.zeros((12, 30), bool), np.zeros((12, 30), bool)
    thick[2:9, 3:10], moved[2:9, 13:20] = True, True
    assert outline_distance(thick, moved) == pytest.approx((2 * 49 + 50 + 20) / 24)  # rows, left and right side
    ring = thick.copy()
    ring[3:8, 4:9] = False  # the same outer edge
    assert outline_distance(thick, ring) == 0


def test_dice_of_masks():
    a, b = np.arange(10) < 4, np.arange(10) < 6
    assert dice(a, b) == 0.8
    assert dice(a, ~a) == dice(a & False, a & False) == 0


def test_all_numbers_of_one_scored_image():
    truth = boxes((5, 5, 20, 20), (5, 40, 20, 20), (35, 5, 20, 20), (40, 60, 20, 20), (35, 40, 10, 10))
    # The fourth is cut, the fifth a speck.
    predicted = boxes((5, 5, 20, 20), (5, 45, 20, 20), (50, 32, 5, 5), (0, 70, 4, 10), (36, 6, 18, 18))
    score = score_mask(predicted, truth > 0)
    assert (score.tp, score.fp, score.fn, score.true_inside, score.predicted_inside) == (3, 1, 0, 3, 4)
    assert score.pixels == (400 + 300 + 324, 400 + 400 + 25 + 40 + 324, 1700)
    assert score.iou_sum == pytest.approx(1 + 300 / 500 + 324 / 400)
    assert score.dice == pytest.approx(2 * 1024 / (1189 + 1700))
    assert score.dice_inner == pytest.approx(2 * 1024 / (1149 + 1300))  # cut pieces of either side left out
    assert len(score.boundary_px) == 3
    assert score.boundary_px[0] == 0
    assert sorted(score.boundary_px)[1] == pytest.approx(1.0, abs=0.02)  # one px inside all around
    strict = score_mask(predicted, truth > 0, 0.7)
    assert (strict.tp, strict.fp, strict.fn) == (2, 2, 1)
    assert strict.iou_sum == pytest.approx(1.81)


def test_outline_distances_do_not_depend_on_neighbours_or_the_border():
    """A pair by itself, and the same pair in the corner beside another: one px further out on the right."""
    alone = score_mask(boxes((20, 20, 20, 21)), boxes((20, 20, 20, 20)) > 0).boundary_px
    expected = outline_distance(boxes((20, 20, 20, 21)) > 0, boxes((20, 20, 20, 20)) > 0)
    assert alone == pytest.approx([expected])
    pair = score_mask(boxes((20, 20, 20, 21), (20, 41, 20, 20)), boxes((20, 20, 20, 20), (20, 41, 20, 20)) > 0)
    assert sorted(pair.boundary_px) == pytest.approx([0, expected])
    tall = score_mask(boxes((18, 18, 24, 20)), boxes((20, 20, 20, 20)) > 0).boundary_px
    assert tall == pytest.approx([outline_distance(boxes((18, 18, 24, 20)) > 0, boxes((20, 20, 20, 20)) > 0)])


@pytest.mark.parametrize(("height", "cells"), [(15, 1), (14, 0)])
def test_a_true_cell_has_at_least_300_pixels(height, cells):
    score = score_mask(np.zeros((60, 80), np.int32), boxes((10, 10, height, 20)) > 0)
    assert (score.fn, score.true_inside) == (cells, cells)
    assert score.pixels == (0, 0, 20 * height)


def test_cut_cells_count_when_they_match_but_not_when_they_miss():
    truth = boxes((0, 0, 20, 20), (40, 0, 20, 20)) > 0
    score = score_mask(boxes((0, 0, 20, 20), (0, 60, 20, 20)), truth)
    assert (score.tp, score.fp, score.fn, score.true_inside, score.predicted_inside) == (1, 0, 0, 0, 0)
    assert (score.dice_inner, score.dice) == (0, 0.5)


def test_points_are_rounded_and_kept_inside():
    predicted = boxes((10, 10, 10, 10), (50, 70, 10, 10), (30, 30, 10, 10))
    points = np.array([[9.6, 9.6], [200.0, 300.0], [19.4, 19.4], [29.4, 35.0]])
    score = score_points(predicted, points)
    assert (score.tp, score.fp, score.fn) == (2, 1, 2)
    assert (score.true_inside, score.predicted_inside) == (3, 2)  # the second lies in a cut cell
    outside = score_points(boxes((0, 0, 5, 5)), np.array([[-9.0, -9.0]]))
    assert (outside.tp, outside.fp, outside.fn, outside.true_inside) == (1, 0, 0, 0)
    assert (score.pixels, score.dice, score.boundary_px) == ((0, 0, 0), 0, [])


ONE = ImageScore(6, 1, 3, 8, 10, (300, 400, 500), 0.5, 0.25, 4.5, [1.0, 3.0])
TWO = ImageScore(2, 2, 1, 4, 1, (10, 20, 30), 0.75, 0.5, 1.5, [2.0, 6.0, 8.0])


def test_metrics_of_two_images():
    assert summarise_scores([ONE, TWO]) == pytest.approx(
        {
            "images": 2,
            "cells": 12,
            "f1": 16 / 23,
            "ap50": 8 / 15,
            "precision": 8 / 11,
            "recall": 8 / 12,
            "pq": 6 / (8 + 1.5 + 2),
            "dice": 0.625,
            "dice_inner": 0.375,
            "iou": (300 / 600 + 10 / 40) / 2,
            "dice_pooled": 620 / 950,
            "iou_pooled": 310 / 640,
            "boundary_px": 4.0,
            "count_error": (2 / 8 + 3 / 4) / 2,
            "count_bias": -1 / 12,
        }
    )


def test_metrics_without_cells_are_zero_and_of_points_unknown():
    nothing = summarise_scores([])
    assert {k for k, v in nothing.items() if v is None} == {
        "pq", "dice", "dice_inner", "iou", "dice_pooled", "iou_pooled", "boundary_px",
    }  # fmt: skip
    assert set(nothing.values()) == {0, None}
    only_false = summarise_scores([ImageScore(0, 3, 0, 0, 3, (0, 50, 0))])
    assert only_false["count_error"] == only_false["count_bias"] == 3
    assert (only_false["f1"], only_false["pq"], only_false["iou"], only_false["boundary_px"]) == (0, 0, 0, None)
    points = summarise_scores([ImageScore(1, 0, 0, 1, 1)])
    assert (points["f1"], points["ap50"], points["precision"], points["recall"], points["pq"]) == (1, 1, 1, 1, None)
    half = summarise_scores([ImageScore(0, 1, 0, 1, 1, (0, 5, 5), iou_sum=0.25)])
    assert half["pq"] == 0.25  # never divided by less than one


@pytest.mark.parametrize(
    ("truth", "predicted", "missed", "extra"),
    [
        # A predicted cell over exactly half of each of two, and over a little less.
        ([(10, 10, 10, 10), (10, 21, 10, 10)], [(10, 15, 10, 11)], {1: "joined", 2: "joined"}, {1: "joined"}),
        ([(10, 10, 10, 10), (10, 21, 10, 10)], [(11, 15, 10, 11)], {1: "missed", 2: "missed"}, {1: "false"}),
        # A true cell of 400 px half covered by two pieces, and a little less.
        ([(10, 10, 20, 20)], [(10, 10, 10, 10), (20, 20, 10, 10)], {1: "split"}, {1: "split", 2: "split"}),
        ([(10, 10, 20, 20)], [(10, 10, 10, 10), (20, 20, 9, 11)], {1: "missed"}, {1: "split", 2: "split"}),
        # A piece that lies half inside, and a little less.
        ([(10, 10, 20, 20)], [(10, 20, 10, 20)], {1: "missed"}, {1: "split"}),
        ([(10, 10, 20, 20)], [(10, 20, 10, 21)], {1: "missed"}, {1: "false"}),
        # Covered by one that fits badly.
        ([(10, 10, 10, 10)], [(5, 5, 20, 20)], {1: "loose outline"}, {1: "loose outline"}),
        ([(10, 10, 20, 20)], [(10, 10, 7, 20), (17, 12, 5, 60)], {1: "loose outline"}, {1: "split", 2: "false"}),
        # Cut cells are neither, the others are told by their own ids.
        ([(0, 10, 10, 10), (30, 30, 10, 10)], [(50, 60, 10, 20), (5, 60, 10, 10)], {2: "missed"}, {2: "false"}),
        ([(10, 10, 10, 10)], [(10, 10, 10, 10)], {}, {}),
    ],
)
def test_kinds_at_the_edge_of_mostly(truth, predicted, missed, extra):
    assert classify_errors(boxes(*truth), boxes(*predicted)) == (missed, extra)


def test_each_kind_is_counted_on_one_side():
    truth = boxes((10, 10, 10, 10), (10, 21, 10, 10), (30, 10, 10, 10), (50, 30, 5, 5), (30, 40, 20, 20))
    predicted = boxes((10, 15, 10, 11), (25, 5, 20, 20), (5, 50, 6, 6), (30, 40, 10, 10), (40, 50, 10, 10))
    assert count_errors(truth, predicted) == {"joined": 2, "loose outline": 1, "missed": 1, "false": 1, "split": 2}


def test_a_calibrated_score_is_the_logistic_of_slope_and_offset():
    curve = Calibration(slope=2.0, offset=-1.0)
    assert curve(np.array([0.5, 0.0, 1.0], np.float32)).tolist() == pytest.approx([0.5, 0.26894142, 0.73105858])
    assert curve(np.array([0.5], np.float32)).dtype == np.float32
    assert curve(np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize("right", ["some", "all", "none"])
def test_the_fitted_curve_is_the_most_likely_one(right):
    """There the gradient of the penalised likelihood is zero."""
    score = np.linspace(0.2, 0.95, 16)
    truth = {"some": score * 7 % 1 < score, "all": score > 0, "none": score < 0}[right]
    found = fit_calibration(score, truth)
    slack = truth - 1 / (1 + np.exp(-(found.slope * score + found.offset)))
    assert np.sum(slack * score) == pytest.approx(RIDGE * found.slope, abs=1e-8)
    assert np.sum(slack) == pytest.approx(RIDGE * found.offset, abs=1e-8)
    assert RIDGE == 0.001
    assert np.isfinite([found.slope, found.offset]).all()


@pytest.mark.parametrize(
    ("probability", "right", "bins", "error"),
    [
        ([1.0, 1.0], [1, 0], 10, 0.5),
        ([1.0, 0.95], [1, 1], 10, 0.025),  # 1 belongs to the last bin
        ([1.0, 0.89], [0, 1], 10, (1.0 + 0.11) / 2),  # and 0.89 to the one before
        ([0.19, 0.21], [0, 1], 10, (0.19 + 0.79) / 2),
        ([0.19, 0.21], [0, 1], 2, 0.3),  # one bin: |0.4 − 1| / 2
        ([0.2, 0.4], [0, 1], 5, (0.2 + 0.6) / 2),
        ([0.05], [1], 10, 0.95),
        ([0.9] * 9 + [0.1], [1] * 9 + [0], 10, (0.9 + 0.1) / 10),
    ],
)
def test_the_calibration_error_is_taken_bin_by_bin(probability, right, bins, error):
    assert calibration_error(np.array(probability), np.array(right, bool), bins) == pytest.approx(error)
    if bins == 10:
        assert calibration_error(np.array(probability), np.array(right, bool)) == pytest.approx(error)


def test_an_interval_of_one_image_is_its_value_and_counts_have_none():
    intervals = bootstrap([ONE])
    value = summarise_scores([ONE])
    assert set(intervals) == set(value) - {"images", "cells"}
    for name, (low, high) in intervals.items():
        assert low == high == pytest.approx(value[name])


def test_intervals_are_of_the_middle_95_percent_and_the_same_every_time():
    scores = [ImageScore(1, 0, 0, 1, 1)] * 5 + [ImageScore(1, 0, 0, 1, 2)]  # errors 0, 0, 0, 0, 0, 1
    found = bootstrap(scores)
    assert found["count_error"] == pytest.approx((0, 3 / 6))  # binomial: P(≤ 2) 0.938, P(≤ 3) 0.991
    assert found == bootstrap(scores)
    assert set(found) == {"f1", "ap50", "precision", "recall", "count_error", "count_bias"}  # no masks, no pixels


def test_draws_in_which_a_metric_is_unknown_are_left_out():
    lonely = [ImageScore(0, 0, 1, 1, 0, (0, 0, 9))] * 2 + [ImageScore(1, 0, 0, 1, 1, (9, 9, 9), boundary_px=[2.5])]
    assert bootstrap(lonely, 200)["boundary_px"] == (2.5, 2.5)


@pytest.mark.parametrize(
    ("low", "high", "beyond"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False), (0, 0.1, False), (-1, 0, False)],
)
def test_a_difference_is_beyond_noise_if_zero_lies_outside(low, high, beyond):
    assert Difference(0.05, low, high).beyond_noise is beyond


def test_differences_are_new_minus_old():
    found = paired_differences([ONE, ONE], [TWO, TWO], rounds=20)
    old, new = summarise_scores([ONE]), summarise_scores([TWO])
    assert set(found) == set(old) - {"images", "cells"}
    for name, difference in found.items():
        assert (difference.value, difference.low, difference.high) == pytest.approx((new[name] - old[name],) * 3)
    assert set(paired_differences([ImageScore(1, 0, 0, 1, 1)] * 2, [ONE] * 2, 5)) == {
        "f1", "ap50", "precision", "recall", "count_error", "count_bias",
    }  # fmt: skip
    assert paired_differences([], []) == {}
    with pytest.raises(ValueError, match="same images"):
        paired_differences([ONE], [])


def test_agreement_of_two_versions():
    a, b = boxes((0, 0, 10, 10), (20, 20, 10, 10), (40, 40, 10, 10)), boxes((0, 0, 10, 10), (20, 25, 10, 10))
    found = agreement(a, b)
    assert found.dice == pytest.approx(2 * 150 / 500)
    assert found.f1 == pytest.approx(2 * 1 / 5)
    assert found.count_difference == -1
    assert agreement(b, a).count_difference == 1
    nothing = np.zeros((5, 5), np.int32)
    assert (agreement(nothing, nothing).dice, agreement(nothing, nothing).f1) == (1, 1)
    assert agreement(nothing, boxes((0, 0, 3, 3), shape=(5, 5))).f1 == 0


def test_doubt_is_the_expected_share_of_mistakes():
    assert expected_error_share(np.array([0.9, 0.5]), 0) == pytest.approx(0.3)
    assert expected_error_share(np.array([0.9, 0.5]), 2) == pytest.approx(1.6 / 4)
    assert expected_error_share(np.zeros(0), 3) == 0.5
    assert expected_error_share(np.zeros(0), 0) == 0
