"""Scores against boxes, in numbers counted by hand."""

import numpy as np
import pytest

from bccseg.metrics.boxes import box_iou, label_boxes, match_boxes, score_boxes


def test_a_cell_has_the_box_of_its_pixels():
    labels = np.zeros((20, 30), np.int32)
    labels[3:7, 10:19], labels[12, 5] = 1, 4
    ids, boxes = label_boxes(labels)
    assert ids.tolist() == [1, 4]
    assert boxes.tolist() == [[10, 3, 19, 7], [5, 12, 6, 13]]
    assert label_boxes(labels * 0)[1].shape == (0, 4)


def test_overlap_of_boxes():
    a = np.array([[0, 0, 10, 10], [20, 20, 30, 40]], float)
    b = np.array([[5, 0, 15, 10], [0, 0, 10, 10], [50, 50, 51, 51]], float)
    assert box_iou(a, b) == pytest.approx(np.array([[50 / 150, 1, 0], [0, 0, 0]]))


def test_the_best_pairs_are_found_together():
    found = np.array([[0, 0, 10, 10], [3, 0, 13, 10]], float)
    true = np.array([[2, 0, 12, 10], [5, 0, 15, 10]], float)  # the first would suit both
    rows, cols = match_boxes(found, true)
    assert (rows.tolist(), cols.tolist()) == ([0, 1], [0, 1])
    assert len(match_boxes(found, true[:0])[0]) == 0


def test_hits_misses_and_what_lies_at_the_border():
    labels = np.zeros((100, 100), np.int32)
    labels[20:40, 20:40] = 1  # hit
    labels[60:80, 20:40] = 2  # false
    labels[2:20, 60:80] = 3  # false, but at the border
    true = np.array([[20, 20, 42, 40], [60, 60, 80, 80], [3, 60, 20, 80]], float)  # hit, missed, at the border
    score = score_boxes(labels, true)
    assert (score.tp, score.fp, score.fn) == (1, 1, 1)
    assert (score.predicted_inside, score.true_inside) == (2, 2)
    labels[5:20, 60:80], labels[2:5] = 3, 0
    assert score_boxes(labels, true).predicted_inside == 3
    nothing = score_boxes(labels * 0, true)
    assert (nothing.tp, nothing.fp, nothing.fn) == (0, 0, 2)
    assert score_boxes(labels, true[:0]).fp == 3
