"""Cells as annotations: COCO JSON, GeoJSON for QuPath, ImageJ ROI sets."""

from typing import Any

import numpy as np

from bccseg.imaging.outlines import cell_outlines
from bccseg.report.result import ImageResult

DECIMALS = 2


def coco(results: list[ImageResult]) -> dict[str, Any]:
    """COCO object detection format (cocodataset.org): images, annotations with polygons, one category."""
    out: dict[str, Any] = {
        "info": {"description": "Blood cells outlined by bccseg. Research use only."},
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "cell", "supercategory": ""}],
    }
    for result in results:
        append_coco(out, result)
    return out


def append_coco(out: dict[str, Any], result: ImageResult) -> None:
    """Add one image and its cells to a `coco` dictionary, in place."""
    height, width = result.labels.shape
    image_id = len(out["images"]) + 1
    out["images"].append({"id": image_id, "file_name": result.name, "width": width, "height": height})
    area = np.bincount(result.labels.ravel())
    for cell, ring in cell_outlines(result.labels):
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
                "score": round(float(result.scores[cell - 1]), 4),
                "attributes": {"cell_id": cell},
            }
        )
