"""The training loss and the two numbers that are watched with it."""

import torch
from torch import Tensor
from torch.nn import functional

from bccseg.config import HEAD_CHANNELS, PROBABILITY_MAPS, TrainConfig

SMOOTH_BELOW = 0.02  # smaller errors of the shape maps count by their square
SMALL_WEIGHT = 8  # of a pixel of a small class: few pixels decide whether a platelet is found


def soft_dice(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 - Dice over the whole batch, soft (Milletari et al. 2016, doi 10.1109/3DV.2016.79). Scalar."""
    overlap = (weight * probability * target).sum()
    total = (weight * (probability.square() + target.square())).sum()
    return 1 - (2 * overlap + 1) / (total + 1)


def segmentation_loss(logits: Tensor, target: Tensor, weight: Tensor, config: TrainConfig) -> Tensor:
    """What the network is to make small. Scalar.

    logits: (B, C, H, W), the head's maps and, if it tells classes apart, those of the classes. target: (B, T, H, W),
    the head's maps and, for all classes, one of possible classes (`class_loss`). weight: (B, T or 1, H, W), 0 where
    the truth is not trusted.
    """
    weight, maps = weight.expand_as(target), config.network.maps
    if config.learn == "classes":
        return class_loss(logits[:, maps:], target[:, maps], weight[:, maps], config)
    loss = map_loss(logits[:, :maps], target[:, :maps], weight[:, :maps], config)
    if config.network.classes:
        loss = loss + config.class_weight * class_loss(logits[:, maps:], target[:, maps], weight[:, maps], config)
    return loss


def class_loss(logits: Tensor, possible: Tensor, weight: Tensor, config: TrainConfig) -> Tensor:
    """Cross entropy over the classes where only some may be known to be possible. Scalar.

    logits: (B, 1 + classes, H, W), "none of them" first. possible: (B, H, W), whole numbers whose bit k says that the
    k-th may be true; 0: nothing is known. The probability of all possible ones together is to be 1, so that outlines
    without classes, and classes of which not every cell is marked, teach what they say and no more. weight: (B, H, W).
    """
    bits = torch.arange(logits.shape[1], device=logits.device)[:, None, None]
    may = (possible.long()[:, None] >> bits) & 1 > 0
    wrong = logits.logsumexp(dim=1) - logits.masked_fill(~may, -1e4).logsumexp(dim=1)
    small = sum(1 << k for k, one in enumerate(config.classes, start=1) if one.small)
    weight = weight * (possible > 0)
    weight = torch.where((possible.long() & ~small) == 0, weight * SMALL_WEIGHT, weight)
    return (wrong * weight).sum() / weight.sum().clamp(min=1)


def map_loss(logits: Tensor, target: Tensor, weight: Tensor, config: TrainConfig) -> Tensor:
    """Cross entropy of the probability maps, soft Dice of the cell map, absolute error of the shape maps. Scalar.

    logits, target, weight: (B, C, H, W), in the order of the head's maps; probabilities 0 to 1 (soft at cell edges).
    """
    trusted = weight.sum(dim=(0, 2, 3)).clamp(min=1)  # (C,)
    n = sum(name in PROBABILITY_MAPS for name in HEAD_CHANNELS[config.network.head])
    entropy = functional.binary_cross_entropy_with_logits(logits[:, :n], target[:, :n], reduction="none")
    per_map = (entropy * weight[:, :n]).sum(dim=(0, 2, 3)) / trusted[:n]
    loss = per_map[0] + config.distance_weight * per_map[1:].sum()
    if config.dice_weight:
        loss = loss + config.dice_weight * soft_dice(logits[:, 0].sigmoid(), target[:, 0], weight[:, 0])
    if logits.shape[1] > n:
        error = functional.smooth_l1_loss(logits[:, n:], target[:, n:], reduction="none", beta=SMOOTH_BELOW)
        per_map = (error * weight[:, n:]).sum(dim=(0, 2, 3)) / trusted[n:]
        loss = loss + config.centre_weight * per_map[:2].sum() + config.spread_weight * per_map[2:].sum()
    return loss


@torch.no_grad()
def overlap_counts(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Intersection, predicted and true pixels of the thresholded cell map: int64 (3,)."""
    trusted = weight[:, 0] > 0
    predicted, true = (logits[:, 0] > 0) & trusted, (target[:, 0] > 0.5) & trusted
    return torch.stack([(predicted & true).sum(), predicted.sum(), true.sum()])


def dice_iou(counts: Tensor) -> tuple[float, float]:
    """Dice and IoU from summed `overlap_counts`; both 1 where there is no cell on either side."""
    inter, predicted, true = (float(c) for c in counts)
    if predicted + true == 0:
        return 1.0, 1.0
    return 2 * inter / (predicted + true), inter / (predicted + true - inter)


@torch.no_grad()
def class_counts(logits: Tensor, target: Tensor, weight: Tensor, config: TrainConfig) -> Tensor:
    """Pixels whose class is known, by what they are (rows) and what they are told to be: int64 (1 + C, 1 + C).

    "None of them" comes first. Arguments as of `segmentation_loss`, for a network with classes.
    """
    maps, n = config.network.maps, 1 + config.network.classes
    possible, trusted = target[:, maps].long(), weight.expand_as(target)[:, maps] > 0
    one = (possible > 0) & (possible & (possible - 1) == 0) & trusted  # a power of two: a single class
    true = torch.log2(possible[one].double()).round().long()
    told = logits[:, maps:].argmax(dim=1)[one]
    return torch.bincount(true * n + told, minlength=n * n).reshape(n, n)
