"""What the network should answer and how its answer is scored, in numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch

from bccseg.training.losses import dice_iou, overlap_counts, segmentation_loss, soft_dice
from bccseg.training.targets import distance_target, trusted_pixels


def test_the_distance_of_a_square_falls_from_its_middle_to_its_edge():
    labels = np.zeros((9, 9), np.int32)
    labels[2:7, 2:7] = 4  # ids need not begin at 1
    out = distance_target(labels)
    assert out.dtype == np.float32
    assert (out[labels == 0] == 0).all()
    assert out[4, 2:7].tolist() == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])
    assert out[2, 2:7].tolist() == pytest.approx([1 / 3] * 5)


def test_touching_cells_have_a_valley_between_them_and_each_its_own_peak():
    labels = np.zeros((9, 14), np.int32)
    labels[2:7, 2:7], labels[2:7, 7:10] = 1, 2
    out = distance_target(labels)
    assert out[4, 2:10].tolist() == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0.5, 1, 0.5])


@pytest.mark.parametrize("turns", range(4))
def test_a_cell_cut_by_the_border_goes_on_beyond_it(turns):
    labels = np.zeros((9, 9), np.int32)
    labels[2:7, :3] = 1
    out = np.rot90(distance_target(np.rot90(labels, turns)), -turns)
    assert out[4, :4].tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])  # highest at the border
    corner = np.zeros((9, 9), np.int32)
    corner[:3, :3] = 1
    out = np.rot90(distance_target(np.rot90(corner, turns)), -turns)
    assert out[0, :4].tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert out[2, 2] == pytest.approx(1 / 3)


def test_background_near_the_border_is_not_trusted():
    labels = np.zeros((40, 50), np.int32)
    labels[0:6, 10:16], labels[20:26, 20:26] = 1, 2
    trusted = trusted_pixels(labels, 8.0)
    assert trusted[8:-8, 8:-8].all()
    assert trusted[labels > 0].all()
    assert not trusted[:8, :9].any()
    assert not trusted[-8:].any()
    assert not trusted[:, -8:].any()
    assert trusted[0:6, 9:17].all()  # a ring of an eighth of the band around a cut cell
    assert trusted[6, 10:16].all()
    assert not trusted[0, 8]
    assert not trusted[7, 10]
    assert trusted_pixels(labels, 0.4).all()
    wide = trusted_pixels(labels, 16.0)
    assert wide[0, 8]
    assert not wide[0, 7]


def maps(*planes):
    return torch.tensor([planes], dtype=torch.float32)


def test_the_loss_is_cross_entropy_of_trusted_pixels_and_dice_of_the_cell_map():
    logits = maps([[0.0, 2.0]], [[-1.0, 0.5]])  # (1, 2, 1, 2)
    target, weight = maps([[1.0, 0.0]], [[0.25, 0.0]]), maps([[1.0, 0.0]])
    cell = math.log(2)
    distance = math.log(1 + math.exp(-1)) + 0.25  # softplus(-1) - 0.25 * -1
    assert segmentation_loss(logits, target, weight, 0, 0).item() == pytest.approx(cell)
    assert segmentation_loss(logits, target, weight, 0, 0.5).item() == pytest.approx(cell + 0.5 * distance)
    dice = 1 - (2 * 0.5 + 1) / (0.25 + 1 + 1)
    assert soft_dice(maps([[0.5]]), maps([[1.0]]), maps([[1.0]])).item() == pytest.approx(dice)
    assert segmentation_loss(logits, target, weight, 2, 0).item() == pytest.approx(cell + 2 * dice)
    both = segmentation_loss(logits, target, torch.ones(1, 1, 1, 2), 0, 0).item()
    assert both == pytest.approx((cell + math.log(1 + math.exp(2))) / 2)
    assert segmentation_loss(logits, target, weight * 0, 0, 1).item() == 0  # nothing is trusted
    binary = segmentation_loss(logits[:, :1], target[:, :1], weight, 0, 1).item()
    assert binary == pytest.approx(cell)


def test_overlap_is_counted_on_trusted_pixels():
    logits, target = maps([[1.0, 1.0, -1.0, 0.0, 3.0]]), maps([[0.6, 0.5, 1.0, 1.0, 1.0]])
    weight = maps([[1.0, 1.0, 1.0, 0.5, 0.0]])
    counts = overlap_counts(logits, target, weight)
    assert counts.dtype == torch.float64
    assert counts.tolist() == [1, 2, 3]
    assert dice_iou(counts) == pytest.approx((2 / 5, 1 / 4))
    assert dice_iou(torch.zeros(3)) == (1.0, 1.0)
    assert dice_iou(torch.tensor([0.0, 0.0, 4.0])) == (0.0, 0.0)
