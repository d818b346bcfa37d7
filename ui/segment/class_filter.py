"""The classes of cells on Segment: how they look, and which of them are shown in picture, gallery, table and plots."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from bccseg.classes import UNCLASSIFIED
from bccseg.report.class_numbers import class_shares
from bccseg.report.result import MeasuredImage
from bccseg.report.tables import cell_table
from ui.components.chips import Chip
from ui.shared.storage import store

KEY = "hidden_classes"
NOTHING_KNOWN = Chip(UNCLASSIFIED, "Unclassified", "#8A8F98")


def looks(names: Iterable[str]) -> dict[str, Chip]:
    """How classes look, by the name that cells have; in the order of the collection's class set, UNCLASSIFIED last."""
    names = list(names)
    classes = store().class_set()
    every = classes.known(name for name in names if name != UNCLASSIFIED)
    found = {
        name: (k, Chip(name, one.words, one.colour, one.key))
        for name in names
        for k, one in enumerate(every)
        if one is classes.find(name) or one.name == name
    }
    out = {name: chip for name, (_, chip) in sorted(found.items(), key=lambda item: item[1][0])}
    return out | ({UNCLASSIFIED: NOTHING_KNOWN} if UNCLASSIFIED in names else {})


def classes_of(result: MeasuredImage) -> dict[str, Chip]:
    """Those that a result has cells of; none where no class is known."""
    names = [one.name for one in class_shares(result)]
    return looks(names) if set(names) - {UNCLASSIFIED} else {}


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
