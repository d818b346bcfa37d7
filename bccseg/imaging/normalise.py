"""Bring images of different lamps and exposures to one white."""

import numpy as np
from numpy.typing import NDArray

WHITE_PERCENTILE = 98.0  # the empty background, in any smear that has some
DARKEST_WHITE = 25.0  # a darker field is not brightened further
BLANK_RANGE = 8.0  # grey levels; a field that varies less shows nothing but noise
SAMPLE_PX = 250_000  # levels are read off about this many pixels


def white_level(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Level of the background in each channel: float32 (3,), 25 to 255. image: uint8 (H, W, 3)."""
    sample = thin_out(image).reshape(-1, image.shape[2])
    levels = [
        np.searchsorted(np.cumsum(np.bincount(channel, minlength=256)), len(sample) * WHITE_PERCENTILE / 100)
        for channel in sample.T
    ]
    return np.maximum(np.array(levels, np.float32), DARKEST_WHITE)


def is_blank(image: NDArray[np.uint8]) -> bool:
    """Whether an image uint8 (H, W, 3) shows nothing: 99 % of its pixels lie within BLANK_RANGE grey levels."""
    thin = thin_out(image).astype(np.uint16)
    light = thin[..., 0] + thin[..., 1] + thin[..., 2]  # three times the grey level; much faster than sum(axis=2)
    low, high = np.searchsorted(np.cumsum(np.bincount(light.ravel())), light.size * np.array([0.005, 0.995]))
    return bool(high - low < 3 * BLANK_RANGE)


def thin_out(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every n-th row and column, so that about SAMPLE_PX pixels are left."""
    step = max(1, int(np.sqrt(image.shape[0] * image.shape[1] / SAMPLE_PX)))
    return image[::step, ::step]


def normalise(image: NDArray[np.uint8], white: NDArray[np.float32]) -> NDArray[np.float32]:
    """Image with the background at 1: float32 (H, W, 3)."""
    return image * (1 / white).astype(np.float32)
