"""Images and maps at another size; the one place that says how large."""

import cv2
import numpy as np
from numpy.typing import NDArray


def resize(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Image scaled by `factor`, at least 1 px a side."""
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    if size == (image.shape[1], image.shape[0]):
        return image
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
