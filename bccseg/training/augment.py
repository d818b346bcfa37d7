"""Training augmentation: other stains, cameras, lamps and magnifications.

Crops are float32 (H, W, 3), white = 1, as `bccseg.imaging.normalise` gives them. Geometry changes the
crop and its targets alike; everything else changes the image only. All randomness comes from the one
generator passed in, so that a crop depends on nothing but its seed.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.config import AugmentConfig
from bccseg.imaging.cell_shape import CellShapes
from bccseg.imaging.resize import scaled_size

Crop = NDArray[np.float32]


class Turn(NamedTuple):
    """Right-angle turns (anticlockwise), then flips: of square arrays, and of the cells in them."""

    turns: int  # 0 to 3
    down: int  # 1, or -1 to turn it upside down
    across: int  # 1, or -1 to mirror left and right

    def array(self, values: NDArray) -> NDArray:
        """A square array (S, S) or (S, S, C), turned."""
        return np.rot90(values, self.turns)[:: self.down, :: self.across]

    def shapes(self, shapes: CellShapes, side: int) -> CellShapes:
        """The cells of a square of `side` px, turned with it."""
        (y, x), (yy, xx, xy) = shapes.centre.T, shapes.spread.T
        for _ in range(self.turns):
            y, x, yy, xx, xy = side - 1 - x, y, xx, yy, -xy
        if self.down < 0:
            y, xy = side - 1 - y, -xy
        if self.across < 0:
            x, xy = side - 1 - x, -xy
        return shapes._replace(centre=np.stack([y, x], axis=1), spread=np.stack([yy, xx, xy], axis=1))


def random_turn(config: AugmentConfig, rng: np.random.Generator) -> Turn:
    """One of the turns and flips that are allowed."""
    turns = int(rng.integers(4)) if config.rotate90 else 0
    down, across = (int(rng.choice([-1, 1])), int(rng.choice([-1, 1]))) if config.flip else (1, 1)
    return Turn(turns, down, across)


def augment_stain(crop: Crop, spread: float, rng: np.random.Generator) -> Crop:
    """Another stain: gain and mixing of the channels in optical density.

    Dyes add up in optical density, -log(light) (Ruifrok and Johnston 2001, PMID 11531144), so white
    stays white whatever the stain. Now and then the channels trade places.
    """
    density = -np.log(np.clip(crop, 0.02, 1.5))
    mix = np.eye(3) + rng.normal(0, 0.5 * spread, (3, 3))
    gains = np.exp(rng.normal(0, spread, 3)) * np.exp(rng.uniform(-1, 0.5))
    if rng.random() < 0.15:
        mix = mix[rng.permutation(3)]
    return np.exp(-np.clip(density @ (mix * gains).astype(np.float32), -0.3, 4))


def augment_illumination(crop: Crop, strength: float, rng: np.random.Generator) -> Crop:
    """Uneven lighting: a smooth field, and a tint of the lamp."""
    h, w = crop.shape[:2]
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    a, b, c, d = rng.uniform(-strength, strength, 4).astype(np.float32) / 2
    field = 1 + a * x + b * y + c * x * y + d * (x * x + y * y - 0.67)
    return crop * field[..., None] * rng.uniform(0.8, 1.05, 3).astype(np.float32)


def augment_camera(crop: Crop, config: AugmentConfig, rng: np.random.Generator) -> Crop:
    """Another camera: fewer pixels, soft or sharpened focus, noise, JPEG."""
    h, w = crop.shape[:2]
    if config.low_resolution and rng.random() < 0.3:
        f = rng.uniform(0.35, 0.9)
        small = cv2.resize(crop, scaled_size(crop.shape, f), interpolation=cv2.INTER_AREA)
        crop = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
    if config.blur and rng.random() < 0.35:
        crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.3, config.blur))
    elif config.blur and rng.random() < 0.2:  # sharpened by the camera
        crop = crop + rng.uniform(0.3, 1.2) * (crop - cv2.GaussianBlur(crop, (0, 0), 1.5))
    if config.noise and rng.random() < 0.5:
        grain = rng.standard_normal(crop.shape, np.float32)
        crop = crop + grain * np.float32(rng.uniform(0, config.noise))
    if config.jpeg and rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        pixels = np.clip(crop * 230, 0, 255).astype(np.uint8)
        crop = cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR).astype(np.float32) / 230
    return crop


def augment_appearance(crop: Crop, config: AugmentConfig, rng: np.random.Generator) -> Crop:
    """One random look of a crop: stain, light, haze, camera. float32, about 0 to 1.2."""
    if config.stain and rng.random() < config.stain_share:
        crop = augment_stain(crop, config.stain, rng)
    if config.grey and rng.random() < config.grey:
        crop = np.repeat(crop.mean(axis=2, keepdims=True), 3, axis=2)
    if config.illumination and rng.random() < config.illumination_share:
        crop = augment_illumination(crop, config.illumination, rng)
    if config.veil and rng.random() < config.veil_share:
        haze = rng.uniform(0, config.veil) * rng.uniform(0.5, 1, 3).astype(np.float32)
        crop = crop * (1 - haze) + haze
    crop = augment_camera(crop, config, rng)
    return np.ascontiguousarray(np.clip(crop, 0, 1.5), dtype=np.float32)
