"""Cells as GeoJSON, for QuPath."""

from typing import Any

import numpy as np

from bccseg.imaging.outlines import cell_outlines
from bccseg.report.result import ImageResult

DECIMALS = 2


def geojson(result: ImageResult) -> dict[str, Any]:
    """FeatureCollection of detections that QuPath opens by drag and drop, with measurements."""
    table = result.cells.set_index("cell_id")
    features = []
    for cell, ring in cell_outlines(result.labels):
        closed = np.vstack([ring, ring[:1]]).round(DECIMALS).tolist()
        row, flag = table.loc[cell].drop(["touches_border", "flag"]), table.loc[cell, "flag"]
        measurements = {name: round(float(value), 4) for name, value in row.items() if np.isfinite(value)}
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [closed]},
                "properties": {
                    "objectType": "detection",
                    "name": f"cell {cell}",
                    "measurements": measurements,
                    **({"metadata": {"flag": flag}} if flag else {}),
                },
            }
        )
    return {"type": "FeatureCollection", "features": features}
