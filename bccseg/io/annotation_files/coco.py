"""COCO object detection files (cocodataset.org/#format-data), read."""

from typing import Any

import numpy as np

from bccseg.errors import DataError
from bccseg.imaging.label_image import Mask
from bccseg.io.annotation_files.objects import (
    AnnotatedImage,
    AnnotatedObject,
    AnnotationFile,
    PlacedMask,
    as_box,
    as_ring,
    as_share,
    as_text,
)
from bccseg.io.page import MAX_PIXELS


def is_coco(value: Any) -> bool:
    """Whether a JSON value is a COCO file."""
    return isinstance(value, dict) and isinstance(value.get("images"), list) and "annotations" in value


def read_coco(value: dict[str, Any]) -> AnnotationFile:
    """Outlines from polygons or run lengths, packed or not; from the box where there is neither. Raises DataError."""
    if not isinstance(value["annotations"], list) or not isinstance(value.get("categories", []), list):
        raise DataError("The COCO file is damaged: annotations and categories must be lists.")
    names = {c["id"]: as_text(c.get("name")) for c in value.get("categories", []) if isinstance(c, dict) and "id" in c}
    images: dict[Any, AnnotatedImage] = {}
    for row in value["images"]:
        if not isinstance(row, dict) or "id" not in row or not as_text(row.get("file_name")):
            raise DataError("The COCO file is damaged: an image has no id or file_name.")
        height, width = row.get("height"), row.get("width")
        size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        images[row["id"]] = AnnotatedImage(as_text(row["file_name"]), size=size)
    for row in value["annotations"]:
        if not isinstance(row, dict) or row.get("image_id") not in images:
            raise DataError("The COCO file is damaged: an annotation belongs to no image.")
        images[row["image_id"]].objects.append(_object(row, names))
    return AnnotationFile(list(images.values()))


def _object(row: dict[str, Any], names: dict[Any, str]) -> AnnotatedObject:
    what = f"Annotation {as_text(row.get('id'))} of the COCO file"
    more = row["attributes"] if isinstance(row.get("attributes"), dict) else {}
    said: dict[str, Any] = {"name": names.get(row.get("category_id"), ""), "score": as_share(more.get("class_score"))}
    if more.get("class_by") == "network":
        said["by"] = "network"
    outline = row.get("segmentation")
    if isinstance(outline, list) and outline:
        rings = [as_ring(points, what) for points in outline]
        return AnnotatedObject(parts=tuple((ring,) for ring in rings if len(ring) > 2), **said)
    if isinstance(outline, dict):
        return AnnotatedObject(mask=PlacedMask.of(run_length_mask(outline, what)), **said)
    return AnnotatedObject(box=as_box(row.get("bbox"), what), **said)


def run_length_mask(value: dict[str, Any], what: str) -> Mask:
    """A mask (H, W) of COCO's run lengths: pixels column by column, outside first. Raises DataError."""
    try:
        height, width = (int(n) for n in value["size"])
        packed = value["counts"]
        counts = _unpack(packed) if isinstance(packed, str) else [int(n) for n in packed]
        if not 0 < height * width <= MAX_PIXELS or min(counts, default=0) < 0 or sum(counts) != height * width:
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{what} has damaged run lengths.") from error
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(width, height).T


def _unpack(text: str) -> list[int]:
    """Run lengths from COCO's text: five bits a character from code 48, the sixth says that more follow; from the third
    number on each is the difference to the one before the last.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 40:
            raise ValueError
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:  # below 0
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError
    return counts
