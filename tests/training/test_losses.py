"""How the answer of the network is scored, in numbers worked out by hand."""

import math

import pytest
import torch

from bccseg.classes import DEFAULT_CLASSES
from bccseg.config import NetworkConfig, TrainConfig
from bccseg.training.losses import (
    SMALL_WEIGHT,
    SMOOTH_BELOW,
    class_counts,
    class_loss,
    dice_iou,
    overlap_counts,
    segmentation_loss,
    soft_dice,
)


def maps(*planes):
    return torch.tensor([planes], dtype=torch.float32)


def loss(logits, target, weight, dice_weight, distance_weight, head="cell_distance", **weights):
    network = NetworkConfig(head="binary" if logits.shape[1] == 1 else head)
    config = TrainConfig(network=network, dice_weight=dice_weight, distance_weight=distance_weight, **weights)
    return segmentation_loss(logits, target, weight, config)


def test_the_loss_is_cross_entropy_of_trusted_pixels_and_dice_of_the_cell_map():
    logits = maps([[0.0, 2.0]], [[-1.0, 0.5]])  # (1, 2, 1, 2)
    target, weight = maps([[1.0, 0.0]], [[0.25, 0.0]]), maps([[1.0, 0.0]])
    cell = math.log(2)
    distance = math.log(1 + math.exp(-1)) + 0.25  # softplus(-1) - 0.25 * -1
    assert loss(logits, target, weight, 0, 0).item() == pytest.approx(cell)
    assert loss(logits, target, weight, 0, 0.5).item() == pytest.approx(cell + 0.5 * distance)
    dice = 1 - (2 * 0.5 + 1) / (0.25 + 1 + 1)
    assert soft_dice(maps([[0.5]]), maps([[1.0]]), maps([[1.0]])).item() == pytest.approx(dice)
    assert loss(logits, target, weight, 2, 0).item() == pytest.approx(cell + 2 * dice)
    both = loss(logits, target, torch.ones(1, 1, 1, 2), 0, 0).item()
    assert both == pytest.approx((cell + math.log(1 + math.exp(2))) / 2)
    assert loss(logits, target, weight * 0, 0, 1).item() == 0  # nothing is trusted
    binary = loss(logits[:, :1], target[:, :1], weight, 0, 1).item()
    assert binary == pytest.approx(cell)


def test_overlap_is_counted_on_trusted_pixels():
    logits, target = maps([[1.0, 1.0, -1.0, 0.0, 3.0]]), maps([[0.6, 0.5, 1.0, 1.0, 1.0]])
    weight = maps([[1.0, 1.0, 1.0, 0.5, 0.0]])
    counts = overlap_counts(logits, target, weight)
    assert counts.dtype == torch.int64
    assert counts.tolist() == [1, 2, 3]
    assert dice_iou(counts) == pytest.approx((2 / 5, 1 / 4))
    assert dice_iou(torch.zeros(3)) == (1.0, 1.0)
    assert dice_iou(torch.tensor([0.0, 0.0, 4.0])) == (0.0, 0.0)


def test_a_batch_is_scored_as_one_picture_and_each_map_by_itself():
    logits = torch.tensor([0.0, 1.0, -2.0, 3.0, 0.5, -0.5, 2.0, -1.0]).reshape(2, 2, 1, 2)  # two images, two maps
    target = torch.tensor([1.0, 0.5, 0.0, 1.0, 0.0, 1.0, 0.25, 0.0]).reshape(2, 2, 1, 2)
    weight = torch.tensor([1.0, 0.5, 1.0, 0.0]).reshape(2, 1, 1, 2)

    def entropy(x, y):
        return math.log(1 + math.exp(x)) - x * y

    cell = (entropy(0, 1) + 0.5 * entropy(1, 0.5) + entropy(0.5, 0)) / 2.5
    distance = (entropy(-2, 0) + 0.5 * entropy(3, 1) + entropy(2, 0.25)) / 2.5
    p, q = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-0.5))
    overlap = 0.5 * 1 + 0.5 * p * 0.5 + q * 0
    dice = 1 - (2 * overlap + 1) / (0.25 + 1 + 0.5 * (p * p + 0.25) + q * q + 1)
    assert loss(logits, target, weight, 0, 0).item() == pytest.approx(cell)
    assert loss(logits, target, weight, 0.3, 0.7).item() == pytest.approx(cell + 0.7 * distance + 0.3 * dice)


def test_maps_of_shape_count_by_their_absolute_error_where_it_is_known():
    probabilities = torch.zeros(1, 2, 1, 2)
    way, spread = torch.tensor([[[0.5, 9.0]], [[-0.1, 9.0]]]), torch.tensor([[[1.0, 0.2]], [[0.0, 0.0]], [[0.0, 0.01]]])
    logits = torch.cat([probabilities, torch.zeros(1, 5, 1, 2)], dim=1)
    target = torch.cat([probabilities, torch.cat([way, spread])[None]], dim=1)
    weight = torch.ones(1, 7, 1, 2)
    weight[:, 2:4, :, 1] = 0  # the second pixel's way is not known
    base = loss(logits, target, weight, 0, 0, "cell_shape", centre_weight=0, spread_weight=0).item()
    assert base == pytest.approx(math.log(2))

    def error(value):  # absolute, and by the square where it is small
        return value - SMOOTH_BELOW / 2 if value > SMOOTH_BELOW else value**2 / SMOOTH_BELOW / 2

    found = loss(logits, target, weight, 0, 0, "cell_shape", centre_weight=3, spread_weight=0).item() - base
    assert found == pytest.approx(3 * (error(0.5) + error(0.1)), rel=1e-4)
    found = loss(logits, target, weight, 0, 0, "cell_shape", centre_weight=0, spread_weight=2).item() - base
    assert found == pytest.approx(2 * (error(1.0) + error(0.2) + error(0.01)) / 2, rel=1e-4)


