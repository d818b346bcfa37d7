"""Label Studio's JSON (labelstud.io/guide/task_format), read: tasks with annotations, or else with predictions.

Its short form, JSON-MIN (labelstud.io/guide/export), has the regions of one annotation beside the image.
"""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from bccseg.errors import DataError
from bccseg.io.annotation_files.brush_rle import brush_mask
from bccseg.io.annotation_files.objects import (
    FARTHEST,
    AnnotatedImage,
    AnnotatedObject,
    AnnotationFile,
    PlacedMask,
    Ring,
    as_ring,
    as_share,
    as_text,
)

UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # what Label Studio puts in front of the names of uploads
POINTS = 90  # of an ellipse
IMAGE = re.compile(r"\.(png|jpe?g|tiff?|bmp|webp|gif)$", re.IGNORECASE)


def is_label_studio(value: Any) -> bool:
    """Whether a JSON value is a task or a list of tasks."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and (isinstance(first.get("data"), dict) or _is_short(first))


def _is_short(task: dict[str, Any]) -> bool:
    return "annotation_id" in task and any(isinstance(v, str) and IMAGE.search(image_name(v)) for v in task.values())


def _as_task(value: Any) -> Any:
    """A task of the short form as the long form has it; anything else as it is."""
    if not isinstance(value, dict) or "data" in value or not _is_short(value):
        return value
    rows = [row for rows in value.values() if isinstance(rows, list) for row in rows if isinstance(row, dict)]
    sizes = ("original_width", "original_height")
    regions = [{"value": row, **{name: row.get(name) for name in sizes}} for row in rows]
    return {"data": {k: v for k, v in value.items() if isinstance(v, str)}, "annotations": [{"result": regions}]}


def read_label_studio(value: Any) -> AnnotationFile:
    """Polygons, brush strokes, rectangles and ellipses with their labels. Of several annotations the last counts that
    was not cancelled; predictions count where there is none. Raises DataError.
    """
    found = AnnotationFile()
    for number, task in enumerate(map(_as_task, value if isinstance(value, list) else [value]), start=1):
        what = f"Task {number}"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise DataError(f"{what} of the Label Studio file has no data.")
        url = next((str(v) for v in task["data"].values() if isinstance(v, str) and IMAGE.search(image_name(v))), "")
        if not url:
            raise DataError(f"{what} of the Label Studio file names no image.")
        image = AnnotatedImage(image_name(url))
        results, by = _results(task)
        image.predicted = by == "network"
        image.objects = [one for row in results if (one := _object(row, what, by)) is not None]
        found.images.append(image)
    return found


def image_name(url: str) -> str:
    """File name in a task's address of an image, with its folders where it lies in local storage."""
    parts = urlsplit(url)
    local = parse_qs(parts.query).get("d")
    path = local[0] if local else unquote(parts.path)
    path = path.replace("\\", "/")
    return path if local else path.rpartition("/")[2]


def _results(task: dict[str, Any]) -> tuple[list[Any], str]:
    for key, by in (("annotations", "person"), ("completions", "person"), ("predictions", "network")):
        sets = [s for s in task.get(key) or [] if isinstance(s, dict) and isinstance(s.get("result"), list)]
        if kept := [s for s in sets if not s.get("was_cancelled")]:
            return kept[-1]["result"], by
    return [], "person"


def _object(row: Any, what: str, by: Any) -> AnnotatedObject | None:
    if not isinstance(row, dict) or not isinstance(value := row.get("value"), dict):
        raise DataError(f"{what} of the Label Studio file is damaged: a result has no value.")
    labels = next((v for k, v in value.items() if k.endswith("labels") and isinstance(v, list) and v), [])
    meta = row["meta"] if isinstance(row.get("meta"), dict) else {}
    said: dict[str, Any] = {
        "name": as_text(labels[0]) if labels else "", "by": meta.get("class_by", by) if by == "network" else by,
        "score": as_share(row.get("score")) if by == "network" else None,
    }  # fmt: skip
    if said["by"] not in ("network", "person"):
        said["by"] = by
    size = row.get("original_height"), row.get("original_width")
    if "rle" in value:
        if not all(isinstance(n, int) and n > 0 for n in size):
            raise DataError(f"{what} of the Label Studio file is damaged: a brush stroke needs the image's size.")
        return AnnotatedObject(mask=PlacedMask.of(brush_mask(value["rle"], size, what)), **said)
    square = (1.0, 1.0) if not all(isinstance(n, int) and n > 0 for n in size) else (float(size[1]), float(size[0]))
    if "points" in value:
        ring = as_ring(value["points"], what) / 100
        return AnnotatedObject(parts=((ring,),), relative=True, **said) if len(ring) > 2 else None
    if "radiusX" in value:
        x, y, a, b, turn = _numbers(value, ("x", "y", "radiusX", "radiusY"), what)
        ring = _turned_ellipse((x, y), (0.0, 0.0), (a, b), turn, square)
        return AnnotatedObject(parts=((ring,),), relative=True, **said)
    if "width" in value and "height" in value:
        x, y, w, h, turn = _numbers(value, ("x", "y", "width", "height"), what)
        if turn:  # about the top left corner
            ring = _turned_ellipse((x, y), (w / 2, h / 2), (w / 2, h / 2), turn, square)
            return AnnotatedObject(parts=((ring,),), relative=True, **said)
        return AnnotatedObject(box=np.array([x, y, x + w, y + h]) / 100, relative=True, **said)
    return None  # a choice, a text, a point


def _numbers(value: dict[str, Any], names: tuple[str, ...], what: str) -> list[float]:
    """The values, and the rotation in degrees last."""
    numbers = [value.get(name) for name in names] + [value.get("rotation") or 0]
    if not all(isinstance(n, int | float) and abs(n) <= FARTHEST for n in numbers) or min(numbers[2:4]) <= 0:
        raise DataError(f"{what} of the Label Studio file is damaged: a region has no size.")
    return [float(n) for n in numbers]


def _turned_ellipse(
    pivot: tuple[float, float], offset: tuple[float, float], radii: tuple[float, float], degrees: float,
    size: tuple[float, float],
) -> Ring:  # fmt: skip
    """Ring in shares of an ellipse whose middle lies `offset` from the pivot it is turned about; all in percent.

    size: width and height of the image, because a turn is one of px, not of shares.
    """
    angle, turn, scale = np.linspace(0, 2 * np.pi, POINTS, endpoint=False), np.radians(degrees), np.array(size)
    flat = (np.array(offset) + np.array(radii) * np.stack([np.cos(angle), np.sin(angle)], axis=1)) * scale
    turned = flat @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (np.array(pivot) + turned / scale) / 100
