"""Cells as tasks for Label Studio (labelstud.io/guide/predictions), with the setup that shows their classes."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import CellClass, CellMarks
from bccseg.imaging.label_image import Labels
from bccseg.imaging.outlines import cell_outlines

CELL, CELL_COLOUR = "cell", "#D9A441"  # label of a cell whose class nobody knows
DECIMALS = 4  # of percent
LOCAL_FILES = "/data/local-files/?d="  # how Label Studio names files below its document root


def label_studio_task(path: str, labels: Labels, marks: CellMarks, made_by: str) -> dict[str, Any]:
    """A task with the cells of labels int32 (H, W) as a prediction: polygons in percent of the image.

    path: of the image below Label Studio's document root. made_by: the person or the weights.
    """
    height, width = labels.shape
    result = []
    for cell, ring in cell_outlines(labels):
        mark = marks.get(cell)
        points = (corners(ring) / (width, height) * 100).round(DECIMALS).tolist()
        region = {
            "id": f"cell-{cell:05d}", "type": "polygonlabels", "from_name": "label", "to_name": "image",
            "original_width": width, "original_height": height, "image_rotation": 0,
            "value": {"points": points, "closed": True, "polygonlabels": [mark.name if mark else CELL]},
        }  # fmt: skip
        if mark:
            region["meta"] = {"class_by": mark.by}
        if mark and mark.score is not None:
            region["score"] = mark.score
        result.append(region)
    return {
        "data": {"image": f"{LOCAL_FILES}{path}"},
        "predictions": [{"model_version": made_by or "bccseg", "result": result}],
    }


def label_config(classes: Sequence[CellClass]) -> str:
    """The labelling interface to be pasted into a project's settings, with the colours of the classes."""
    known = [(CELL, CELL_COLOUR), *((one.name, one.colour) for one in classes)]
    lines = [f'    <Label value="{html.escape(name)}" background="{colour}"/>' for name, colour in known]
    return "\n".join([
        "<View>",
        '  <Image name="image" value="$image" zoom="true"/>',
        '  <PolygonLabels name="label" toName="image" strokeWidth="1" pointSize="small">',
        *lines,
        "  </PolygonLabels>",
        "</View>",
        "",
    ])  # fmt: skip


def corners(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed ring (K, 2) without the points that lie on a straight line between their neighbours."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    return ring[np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 0]
