"""Cells as COCO annotations."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.outlines import cell_outlines
from bccseg.report.result import ImageResult

DECIMALS = 2


def coco(results: Iterable[ImageResult] = ()) -> dict[str, Any]:
    """COCO object detection format (cocodataset.org): images, annotations with polygons, one category."""
    out: dict[str, Any] = {
        "info": {"description": "Blood cells outlined by bccseg. Research use only."},
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "cell", "supercategory": ""}],
    }
    for result in results:
        append_coco(out, result.name, result.labels, result.scores)
    return out


def append_coco(out: dict[str, Any], file_name: str, labels: Labels, scores: NDArray[np.float32] | None = None) -> None:
    """Add one image and its cells, labels int32 (H, W), to a `coco` dictionary, in place.

    scores: (N,) by id; None, or NaN, for cells that people outlined, which are certain.
    """
    height, width = labels.shape
    image_id = len(out["images"]) + 1
    out["images"].append({"id": image_id, "file_name": file_name, "width": width, "height": height})
    area = np.bincount(labels.ravel())
    for cell, ring in cell_outlines(labels):
        (x0, y0), (x1, y1) = ring.min(axis=0), ring.max(axis=0)
        out["annotations"].append(
            {
                "id": len(out["annotations"]) + 1,
                "image_id": image_id,
                "category_id": 1,
                "segmentation": [ring.round(DECIMALS).ravel().tolist()],
                "bbox": [float(x0), float(y0), float(x1 - x0), float(y1 - y0)],
                "area": int(area[cell]),
                "iscrowd": 0,
                "score": 1.0 if scores is None or np.isnan(scores[cell - 1]) else round(float(scores[cell - 1]), 4),
                "attributes": {"cell_id": cell},
            }
        )
