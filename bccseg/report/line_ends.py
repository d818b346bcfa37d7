"""An end of a measured line, enlarged, so that a person sees that it is where it should be."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

COLOUR = (214, 0, 108)
SIDE_PX, SUBPIXEL_BITS = 200, 4


def end_view(
    image: NDArray[np.uint8], at: tuple[float, float], other: tuple[float, float], around_px: float
) -> NDArray[np.uint8]:
    """The surroundings of `at`, which lies in the middle and is marked across the line to `other`: uint8 (200, 200, 3).

    image: uint8 (H, W, 3). at, other: x, y in px; the top left pixel reaches from 0 to 1. around_px: px of the image to
    each side. Grey beside the image.
    """
    zoom = SIDE_PX / (2 * around_px)
    middle = SIDE_PX / 2
    # OpenCV's coordinates are of pixel middles
    shift = [middle - at[0] * zoom + 0.5 * zoom - 0.5, middle - at[1] * zoom + 0.5 * zoom - 0.5]
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    out = cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_NEAREST, borderValue=(128, 128, 128))
    length = math.dist(at, other) or 1.0
    u, v = (other[0] - at[0]) / length, (other[1] - at[1]) / length
    for (x0, y0), (x1, y1) in (((-v * 0.3, u * 0.3), (v * 0.3, -u * 0.3)), ((0, 0), (u, v))):  # across, and along
        ends = [(middle + p * SIDE_PX - 0.5, middle + q * SIDE_PX - 0.5) for p, q in ((x0, y0), (x1, y1))]
        start, end = (tuple(round(c * 2**SUBPIXEL_BITS) for c in point) for point in ends)
        cv2.line(out, start, end, COLOUR, 1, cv2.LINE_AA, SUBPIXEL_BITS)
    return out
