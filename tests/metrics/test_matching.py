import json
from pathlib import Path

import numpy as np
import pytest

from bccseg.metrics.matching import match, outline_distance, overlaps, score_mask, score_points, summarise_scores


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
    assert (score.tp, score.fp, score.fn) == (2, 1, 1)
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
    assert score.fn == 0
    assert score_mask(np.zeros((100, 100), np.int32), square((10, 10, 18)) > 0).fn == 1


def test_outline_distance():
    a, b = square((20, 20, 31)) > 0, square((22, 22, 27)) > 0  # two px inside
    assert outline_distance(a, a) == 0
    assert outline_distance(a, b) == pytest.approx(2.0, abs=0.05)


def test_points():
    predicted = square((10, 10, 20), (50, 50, 20), (70, 10, 10), (0, 80, 10))
    points = np.array([[15, 15], [20, 20], [60.4, 59.6], [95, 95], [85, 5]])
    score = score_points(predicted, points)
    assert (score.tp, score.fn, score.fp) == (3, 2, 1)
    assert (score.true_inside, score.predicted_inside) == (4, 3)
    result = summarise_scores([score])
    assert result["count_error"] == pytest.approx(1 / 4)
    assert result["count_bias"] == pytest.approx(-1 / 4)
    assert result["dice"] is result["pq"] is None


def test_no_images_and_no_cells():
    assert summarise_scores([])["f1"] == 0
    empty = score_mask(np.zeros((9, 9), np.int32), np.zeros((9, 9), bool))
    assert summarise_scores([empty])["boundary_px"] is None


@pytest.mark.parametrize("truth", ["masks", "points"])
def test_the_numbers_are_those_of_an_independent_scorer(truth):
    """scored.npz holds what the shipped network made of three blurred, noisy smears (many cells missed, some false,
    some joined), and scored.json what another program, which shares no code with this one, said of it.
    """
    here = Path(__file__).parent
    expected = json.loads((here / "scored.json").read_text())[truth]
    with np.load(here / "scored.npz") as stored:
        scores = []
        for k in range(3):
            predicted = stored[f"predicted{k}"].astype(np.int32)
            if truth == "masks":
                mask = np.unpackbits(stored[f"mask{k}"])[: predicted.size].reshape(predicted.shape) > 0
                scores.append(score_mask(predicted, mask))
            else:
                scores.append(score_points(predicted, stored[f"points{k}"].astype(float)))
    found = summarise_scores(scores)
    found["count_mape"] = found["count_error"]
    assert 0.3 < expected["f1"] < 0.7  # plenty of errors of every kind
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=5.1e-5)  # it rounds to 4 digits
