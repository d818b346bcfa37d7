"""Training images as crops for the network: extracted, augmented, as tensors."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from bccseg.config import HEAD_CHANNELS, PROBABILITY_MAPS, AugmentConfig, TrainConfig
from bccseg.imaging.cell_shape import CellShapes
from bccseg.imaging.label_image import Labels
from bccseg.imaging.normalise import normalise
from bccseg.imaging.resize import resize_labels
from bccseg.training.augment import augment_appearance, random_turn
from bccseg.training.debris import add_debris
from bccseg.training.overlap import add_overlaps
from bccseg.training.targets import shape_maps
from bccseg.training.training_image import STORED_DIAMETER, TrainingImage

DEBRIS_SEEN = 0.03  # change of brightness that counts as debris
VALIDATION_CORNERS = ((0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.9, 0.9))  # shares of the image, top then left


class Crop(NamedTuple):
    """A square of a training image with its truth, side S; maps are float32."""

    image: NDArray[np.float32]  # (S, S, 3), white = 1
    cell: NDArray[np.float32]  # (S, S), 0 to 1; so are the next two
    distance: NDArray[np.float32]
    trusted: NDArray[np.float32]
    labels: Labels  # int32 (S, S)
    possible: NDArray[np.uint32]  # (S, S), see `losses.class_loss`
    shapes: CellShapes  # of the ids in `labels`, in px of the crop


class Batch(NamedTuple):
    """What the loss needs of one crop, or of several with a first axis more; float32."""

    image: Tensor  # (channels, S, S)
    target: Tensor  # (maps, S, S)
    weight: Tensor  # (maps or 1, S, S), 0 where the truth is not trusted


def extract_crop(source: TrainingImage, corner: tuple[int, int], window: int, crop_px: int) -> Crop:
    """The square window at (y, x), `window` px wide, resized to `crop_px`.

    Beyond the image, pixels are mirrored and nothing is trusted.
    """
    rows, cols = slice(corner[0], corner[0] + window), slice(corner[1], corner[1] + window)
    below, right = max(0, rows.stop - source.image.shape[0]), max(0, cols.stop - source.image.shape[1])
    how = cv2.INTER_AREA if window > crop_px else cv2.INTER_LINEAR

    def view(values: NDArray, border: int = cv2.BORDER_CONSTANT) -> NDArray:
        inside = values[rows, cols]
        return cv2.copyMakeBorder(inside, 0, below, 0, right, border, value=0) if below or right else inside

    image = cv2.resize(view(source.image, cv2.BORDER_REFLECT_101), (crop_px, crop_px), interpolation=how)
    maps = [
        cv2.resize(view(values), (crop_px, crop_px), interpolation=how).astype(np.float32) / 255
        for values in (source.cell, source.distance, source.trusted)
    ]
    labels, small = (resize_labels(view(values), (crop_px, crop_px)) for values in (source.labels, source.small))
    possible = np.where(small > 0, np.uint32(1) << small.astype(np.uint32), source.possible[labels])
    shapes = source.shapes.moved(-corner[0], -corner[1]).scaled(crop_px / window)
    return Crop(normalise(image, source.white), *maps, labels, possible, shapes)


def turn_crop(crop: Crop, config: AugmentConfig, rng: np.random.Generator) -> Crop:
    """The crop with all its truth, flipped and turned by right angles at random."""
    turn = random_turn(config, rng)
    return Crop(*(turn.array(values) for values in crop[:-1]), turn.shapes(crop.shapes, len(crop.cell)))


class CropDataset(Dataset):
    """Random crops by (epoch, index): each is always the same, since its randomness is seeded by (seed, epoch, index).

    base: images that `mix_share` of the crops are taken from instead.
    """

    def __init__(
        self, images: list[TrainingImage], config: TrainConfig, base: list[TrainingImage] | None = None
    ) -> None:
        self.images, self.config, self.base = images, config, base or []
        found = ((image, np.argwhere(image.small > 0)) for image in images) if config.small_share else ()
        self.with_small = [(image, pixels) for image, pixels in found if len(pixels)]

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """One crop as tensors."""
        config, augment = self.config, self.config.augment
        rng = np.random.default_rng([config.seed, *key])
        images = self.base if self.base and rng.random() < config.mix_share else self.images
        source, aim = images[rng.integers(len(images))], None
        if self.with_small and rng.random() < config.small_share:
            source, pixels = self.with_small[rng.integers(len(self.with_small))]
            aim = pixels[rng.integers(len(pixels))]
        scale = np.exp(rng.uniform(np.log(augment.scale_min), np.log(augment.scale_max)))
        window = round(config.crop_px * STORED_DIAMETER / scale)
        h, w = source.image.shape[:2]
        if aim is None:
            corner = (int(rng.integers(max(1, h - window + 1))), int(rng.integers(max(1, w - window + 1))))
        else:  # anywhere in the crop
            top, left = np.clip(aim - rng.integers(window, size=2), 0, np.maximum(0, (h - window, w - window)))
            corner = (int(top), int(left))
        if augment.overlap.share and rng.random() < augment.overlap.share:
            crop = self._with_overlaps(source, corner, window, rng)
        else:
            crop = extract_crop(source, corner, window, config.crop_px)
        crop = turn_crop(crop, augment, rng)
        if augment.debris_share and rng.random() < augment.debris_share:
            crop = with_debris(crop, config.diameter_px * scale, rng)
        return as_tensors(crop._replace(image=augment_appearance(crop.image, augment, rng)), config)

    def _with_overlaps(
        self, source: TrainingImage, corner: tuple[int, int], window: int, rng: np.random.Generator
    ) -> Crop:
        """A crop with more cells on it. They are laid on a wider view, so that those at its edges are whole there."""
        margin = round(self.config.diameter_px * STORED_DIAMETER)
        top, left = (max(0, start - margin) for start in corner)
        view = source.view(slice(top, corner[0] + window + margin), slice(left, corner[1] + window + margin))
        crowded = add_overlaps(view, source, self.config.augment.overlap, rng)
        return extract_crop(crowded, (corner[0] - top, corner[1] - left), window, self.config.crop_px)


def with_debris(crop: Crop, diameter_px: float, rng: np.random.Generator) -> Crop:
    """A crop with debris drawn on. Drawn grains look as platelets do, so what lies on the background has no class."""
    image = add_debris(crop.image, crop.cell, diameter_px, rng)
    drawn = (np.abs(image - crop.image).max(axis=2) > DEBRIS_SEEN) & (crop.labels == 0)
    return crop._replace(image=image, possible=np.where(drawn, np.uint32(0), crop.possible))


def as_tensors(crop: Crop, config: TrainConfig) -> Batch:
    """A crop for the network of `config`: its channels, and the maps of its head."""
    image = crop.image.mean(axis=2, keepdims=True) if config.network.in_channels == 1 else crop.image
    names = HEAD_CHANNELS[config.network.head]
    maps, weight = [getattr(crop, name) for name in names if name in PROBABILITY_MAPS], crop.trusted[None]
    if len(maps) < len(names):
        shape, known = shape_maps(crop.labels, crop.shapes, config.diameter_px)
        weight = np.concatenate([np.repeat(weight, len(maps), axis=0), known * crop.trusted])
        maps.extend(shape)
    if config.network.classes:
        weight = np.concatenate([np.broadcast_to(weight, (len(maps), *crop.trusted.shape)), crop.trusted[None]])
        maps.append(crop.possible.astype(np.float32))
    arrays = image.transpose(2, 0, 1), np.stack(maps), weight
    return Batch(*(torch.from_numpy(np.ascontiguousarray(values)) for values in arrays))


def validation_batches(images: list[TrainingImage], config: TrainConfig) -> Iterator[Batch]:
    """Fixed, unaugmented crops of every image, a batch an image."""
    window = round(config.crop_px * STORED_DIAMETER)
    for source in images:
        h, w = source.image.shape[:2]
        corners = [(round(y * max(0, h - window)), round(x * max(0, w - window))) for y, x in VALIDATION_CORNERS]
        crops = [as_tensors(extract_crop(source, corner, window, config.crop_px), config) for corner in corners]
        yield Batch(*(torch.stack(tensors) for tensors in zip(*crops, strict=True)))
