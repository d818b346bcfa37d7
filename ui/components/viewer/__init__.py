"""The picture with the cells over it: zoom, hover, select. Runs in the browser; Python hears selections."""

import base64
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.regions import Region
from bccseg.imaging.resize import resize, resize_labels
from bccseg.io.encode import jpeg, png
from bccseg.report.charts import column_and_title
from bccseg.report.overlay import HIDDEN_COLOUR, OUTLINE_COLOUR, PALETTE, UNKNOWN_COLOUR, VIRIDIS
from bccseg.report.result import ImageResult
from bccseg.report.tables import labels_with_small_cells, table_with_small_cells
from ui.components.chips import Chip, chips_asset
from ui.components.region_lines import image_view_js, region_data, region_lines_js

HERE = Path(__file__).parent
MAX_SIDE_PX = 4096  # larger images are shown smaller; all numbers stay those of the full image
NAME = "bccseg_viewer"


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, css, js = ((HERE / f"viewer.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(
        NAME, html=html, css=css + chips_asset("css"), js=chips_asset("js") + region_lines_js() + image_view_js() + js
    )


def _data_url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def shown_size(labels: Labels) -> float:
    """By how much an image of labels (H, W) is shrunk to be shown, at most 1."""
    return min(1.0, MAX_SIDE_PX / max(*labels.shape, 1))


def pictures(image: NDArray[np.uint8], labels: Labels) -> dict[str, str]:
    """An image uint8 (H, W, 3) and its labels int32 (H, W) as the browser takes them."""
    if (shrink := shown_size(labels)) < 1:
        image = resize(image, shrink)
        labels = resize_labels(labels, (image.shape[1], image.shape[0]))
    ids = np.stack([labels & 255, labels >> 8 & 255, labels >> 16 & 255], axis=-1).astype(np.uint8)
    return {"image": _data_url("jpeg", jpeg(image)), "labels": _data_url("png", png(ids))}


def picture_data(result: ImageResult, classes: Sequence[Chip] = ()) -> dict[str, Any]:
    """Everything the browser needs for one image. classes: all that its cells have; without them none are shown."""
    shrink = shown_size(result.labels)
    labels = labels_with_small_cells(result) if classes else result.labels
    cells = table_with_small_cells(result) if classes else result.cells
    small = cells["cell_id"] > len(result.scores)
    diameter, diameter_title = column_and_title("equivalent_diameter", cells)
    area, area_title = column_and_title("area", cells)
    columns = {diameter: 1, area: 1, "circularity": 3, "score": 2, "eccentricity": 3, "solidity": 3}
    values = {name: _rounded(cells[name], digits) for name, digits in columns.items()}
    tips = [[diameter, diameter_title], [area, area_title], ["score", "Score"]]
    if result.hidden:
        whole = area.replace("area", "area_full")
        values[whole] = _rounded(cells[whole], columns[area])
        tips.append([whole, area_title.replace("Area", "Whole area, estimated")])
    more: dict[str, Any] = {}
    if classes:
        row = {one.name: k for k, one in enumerate(classes)}
        numbers = [row[name] for name in cells["class"]]
        values |= {
            "score": [None if is_small else v for is_small, v in zip(small, values["score"], strict=True)],
            "class": numbers, "small": small.tolist(),
            "what": [
                classes[k].words + {"person": ", by hand", "network": f", {score:.2f}"}.get(by, "")
                for k, score, by in zip(numbers, cells["class_score"], cells["class_by"], strict=True)
            ],
        }  # fmt: skip
        tips.append(["what", "Class"])
        more["classes"] = [one.data(numbers.count(k)) for k, one in enumerate(classes)]
    return {
        **pictures(result.image, labels),
        "diameter": result.diameter_px * shrink,
        "shrink": shrink,
        "um": result.pixel_size_um / shrink if result.pixel_size_um else None,
        "cells": {
            "id": cells["cell_id"].tolist(),
            "x": ((cells["centroid_x_px"] + 0.5) * shrink).round(1).tolist(),
            "y": ((cells["centroid_y_px"] + 0.5) * shrink).round(1).tolist(),
            **values,
        },
        "measures": {
            diameter: diameter_title, area: area_title, "circularity": "Circularity",
            "eccentricity": "Eccentricity", "solidity": "Solidity", "score": "Score",
        },
        "colours": {
            "scale": VIRIDIS.tolist(), "palette": PALETTE.tolist(), "outline": OUTLINE_COLOUR,
            "unknown": UNKNOWN_COLOUR, "whole": HIDDEN_COLOUR,
        },
        "whole": [(ring * shrink).round(1).tolist() for ring in result.hidden.values()],
        "whole_of": list(result.hidden),
        "tips": tips,
        **more,
    }  # fmt: skip


def _rounded(values: Any, digits: int) -> list[float | None]:
    return [round(float(v), digits) if math.isfinite(v) else None for v in values]


def viewer(
    key: str,
    data: dict[str, Any],
    selected: int,
    on_select: Callable[[], None],
    name: str = NAME,
    hidden: Sequence[str] = (),
    on_hide: Callable[[], None] = lambda: None,
    regions: Sequence[Region] = (),
) -> None:
    """Show the picture. `key` names the image; `on_select` is called when a cell was clicked, with the
    cell (0: none) as `st.session_state[name]["selected"]`. name: of the viewer, one for each on a page.
    hidden: names of classes that are not shown; `on_hide` is called when a chip was clicked, with them as `["hidden"]`.
    regions: drawn on the picture.
    """
    now = {"key": key, "selected": selected, "hidden": list(hidden), "regions": region_data(regions)}
    _component()(
        key=name, data={**data, **now},
        on_selected_change=on_select, on_hidden_change=on_hide,
    )  # fmt: skip
