"""Images and maps at another size; the one place that says how large they become."""

import cv2
import numpy as np
from numpy.typing import NDArray


def scaled_size(shape: tuple[int, ...], factor: float) -> tuple[int, int]:
    """(width, height), for OpenCV, of an image of `shape` (H, W, ...) scaled by `factor`; at least 1 px a side."""
    return max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor))


def resize(image: NDArray, factor: float) -> NDArray:
    """An image or float maps (H, W[, C]) scaled by `factor`: areas averaged when shrunk, linear when enlarged."""
    return resize_to(image, scaled_size(image.shape, factor))


def resize_to(image: NDArray, size: tuple[int, int]) -> NDArray:
    """An image or float maps at `size` (width, height): areas averaged when shrunk, linear when enlarged."""
    if size == (image.shape[1], image.shape[0]):
        return image
    how = cv2.INTER_AREA if size[0] * size[1] < image.shape[0] * image.shape[1] else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=how)


def resize_labels(labels: NDArray[np.integer], size: tuple[int, int]) -> NDArray[np.int32]:
    """Labels (H, W) at `size` (width, height), each pixel the nearest id; OpenCV's resize knows no int32."""
    rows, cols = (
        ((np.arange(n) + 0.5) * (length / n)).astype(np.intp)
        for n, length in zip(size[::-1], labels.shape, strict=True)
    )
    return labels[rows][:, cols].astype(np.int32, copy=False)
