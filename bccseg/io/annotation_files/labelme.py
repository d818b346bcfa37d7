"""LabelMe files (github.com/wkentaro/labelme), read: one JSON an image."""

import base64
import binascii
from typing import Any

import numpy as np

from bccseg.errors import DataError, ImageError
from bccseg.imaging.label_image import Mask
from bccseg.io.annotation_files.objects import (
    AnnotatedImage,
    AnnotatedObject,
    AnnotationFile,
    PlacedMask,
    as_ring,
    as_text,
)
from bccseg.io.images import decode

CIRCLE_POINTS = 90


def is_labelme(value: Any) -> bool:
    """Whether a JSON value is a LabelMe file."""
    return isinstance(value, dict) and isinstance(value.get("shapes"), list)


def read_labelme(value: dict[str, Any], file_name: str) -> AnnotationFile:
    """Polygons, rectangles, circles and masks; points and lines are left out. file_name: used where the file names no
    image. Raises DataError.
    """
    height, width = value.get("imageHeight"), value.get("imageWidth")
    size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    image = AnnotatedImage(as_text(value.get("imagePath")) or file_name, size=size)
    for number, shape in enumerate(value["shapes"], start=1):
        what = f"Shape {number} of the LabelMe file"
        if not isinstance(shape, dict):
            raise DataError(f"{what} is damaged.")
        kind, name = shape.get("shape_type") or "polygon", as_text(shape.get("label"))
        if kind not in ("polygon", "rectangle", "circle", "mask"):
            continue
        points = as_ring(shape.get("points"), what)
        if kind == "polygon":
            one = AnnotatedObject(name, ((points,),))
        elif len(points) != 2:
            raise DataError(f"{what} is a {kind}, which has two points.")
        elif kind == "circle":
            angle = np.linspace(0, 2 * np.pi, CIRCLE_POINTS, endpoint=False)
            radius = np.hypot(*(points[1] - points[0]))
            one = AnnotatedObject(name, ((points[0] + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1),),))
        elif kind == "rectangle":
            one = AnnotatedObject(name, box=np.concatenate([points.min(axis=0), points.max(axis=0)]))
        else:
            one = AnnotatedObject(name, mask=PlacedMask.of(_mask(shape.get("mask"), points, size, what)))
        image.objects.append(one)
    return AnnotationFile([image])


def _mask(data: Any, points: np.ndarray, size: tuple[int, int] | None, what: str) -> Mask:
    """A mask (H, W) from a PNG, base64, of what lies between two corners."""
    try:
        small = decode(base64.b64decode(data, validate=True))[0].image[..., 0]
    except (TypeError, ValueError, binascii.Error, ImageError) as error:
        raise DataError(f"{what} has a damaged mask.") from error
    x, y = np.round(points.min(axis=0)).astype(int)
    if size is None or min(x, y) < 0 or y + small.shape[0] > size[0] or x + small.shape[1] > size[1]:
        raise DataError(f"{what} has a damaged mask.")
    whole = np.zeros(size, bool)
    whole[y : y + small.shape[0], x : x + small.shape[1]] = small > 0
    return whole
