"""Mask, labels and overlay as PNG bytes."""

import json
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # a tenth of the time of the default for a little more space


def png(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """PNG of grey (H, W), 8 or 16 bits, or RGB (H, W, 3), 8 bits."""
    if picture.ndim == 3:
        picture = picture[..., ::-1]  # OpenCV keeps BGR
    return cv2.imencode(".png", np.ascontiguousarray(picture), FAST)[1].tobytes()


def palette_png(index: NDArray[np.uint8], colours: NDArray[np.uint8]) -> bytes:
    """PNG of the colours uint8 (N, 4), red, green, blue, opacity, that `index` (H, W) names; N at most 256."""
    picture, file = Image.fromarray(index, "P"), BytesIO()
    picture.putpalette(colours[:, :3].tobytes())
    picture.save(file, "PNG", compress_level=1, transparency=colours[:, 3].tobytes())
    return file.getvalue()


JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90]


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """A picture uint8 (H, W, 3) as JPEG."""
    return cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), JPEG)[1].tobytes()


def as_json(value: dict[str, Any]) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
