"""Images with masks, ready for the network: read, scaled to one cell diameter, cut into random crops."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from bccseg.config import TrainConfig
from bccseg.imaging.normalise import normalise
from bccseg.training.augment import augment_appearance, flip_and_rotate
from bccseg.training.debris import add_debris
from bccseg.training.training_image import STORED_DIAMETER, TrainingImage

VALIDATION_CORNERS = ((0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.9, 0.9))  # shares of the field, top then left


def extract_crop(source: TrainingImage, corner: tuple[int, int], window: int, crop_px: int) -> NDArray[np.float32]:
    """The square window at (y, x) resized to crop_px: float32 (crop_px, crop_px, 6).

    Channels: RGB with white = 1, then cell, distance, trusted, 0 to 1. Beyond the field the image is
    mirrored and nothing is trusted.
    """
    y, x = corner
    h, w = source.image.shape[:2]
    image, planes = source.image[y : y + window, x : x + window], source.planes[y : y + window, x : x + window]
    pad_y, pad_x = max(0, y + window - h), max(0, x + window - w)
    if pad_y or pad_x:
        image = cv2.copyMakeBorder(image, 0, pad_y, 0, pad_x, cv2.BORDER_REFLECT_101)
        planes = cv2.copyMakeBorder(planes, 0, pad_y, 0, pad_x, cv2.BORDER_CONSTANT, value=0)
    how = cv2.INTER_AREA if window > crop_px else cv2.INTER_LINEAR
    small = [cv2.resize(part, (crop_px, crop_px), interpolation=how) for part in (image, planes)]
    return np.concatenate([normalise(small[0], source.white), small[1].astype(np.float32) / 255], axis=-1)


class CropDataset(Dataset):
    """Crop i of epoch e is always the same: its randomness is seeded by (seed, e, i).

    One epoch long, from 0; indices beyond its end are crops of the epochs that follow. base: fields that `mix_share`
    of the crops are taken from instead.
    """

    def __init__(
        self, images: list[TrainingImage], config: TrainConfig, epoch: int, base: list[TrainingImage] | None = None
    ) -> None:
        self.images, self.config, self.epoch, self.base = images, config, epoch, base or []

    def __len__(self) -> int:
        return self.config.steps_per_epoch * self.config.batch_size

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Image (C, S, S), target (maps, S, S), weight (1, S, S); float32."""
        config, augment = self.config, self.config.augment
        later, index = divmod(index, len(self))
        rng = np.random.default_rng([config.seed, self.epoch + later, index])
        images = self.base if self.base and rng.random() < config.mix_share else self.images
        source = images[rng.integers(len(images))]
        scale = np.exp(rng.uniform(np.log(augment.scale_min), np.log(augment.scale_max)))
        window = round(config.crop_px * STORED_DIAMETER / scale)
        h, w = source.image.shape[:2]
        corner = (int(rng.integers(max(1, h - window + 1))), int(rng.integers(max(1, w - window + 1))))
        planes = flip_and_rotate(extract_crop(source, corner, window, config.crop_px), augment, rng)
        image = planes[..., :3]
        if augment.debris_share and rng.random() < augment.debris_share:
            image = add_debris(image, planes[..., 3], config.diameter_px * scale, rng)
        return as_tensors(augment_appearance(image, augment, rng), planes[..., 3:], config)


def as_tensors(
    image: NDArray[np.float32], planes: NDArray[np.float32], config: TrainConfig
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Channel-first tensors for the network of `config`: image, target, weight."""
    if config.network.in_channels == 1:
        image = image.mean(axis=2, keepdims=True)
    maps = planes[..., : config.network.out_channels]
    return tuple(
        torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1))) for part in (image, maps, planes[..., 2:3])
    )


def validation_batches(
    images: list[TrainingImage], config: TrainConfig
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Fixed, unaugmented crops of every field, a batch a field."""
    window = round(config.crop_px * STORED_DIAMETER)
    for source in images:
        h, w = source.image.shape[:2]
        corners = [(round(y * max(0, h - window)), round(x * max(0, w - window))) for y, x in VALIDATION_CORNERS]
        crops = [extract_crop(source, corner, window, config.crop_px) for corner in corners]
        tensors = [as_tensors(crop[..., :3], crop[..., 3:], config) for crop in crops]
        yield tuple(torch.stack(parts) for parts in zip(*tensors, strict=True))
