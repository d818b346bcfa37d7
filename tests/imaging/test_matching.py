import numpy as np
import pytest

from bccseg.imaging.matching import match, outline_distance, overlaps, score_mask, score_points, summarise_scores


def square(*boxes, shape=(100, 100)):
    """Squares (top, left, side) as labels."""
    labels = np.zeros(shape, np.int32)
    for k, (y, x, side) in enumerate(boxes, start=1):
        labels[y : y + side, x : x + side] = k
    return labels


def test_iou_of_moved_squares():
    truth, predicted = square((20, 20, 30)), square((20, 30, 30))
    assert overlaps(truth, predicted)[2] == pytest.approx([20 / 40])
    assert match(truth, predicted) == [(1, 1, 0.5)]
    assert match(truth, square((20, 31, 30))) == []
    assert all(len(part) == 0 for part in overlaps(truth, np.zeros_like(truth)))


def test_scores_of_a_known_picture():
    truth = square((10, 10, 20), (10, 50, 20), (50, 10, 20), (70, 70, 30))  # the last touches the border
    predicted = square((10, 10, 20), (10, 55, 20), (60, 50, 8), (0, 90, 9))  # hit, hit 0.6, false, cut
    score = score_mask(predicted, truth > 0)
    assert (score.matched, score.false, score.missed) == (2, 1, 1)
    assert (score.true_inside, score.predicted_inside) == (3, 3)
    assert score.iou_sum == pytest.approx(1 + 15 / 25)
    assert score.dice == pytest.approx(2 * (400 + 300) / (3 * 400 + 900 + 2 * 400 + 64 + 81))
    assert score.dice_inner == pytest.approx(2 * 700 / (1200 + 864))
    result = summarise_scores([score])
    assert result["f1"] == pytest.approx(4 / 6)
    assert result["ap50"] == pytest.approx(2 / 4)
    assert result["pq"] == pytest.approx(1.6 / 3)
    assert result["count_error"] == 0
    assert result["precision"] == result["recall"] == pytest.approx(2 / 3)
    assert result["iou"] == result["iou_pooled"] == pytest.approx(700 / (2100 + 945 - 700))
    assert result["dice_pooled"] == pytest.approx(2 * 700 / (2100 + 945))
    assert result["count_bias"] == 0


def test_specks_are_no_cells():
    score = score_mask(np.zeros((100, 100), np.int32), square((10, 10, 17)) > 0)  # 289 px
    assert score.missed == 0
    assert score_mask(np.zeros((100, 100), np.int32), square((10, 10, 18)) > 0).missed == 1


def test_outline_distance():
    a, b = square((20, 20, 31)) > 0, square((22, 22, 27)) > 0  # two px inside
    assert outline_distance(a, a) == 0
    assert outline_distance(a, b) == pytest.approx(2.0, abs=0.05)


def test_points():
    predicted = square((10, 10, 20), (50, 50, 20), (70, 10, 10), (0, 80, 10))
    points = np.array([[15, 15], [20, 20], [60.4, 59.6], [95, 95], [85, 5]])
    score = score_points(predicted, points)
    assert (score.matched, score.missed, score.false) == (3, 2, 1)
    assert (score.true_inside, score.predicted_inside) == (4, 3)
    result = summarise_scores([score])
    assert result["count_error"] == pytest.approx(1 / 4)
    assert result["count_bias"] == pytest.approx(-1 / 4)
    assert result["dice"] is result["pq"] is None


def test_no_images_and_no_cells():
    assert summarise_scores([])["f1"] == 0
    empty = score_mask(np.zeros((9, 9), np.int32), np.zeros((9, 9), bool))
    assert summarise_scores([empty])["boundary_px"] is None
