"""Cells as GeoJSON, for QuPath."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.outlines import cell_outlines
from bccseg.report.result import ImageResult

DECIMALS = 2


def geojson(result: ImageResult) -> dict[str, Any]:
    """FeatureCollection of detections that QuPath opens by drag and drop, with measurements.

    Cells that others hide in part have an annotation beside it: the estimated whole outline.
    """
    table = result.cells.set_index("cell_id")
    features = []
    for cell, ring in cell_outlines(result.labels):
        row, flag = table.loc[cell].drop(["touches_border", "flag"]), table.loc[cell, "flag"]
        measurements = {name: round(float(value), 4) for name, value in row.items() if np.isfinite(value)}
        more = {"metadata": {"flag": flag}} if flag else {}
        features.append(_feature(ring, "detection", f"cell {cell}", measurements=measurements, **more))
        if cell in result.hidden:
            features.append(_feature(result.hidden[cell], "annotation", f"cell {cell}, whole outline (estimated)"))
    return {"type": "FeatureCollection", "features": features}


def _feature(ring: NDArray[np.float64], kind: str, name: str, **properties: Any) -> dict[str, Any]:
    closed = np.vstack([ring, ring[:1]]).round(DECIMALS).tolist()
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [closed]},
        "properties": {"objectType": kind, "name": name, **properties},
    }
