"""Cells as COCO annotations."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import CellClass, CellMark, CellMarks, ClassSet
from bccseg.imaging.label_image import Labels
from bccseg.imaging.outlines import cell_outlines
from bccseg.report.cell_marks import labels_and_marks
from bccseg.report.class_colours import rgb
from bccseg.report.result import ImageResult

DECIMALS = 2
CELL = {"id": 1, "name": "cell", "supercategory": ""}  # whose class nobody knows


def coco(results: Iterable[ImageResult] = (), classes: Sequence[CellClass] | None = None) -> dict[str, Any]:
    """COCO object detection format (cocodataset.org): images, annotations with polygons, categories.

    Category 1 is a cell whose class nobody knows; the classes follow in their order, also those without any cell, so
    that files of one class set agree about the numbers. classes: None for the default set.
    """
    known = ClassSet().classes if classes is None else classes
    out: dict[str, Any] = {
        "info": {"description": "Blood cells outlined by bccseg. Research use only."},
        "images": [],
        "annotations": [],
        "categories": [CELL, *(_category(k, one) for k, one in enumerate(known, start=CELL["id"] + 1))],
    }
    for result in results:
        append_result(out, result.name, result)
    return out


def append_result(out: dict[str, Any], file_name: str, result: ImageResult) -> None:
    """Add a result's image with its cells, and after them its small cells, such as platelets, in place."""
    labels, marks = labels_and_marks(result)
    scores = result.scores
    if result.small_cells is not None:
        scores = np.concatenate([scores, result.small_cells.classes.score])
    append_coco(out, file_name, labels, scores, marks)


def append_coco(
    out: dict[str, Any],
    file_name: str,
    labels: Labels,
    scores: NDArray[np.float32] | None = None,
    marks: CellMarks | None = None,
) -> None:
    """Add one image and its cells, labels int32 (H, W), to a `coco` dictionary, in place.

    scores: (N,) by id; None, or NaN, for cells that people outlined, which are certain. marks: their classes; one that
    has no category yet gets one, after the others.
    """
    height, width = labels.shape
    image_id = len(out["images"]) + 1
    out["images"].append({"id": image_id, "file_name": file_name, "width": width, "height": height})
    area, marks = np.bincount(labels.ravel()), marks or {}
    for one in ClassSet(classes=()).known(mark.name for mark in marks.values()):
        if one.name not in [category["name"] for category in out["categories"]]:
            out["categories"].append(_category(len(out["categories"]) + 1, one))
    category = {one["name"]: one["id"] for one in out["categories"]}
    for cell, ring in cell_outlines(labels):
        (x0, y0), (x1, y1) = ring.min(axis=0), ring.max(axis=0)
        mark = marks.get(cell)
        out["annotations"].append(
            {
                "id": len(out["annotations"]) + 1,
                "image_id": image_id,
                "category_id": category[mark.name] if mark else CELL["id"],
                "segmentation": [ring.round(DECIMALS).ravel().tolist()],
                "bbox": [float(x0), float(y0), float(x1 - x0), float(y1 - y0)],
                "area": int(area[cell]),
                "iscrowd": 0,
                "score": 1.0 if scores is None or np.isnan(scores[cell - 1]) else round(float(scores[cell - 1]), 4),
                "attributes": {"cell_id": cell, **_certainty(mark)},
            }
        )


def _category(number: int, one: CellClass) -> dict[str, Any]:
    return {"id": number, "name": one.name, "supercategory": "", "color": list(rgb(one.colour))}


def _certainty(mark: CellMark | None) -> dict[str, Any]:
    """Who says of which class a cell is, and how sure the network is."""
    if mark is None:
        return {}
    return {"class_by": mark.by} | ({} if mark.score is None else {"class_score": mark.score})
