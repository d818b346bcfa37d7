"""The table of an image's cells, and which of them is selected, here or in the picture."""

from typing import Any

import pandas as pd
import streamlit as st

from bccseg.report.result import MeasuredImage
from ui.segment.class_filter import classes_of, shown_cells

PLACE = "cells_of_image"  # key of what is scrolled to
STATE = "cell_table_state"  # (number of the table, cell on top or 0)
TITLES = {
    "cell id": "Cell", "x": "X", "y": "Y", "cell count": "Cells", "cell count inside": "Whole cells",
    "cell count in frame": "Cells for the density",
    "diameter cv percent": "Size variation (CV, %)", "density per mm2": "Density (/mm²)",
    "expected diameter": "Diameter looked for", "area full": "Whole area", "area full error": "Whole area ±",
    "flagged count": "Flagged cells", "flag": "Look at", "edits": "Edits by hand", "corrected by": "Corrected by",
    "median diameter px unflagged": "Median diameter without flagged (px)",
    "diameter cv percent unflagged": "Size variation without flagged (CV, %)",
    "count red": "Red cells", "count white": "White cells", "count platelet": "Platelets",
    "count unclassified": "Unclassified cells", "white per 100 red": "White cells per 100 red",
    "platelets per 1000 red": "Platelets per 1,000 red (estimate)",
}  # fmt: skip
IN_FRAME_HELP = "Touches neither the left nor the top edge of the image. The density goes by these cells."
WHOLE_NUMBERS = (
    "cell_id", "area_px", "cell_count", "cell_count_inside", "cell_count_in_frame", "flagged_count", "edits",
    "width_px", "height_px",
)  # fmt: skip


def show_table(result: MeasuredImage) -> None:
    """The cells of the classes that are shown; a selected row lights up in the image."""
    with st.container(key=PLACE):
        cells = _ordered(result)
        shown = _in_words(result, cells.dropna(axis="columns", how="all") if len(cells) else cells)
        first = ["cell_id"] + ["flag"] * bool((shown["flag"] != "").any())
        first += [name for name in ("class", "class_score", "class_by") if name in shown]
        shown = shown[[*first, *shown.columns.drop([*first, "flag"], errors="ignore")]]
        st.dataframe(
            shown,  # flags first, and no column that holds nothing
            key=_key(),
            on_select="rerun",
            selection_mode="single-row",
            hide_index=True,
            height=280,
            column_config={name: column_format(name) for name in shown},
        )


def _in_words(result: MeasuredImage, cells: pd.DataFrame) -> pd.DataFrame:
    """The table with classes as people call them; who said so where that was a person for some."""
    if "class" not in cells:
        return cells
    words = {name: chip.words for name, chip in classes_of(result).items()}
    cells = cells.assign(**{"class": cells["class"].map(words)})
    if "person" not in set(cells["class_by"]):
        return cells.drop(columns="class_by")
    return cells.assign(class_by=cells["class_by"].replace("person", "by hand"))


def selected_cell(result: MeasuredImage) -> int:
    """Id of the cell whose row is selected in the table, 0 without one."""
    rows = st.session_state.get(_key(), {}).get("selection", {}).get("rows", [])
    return int(_ordered(result)["cell_id"].iloc[rows[0]]) if rows and rows[0] < len(_ordered(result)) else 0


def select_cell(cell: int = 0) -> None:
    """Select a cell, 0 for none, and have its row on top; before the table is drawn.

    Nothing can scroll the rows of Streamlit's table, and one that was scrolled or sorted by hand stays so. So the row
    comes first, and the table is a new one.
    """
    st.session_state[STATE] = (st.session_state.get(STATE, (0, 0))[0] + 1, cell)
    st.session_state[_key()] = {"selection": {"rows": [0] if cell else [], "columns": [], "cells": []}}


def _key() -> str:
    return f"cell_table_{st.session_state.get(STATE, (0, 0))[0]}"


def _ordered(result: MeasuredImage) -> pd.DataFrame:
    cells = shown_cells(result)
    top = cells["cell_id"] == st.session_state.get(STATE, (0, 0))[1]
    return pd.concat([cells[top], cells[~top]]) if top.any() else cells


def column_format(name: str) -> Any:
    """Title and number format of a column: 'equivalent_diameter_px' becomes 'Diameter (px)'."""
    stem, _, unit = name.rpartition("_")
    unit = {"px": "px", "um": "µm", "um2": "µm²"}.get(unit, "")
    if stem.startswith("area") and unit == "px":
        unit = "px²"
    title = (stem if unit else name).replace("equivalent_", "").replace("centroid_", "").replace("_", " ")
    title = TITLES.get(title, title.capitalize())
    title = f"{title} ({unit})" if unit else title
    if name in ("image", "weights", "flag", "corrected_by", "class", "class_by", "pixel_size_from"):
        return st.column_config.TextColumn(title)
    if name == "touches_border":
        return st.column_config.CheckboxColumn("Cut by border")
    if name == "in_frame":
        return st.column_config.CheckboxColumn("Counts for density", help=IN_FRAME_HELP)
    if name == "too_crowded":
        return st.column_config.CheckboxColumn("Too crowded")
    return st.column_config.NumberColumn(
        title, format="%d" if name in WHOLE_NUMBERS or name.startswith("count_") else "%.2f"
    )