def test_less_than_one_trusted_pixel_counts_as_little_as_it_is():
    logits, target = torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1, 2)
    half = maps([[0.5, 0.0]])
    assert loss(logits, target, half, 0, 0).item() == pytest.approx(0.5 * math.log(2))
    assert loss(logits, target, 3 * half, 0, 0).item() == pytest.approx(math.log(2))


def test_without_cells_on_either_side_soft_dice_is_zero():
    nothing, one = torch.zeros(1, 2, 2), torch.ones(1, 2, 2)
    assert soft_dice(nothing, nothing, one).item() == 0
    assert soft_dice(one, one, one).item() == 0
    assert soft_dice(one, nothing, one).item() == pytest.approx(1 - 1 / 5)
    assert soft_dice(one, nothing, 0 * one).item() == 0


def test_counts_carry_no_gradient_and_are_of_the_cell_map():
    logits = maps([[1.0, -1.0]], [[9.0, 9.0]]).requires_grad_()
    counts = overlap_counts(logits, maps([[1.0, 1.0]], [[0.0, 0.0]]), torch.ones(1, 1, 1, 2))
    assert counts.tolist() == [1, 1, 2]
    assert not counts.requires_grad
    assert dice_iou(torch.tensor([3.0, 3.0, 3.0])) == (1.0, 1.0)
    assert dice_iou(torch.tensor([0.0, 1.0, 0.0])) == (0.0, 0.0)
    assert dice_iou(torch.tensor([2.0, 3.0, 5.0])) == pytest.approx((0.5, 1 / 3))


CLASSES = TrainConfig(network=NetworkConfig(classes=3), classes=DEFAULT_CLASSES)


def test_class_loss_asks_for_the_possible_classes_together():
    logits = torch.zeros(1, 4, 1, 5)  # none, red, white, platelet: each 1/4
    only_red, red_or_white, none_or_platelet, anything, unknown = 0b0010, 0b0110, 0b1001, 0b1111, 0
    possible = torch.tensor([[[only_red, red_or_white, none_or_platelet, anything, unknown]]]).float()
    loss = class_loss(logits, possible, torch.ones(1, 1, 5), CLASSES)
    assert loss.item() == pytest.approx((math.log(4) + 2 * math.log(2) + 0) / 4, abs=1e-5)
    weight = torch.tensor([[[1.0, 0, 0, 0, 1]]])
    assert class_loss(logits, possible, weight, CLASSES).item() == pytest.approx(math.log(4), abs=1e-5)
    assert class_loss(logits, possible, weight * 0, CLASSES).item() == 0


def test_pixels_of_small_classes_weigh_more():
    logits = torch.zeros(1, 4, 1, 2)
    logits[0, 3, 0, 0] = 20  # the platelet is found, the red cell is not
    possible = torch.tensor([[[0b1000, 0b0010]]]).float()
    loss = class_loss(logits, possible, torch.ones(1, 1, 2), CLASSES)
    assert loss.item() == pytest.approx(math.log(4) / (1 + SMALL_WEIGHT), abs=1e-4)


def test_the_class_loss_is_added_by_its_weight():
    logits, target, weight = torch.zeros(1, 6, 1, 1), torch.zeros(1, 3, 1, 1), torch.ones(1, 1, 1, 1)
    target[0, 2] = 0b0010
    without = segmentation_loss(logits, target, weight, CLASSES.replace(class_weight=0))
    with_classes = segmentation_loss(logits, target, weight, CLASSES.replace(class_weight=2))
    assert (with_classes - without).item() == pytest.approx(2 * math.log(4), abs=1e-5)


def test_pixels_of_known_classes_are_counted_by_what_they_are_and_were_told_to_be():
    config = TrainConfig(network=NetworkConfig(head="binary", classes=2), classes=DEFAULT_CLASSES[:2])
    possible = torch.tensor(
        [[[0b001, 0b010, 0b100, 0b110, 0, 0b100]]]
    )  # none, red, white, red or white, unknown, white
    target = torch.cat([torch.zeros(1, 1, 1, 6), possible[:, None].float()], dim=1)
    weight = torch.ones(1, 2, 1, 6)
    weight[..., 5] = 0  # not trusted
    told = torch.tensor([0, 1, 1, 2, 2, 2])
    logits = torch.cat([torch.zeros(1, 1, 1, 6), torch.nn.functional.one_hot(told, 3).T[None, :, None].float()], dim=1)
    assert class_counts(logits, target, weight, config).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
