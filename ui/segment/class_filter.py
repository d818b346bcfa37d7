"""The classes of cells on Segment: how they look, and which of them are shown in picture, gallery, table and plots."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from bccseg.report.result import MeasuredImage
from bccseg.report.tables import cell_table
from ui.shared.class_looks import classes_of, looks

__all__ = ["classes_of", "hidden", "hide", "looks", "shown_cells"]

KEY = "hidden_classes"


def hidden(classes: Iterable[str]) -> list[str]:
    """Which of these classes are not shown."""
    away: list[str] = st.session_state.get(KEY, [])
    return [name for name in classes if name in away]


def hide(names: Iterable[str], classes: Iterable[str]) -> None:
    """Do not show `names` of the classes of an image; what other images have besides stays as it is."""
    here = set(classes)
    away = [name for name in st.session_state.get(KEY, []) if name not in here]
    st.session_state[KEY] = away + [str(name) for name in names if name in here]


def shown_cells(result: MeasuredImage) -> pd.DataFrame:
    """The `cell_table` without the classes that are not shown; where no class is known without those columns."""
    classes = classes_of(result)
    if not classes:
        return result.cells
    table = cell_table(result)
    return table[~table["class"].isin(hidden(classes))] if hidden(classes) else table
