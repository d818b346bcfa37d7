"""A picture of how far a training run is: crops the network has not learned from, its answer, the truth."""

from pathlib import Path

import torch
from torch import Tensor

MAX_ROWS = 4


def save_preview(path: Path, image: Tensor, logits: Tensor, target: Tensor) -> None:
    """Write a PNG, a crop a row: image, then each map as predicted and as it should be.

    image: (B, 1 or 3, H, W), white = 1. logits, target: (B, C, H, W).
    """
    from torchvision.utils import make_grid, save_image  # loads all of torchvision: seconds that a start need not wait

    rows = []
    for k in range(min(MAX_ROWS, len(image))):
        rows.append(image[k].expand(3, -1, -1).clamp(0, 1))
        for predicted, true in zip(logits[k].sigmoid(), target[k], strict=True):
            rows.extend(plane.expand(3, -1, -1) for plane in (predicted, true))
    columns = 1 + 2 * target.shape[1]
    temporary = path.with_suffix(".tmp.png")
    save_image(make_grid(torch.stack(rows), nrow=columns, padding=4, pad_value=1.0), temporary)
    temporary.replace(path)
