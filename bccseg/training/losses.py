"""The training loss and the two numbers that are watched with it."""

import torch
from torch import Tensor
from torch.nn import functional


def soft_dice(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 - Dice over the whole batch, soft (Milletari et al. 2016, doi 10.1109/3DV.2016.79). Scalar."""
    overlap = (weight * probability * target).sum()
    total = (weight * (probability.square() + target.square())).sum()
    return 1 - (2 * overlap + 1) / (total + 1)


def segmentation_loss(
    logits: Tensor, target: Tensor, weight: Tensor, dice_weight: float, distance_weight: float
) -> Tensor:
    """Cross entropy of every map, and soft Dice of the cell map. Scalar.

    logits, target: (B, C, H, W), channel 0 the cell map; target 0 to 1 (soft at cell edges).
    weight: (B, 1, H, W), 0 where the truth is not trusted.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    per_map = entropy.sum(dim=(0, 2, 3)) / weight.sum().clamp(min=1)  # (C,)
    loss = per_map[0] + distance_weight * per_map[1:].sum()
    if dice_weight:
        loss = loss + dice_weight * soft_dice(logits[:, 0].sigmoid(), target[:, 0], weight[:, 0])
    return loss


@torch.no_grad()
def overlap_counts(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Intersection, predicted and true pixels of the thresholded cell map: float64 (3,)."""
    trusted = weight[:, 0] > 0
    predicted, true = (logits[:, 0] > 0) & trusted, (target[:, 0] > 0.5) & trusted
    return torch.stack([(predicted & true).sum(), predicted.sum(), true.sum()]).double()


def dice_iou(counts: Tensor) -> tuple[float, float]:
    """Dice and IoU from summed `overlap_counts`; both 1 where there is no cell on either side."""
    inter, predicted, true = (float(c) for c in counts)
    if predicted + true == 0:
        return 1.0, 1.0
    return 2 * inter / (predicted + true), inter / (predicted + true - inter)
