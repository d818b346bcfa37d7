"""Images with masks, ready for the network: read, scaled to one cell diameter, cut into random crops."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from bccseg.config import TrainConfig
from bccseg.errors import DataError
from bccseg.imaging.decode import SUFFIXES, read_image, read_mask
from bccseg.imaging.labels import label_mask, median_diameter
from bccseg.imaging.normalise import normalise, white_level
from bccseg.train.augment import change_look, flip_and_turn
from bccseg.train.debris import litter
from bccseg.train.targets import distance_target, trusted_pixels

MIN_CELL_AREA_PX = 300  # smaller pieces of a mask are specks of the annotation
STORED_DIAMETER = 1.5  # fields are kept at this many training diameters, so that zooming in stays sharp
VALIDATION_CORNERS = ((0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.9, 0.9))  # shares of the field, top then left


@dataclass(frozen=True)
class Field:
    """One training field at the stored scale."""

    name: str
    image: NDArray[np.uint8]  # (H, W, 3)
    planes: NDArray[np.uint8]  # (H, W, 3): cell, distance, trusted; each 0 to 255
    white: NDArray[np.float32]  # (3,)
    cells: int


def find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Image and mask files with the same stem in `folder`/original and `folder`/mask, sorted.

    Raises DataError if the folders are missing, a stem has no partner, or there is no pair.
    """
    originals, masks = folder / "original", folder / "mask"
    for part in (originals, masks):
        if not part.is_dir():
            raise DataError(f"{folder} has no folder '{part.name}'. Put images in 'original', masks in 'mask'.")
    by_stem = [
        {p.stem: p for p in sorted(part.iterdir()) if p.suffix.lower() in SUFFIXES} for part in (originals, masks)
    ]
    if lonely := sorted(by_stem[0].keys() ^ by_stem[1].keys()):
        raise DataError(f"{len(lonely)} file(s) in {folder} have no partner of the same name, e.g. '{lonely[0]}'.")
    if not by_stem[0]:
        raise DataError(f"{folder} holds no images.")
    return [(path, by_stem[1][stem]) for stem, path in by_stem[0].items()]


def split_pairs(
    pairs: list[tuple[Path, Path]], validation_share: float
) -> tuple[list[tuple[Path, Path]], list[tuple[Path, Path]]]:
    """Training and validation pairs. The same file name always falls on the same side of the order."""
    ordered = sorted(pairs, key=lambda pair: hashlib.sha256(pair[0].stem.encode()).hexdigest())
    held_out = max(1, round(len(ordered) * validation_share))
    if held_out >= len(ordered):
        raise DataError("At least two images are needed: one to learn from, one to check on.")
    return ordered[held_out:], ordered[:held_out]


def load_field(image_path: Path, mask_path: Path, config: TrainConfig) -> Field:
    """Read a pair and bring its cells to the stored diameter."""
    image, mask = read_image(image_path), read_mask(mask_path)
    if image.shape[:2] != mask.shape:
        (h, w), (mask_h, mask_w) = image.shape[:2], mask.shape
        raise DataError(f"{image_path.name} is {w} x {h} px, its mask {mask_w} x {mask_h} px.")
    labels = label_mask(mask, MIN_CELL_AREA_PX)
    diameter = median_diameter(labels)
    if diameter is None:
        raise DataError(f"{mask_path.name} marks no cell. Take the pair out or mark its cells.")
    trusted = trusted_pixels(labels, config.ignore_border_cells * diameter)
    maps = np.stack([labels > 0, distance_target(labels), trusted], axis=-1).astype(np.float32)
    scale = STORED_DIAMETER * config.diameter_px / diameter
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return Field(
        name=image_path.stem,
        image=cv2.resize(image, size, interpolation=shrink),
        planes=np.round(cv2.resize(maps, size, interpolation=shrink) * 255).astype(np.uint8),
        white=white_level(image),
        cells=int(labels.max()),
    )


def cut(field: Field, corner: tuple[int, int], window: int, crop_px: int) -> NDArray[np.float32]:
    """The square window at (y, x) resized to crop_px: float32 (crop_px, crop_px, 6).

    Channels: RGB with white = 1, then cell, distance, trusted, 0 to 1. Beyond the field the image is
    mirrored and nothing is trusted.
    """
    y, x = corner
    h, w = field.image.shape[:2]
    image, planes = field.image[y : y + window, x : x + window], field.planes[y : y + window, x : x + window]
    pad_y, pad_x = max(0, y + window - h), max(0, x + window - w)
    if pad_y or pad_x:
        image = cv2.copyMakeBorder(image, 0, pad_y, 0, pad_x, cv2.BORDER_REFLECT_101)
        planes = cv2.copyMakeBorder(planes, 0, pad_y, 0, pad_x, cv2.BORDER_CONSTANT, value=0)
    how = cv2.INTER_AREA if window > crop_px else cv2.INTER_LINEAR
    small = [cv2.resize(part, (crop_px, crop_px), interpolation=how) for part in (image, planes)]
    return np.concatenate([normalise(small[0], field.white), small[1].astype(np.float32) / 255], axis=-1)


class Crops(Dataset):
    """Crop i of epoch e is always the same: its randomness is seeded by (seed, e, i).

    One epoch long, from 0; indices beyond its end are crops of the epochs that follow. base: fields that `mix_share`
    of the crops are taken from instead.
    """

    def __init__(self, fields: list[Field], config: TrainConfig, epoch: int, base: list[Field] | None = None) -> None:
        self.fields, self.config, self.epoch, self.base = fields, config, epoch, base or []

    def __len__(self) -> int:
        return self.config.steps_per_epoch * self.config.batch_size

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Image (C, S, S), target (maps, S, S), weight (1, S, S); float32."""
        config, augment = self.config, self.config.augment
        later, index = divmod(index, len(self))
        rng = np.random.default_rng([config.seed, self.epoch + later, index])
        fields = self.base if self.base and rng.random() < config.mix_share else self.fields
        field = fields[rng.integers(len(fields))]
        scale = np.exp(rng.uniform(np.log(augment.scale_min), np.log(augment.scale_max)))
        window = round(config.crop_px * STORED_DIAMETER / scale)
        h, w = field.image.shape[:2]
        corner = (int(rng.integers(max(1, h - window + 1))), int(rng.integers(max(1, w - window + 1))))
        planes = flip_and_turn(cut(field, corner, window, config.crop_px), augment, rng)
        image = planes[..., :3]
        if augment.debris_share and rng.random() < augment.debris_share:
            image = litter(image, planes[..., 3], config.diameter_px * scale, rng)
        return as_tensors(change_look(image, augment, rng), planes[..., 3:], config)


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
    fields: list[Field], config: TrainConfig
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Fixed, unaugmented crops of every field, a batch a field."""
    window = round(config.crop_px * STORED_DIAMETER)
    for field in fields:
        h, w = field.image.shape[:2]
        corners = [(round(y * max(0, h - window)), round(x * max(0, w - window))) for y, x in VALIDATION_CORNERS]
        crops = [cut(field, corner, window, config.crop_px) for corner in corners]
        tensors = [as_tensors(crop[..., :3], crop[..., 3:], config) for crop in crops]
        yield tuple(torch.stack(parts) for parts in zip(*tensors, strict=True))
