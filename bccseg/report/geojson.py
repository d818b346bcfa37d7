"""Cells as GeoJSON, for QuPath."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.classes import CellClass, ClassSet
from bccseg.imaging.outlines import cell_outlines
from bccseg.imaging.regions import RULES
from bccseg.io.annotation_files.geojson import ESTIMATED
from bccseg.report.cell_marks import labels_and_marks
from bccseg.report.class_colours import rgb
from bccseg.report.region_counts import region_table, with_regions
from bccseg.report.region_drawing import region_colour
from bccseg.report.result import ImageResult
from bccseg.report.tables import table_with_small_cells

DECIMALS = 2
QUPATH_CLASSES = {"frame": "Region*", "polygon": "Region*", "excluded": "Ignore*"}  # a star: no class of objects
NO_MEASURES = ["touches_border", "flag", "class", "class_by"]


def geojson(result: ImageResult, classes: Sequence[CellClass] | None = None) -> dict[str, Any]:
    """FeatureCollection of detections that QuPath opens by drag and drop, with classes, colours and measurements.

    Platelets and the like follow the cells. Cells that others hide in part have an annotation beside it: the estimated
    whole outline. Regions come first, as annotations. classes: with the colours; None for the default set.
    """
    table = table_with_small_cells(result).set_index("cell_id")
    flags, measures = table["flag"].to_dict(), table.drop(columns=NO_MEASURES).astype(float).round(4)
    rows = dict(zip(measures.index, measures.to_numpy(), strict=True))  # `table.loc` takes a millisecond a cell
    labels, marks = labels_and_marks(result)
    known = ClassSet() if classes is None else ClassSet.model_construct(classes=tuple(classes))
    colours = {one.name: list(rgb(one.colour)) for one in known.known(mark.name for mark in marks.values())}
    features = _regions(result)
    of_cell = with_regions(table.reset_index(), result).set_index("cell_id").get("region", {})
    for cell, ring in cell_outlines(labels):
        pairs = zip(measures.columns, rows[cell].tolist(), strict=True)
        measurements = {name: value for name, value in pairs if np.isfinite(value)}
        facts = {"flag": flags[cell]} if flags[cell] else {}
        more: dict[str, Any] = {}
        if region := of_cell.get(cell):
            facts["region"] = region
        if mark := marks.get(cell):
            more["classification"] = {"name": mark.name, "color": colours[mark.name]}
            facts["class_by"] = mark.by
        if facts:
            more["metadata"] = facts
        features.append(_feature(ring, "detection", f"cell {cell}", measurements=measurements, **more))
        if cell in result.hidden:
            features.append(_feature(result.hidden[cell], "annotation", f"cell {cell}, {ESTIMATED}"))
    return {"type": "FeatureCollection", "features": features}


def _regions(result: ImageResult) -> list[dict[str, Any]]:
    features = []
    rows = region_table(result).iloc[1:].to_dict("records")
    for region, row in zip(result.regions, rows, strict=True):
        kind, colour = QUPATH_CLASSES[region.kind], list(region_colour(region))
        measurements = {name: round(float(v), 4) for name, v in row.items() if not isinstance(v, str) and pd.notna(v)}
        features.append(
            _feature(
                region.outline, "annotation", region.name, measurements=measurements, isLocked=True,
                classification={"name": kind, "color": colour},
                metadata={"region_kind": region.kind, "rule": RULES[region.kind]},
            )
        )  # fmt: skip
    return features


def _feature(ring: NDArray[np.float64], kind: str, name: str, **properties: Any) -> dict[str, Any]:
    closed = np.vstack([ring, ring[:1]]).round(DECIMALS).tolist()
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [closed]},
        "properties": {"objectType": kind, "name": name, **properties},
    }
