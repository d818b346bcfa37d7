"""Images with debris drawn on, whose true cells stay what they were. For benchmarks/accuracy.py."""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.config import MIN_TRUE_AREA_PX
from bccseg.imaging.label_image import label_mask, median_diameter
from bccseg.imaging.normalise import white_level
from bccseg.io.images import read_image, read_mask
from bccseg.training.debris import add_debris


def read_soiled(path: Path, mask: Path, layers: int) -> NDArray[np.uint8]:
    """The image, `layers` times littered (each 1 to 4 bodies of `train.debris`), the same for the same name."""
    image = read_image(path)
    truth = label_mask(read_mask(mask), MIN_TRUE_AREA_PX)
    rng, white = np.random.default_rng(zlib.crc32(path.stem.encode())), white_level(image)
    light, diameter = (image / white).astype(np.float32), median_diameter(truth)
    for _ in range(layers if diameter else 0):
        light = add_debris(light, (truth > 0).astype(np.float32), diameter, rng)
    return np.clip(np.round(light * white), 0, 255).astype(np.uint8)
