"""Training images as crops for the network: extracted, augmented, as tensors."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from bccseg.config import HEAD_CHANNELS, TrainConfig
from bccseg.imaging.normalise import normalise
from bccseg.training.augment import augment_appearance, flip_and_rotate
from bccseg.training.debris import add_debris
from bccseg.training.training_image import STORED_DIAMETER, TrainingImage

VALIDATION_CORNERS = ((0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.9, 0.9))  # shares of the image, top then left


class Crop(NamedTuple):
    """A square of a training image with its truth: float32, side S."""

    image: NDArray[np.float32]  # (S, S, 3), white = 1
    cell: NDArray[np.float32]  # (S, S), 0 to 1; so are the next two
    distance: NDArray[np.float32]
    trusted: NDArray[np.float32]


class Batch(NamedTuple):
    """What the loss needs of one crop, or of several with a first axis more; float32."""

    image: Tensor  # (channels, S, S)
    target: Tensor  # (maps, S, S)
    weight: Tensor  # (1, S, S), 0 where the truth is not trusted


def extract_crop(source: TrainingImage, corner: tuple[int, int], window: int, crop_px: int) -> Crop:
    """The square window at (y, x), `window` px wide, resized to `crop_px`.

    Beyond the image, pixels are mirrored and nothing is trusted.
    """
    rows, cols = slice(corner[0], corner[0] + window), slice(corner[1], corner[1] + window)
    below, right = max(0, rows.stop - source.image.shape[0]), max(0, cols.stop - source.image.shape[1])
    how = cv2.INTER_AREA if window > crop_px else cv2.INTER_LINEAR
    out = []
    for values in (source.image, source.cell, source.distance, source.trusted):
        view = values[rows, cols]
        if below or right:
            border = cv2.BORDER_REFLECT_101 if values is source.image else cv2.BORDER_CONSTANT
            view = cv2.copyMakeBorder(view, 0, below, 0, right, border, value=0)
        out.append(cv2.resize(view, (crop_px, crop_px), interpolation=how))
    return Crop(normalise(out[0], source.white), *(truth.astype(np.float32) / 255 for truth in out[1:]))


class CropDataset(Dataset):
    """Random crops by (epoch, index): each is always the same, since its randomness is seeded by (seed, epoch, index).

    base: images that `mix_share` of the crops are taken from instead.
    """

    def __init__(
        self, images: list[TrainingImage], config: TrainConfig, base: list[TrainingImage] | None = None
    ) -> None:
        self.images, self.config, self.base = images, config, base or []

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """One crop as tensors."""
        config, augment = self.config, self.config.augment
        rng = np.random.default_rng([config.seed, *key])
        images = self.base if self.base and rng.random() < config.mix_share else self.images
        source = images[rng.integers(len(images))]
        scale = np.exp(rng.uniform(np.log(augment.scale_min), np.log(augment.scale_max)))
        window = round(config.crop_px * STORED_DIAMETER / scale)
        h, w = source.image.shape[:2]
        corner = (int(rng.integers(max(1, h - window + 1))), int(rng.integers(max(1, w - window + 1))))
        crop = Crop(*flip_and_rotate(extract_crop(source, corner, window, config.crop_px), augment, rng))
        image = crop.image
        if augment.debris_share and rng.random() < augment.debris_share:
            image = add_debris(image, crop.cell, config.diameter_px * scale, rng)
        return as_tensors(crop._replace(image=augment_appearance(image, augment, rng)), config)


def as_tensors(crop: Crop, config: TrainConfig) -> Batch:
    """A crop for the network of `config`: its channels, and the maps of its head."""
    image = crop.image.mean(axis=2, keepdims=True) if config.network.in_channels == 1 else crop.image
    maps = [getattr(crop, name) for name in HEAD_CHANNELS[config.network.head]]
    arrays = image.transpose(2, 0, 1), np.stack(maps), crop.trusted[None]
    return Batch(*(torch.from_numpy(np.ascontiguousarray(values)) for values in arrays))


def validation_batches(images: list[TrainingImage], config: TrainConfig) -> Iterator[Batch]:
    """Fixed, unaugmented crops of every image, a batch an image."""
    window = round(config.crop_px * STORED_DIAMETER)
    for source in images:
        h, w = source.image.shape[:2]
        corners = [(round(y * max(0, h - window)), round(x * max(0, w - window))) for y, x in VALIDATION_CORNERS]
        crops = [as_tensors(extract_crop(source, corner, window, config.crop_px), config) for corner in corners]
        yield Batch(*(torch.stack(tensors) for tensors in zip(*crops, strict=True)))
