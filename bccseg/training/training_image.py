"""An image with its truth, scaled to one cell diameter and ready for crops."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.config import MIN_TRUE_AREA_PX, TrainConfig
from bccseg.errors import DataError
from bccseg.imaging.label_image import label_mask, median_diameter
from bccseg.imaging.normalise import white_level
from bccseg.imaging.resize import resize
from bccseg.io.images import read_image, read_mask
from bccseg.training.targets import distance_target, trusted_pixels

STORED_DIAMETER = 1.5  # images are kept at this many training diameters, so that zooming in stays sharp


@dataclass(frozen=True)
class TrainingImage:
    """An image and its truth at the stored scale."""

    name: str
    image: NDArray[np.uint8]  # (H, W, 3)
    cell: NDArray[np.uint8]  # (H, W), 0 to 255: inside any cell
    distance: NDArray[np.uint8]  # (H, W), 0 to 255: `distance_target`
    trusted: NDArray[np.uint8]  # (H, W), 0 to 255: `trusted_pixels`
    white: NDArray[np.float32]  # (3,), level of the background
    cells: int


def load_training_image(image_path: Path, mask_path: Path, config: TrainConfig) -> TrainingImage:
    """Read an image and its mask, and bring the cells to the stored diameter. Raises DataError, ImageError."""
    image, mask = read_image(image_path), read_mask(mask_path)
    if image.shape[:2] != mask.shape:
        (h, w), (mask_h, mask_w) = image.shape[:2], mask.shape
        raise DataError(f"{image_path.name} is {w} x {h} px, its mask {mask_w} x {mask_h} px.")
    labels = label_mask(mask, MIN_TRUE_AREA_PX)
    diameter = median_diameter(labels)
    if diameter is None:
        raise DataError(f"{mask_path.name} marks no cell. Take the pair out or mark its cells.")
    trusted = trusted_pixels(labels, config.ignore_border_cells * diameter)
    scale = STORED_DIAMETER * config.diameter_px / diameter

    def stored(values: NDArray) -> NDArray[np.uint8]:
        return np.round(resize(values.astype(np.float32), scale) * 255).astype(np.uint8)

    return TrainingImage(
        name=image_path.stem,
        image=resize(image, scale),
        cell=stored(labels > 0),
        distance=stored(distance_target(labels)),
        trusted=stored(trusted),
        white=white_level(image),
        cells=int(labels.max()),
    )
