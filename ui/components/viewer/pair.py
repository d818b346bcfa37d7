"""Two labellings of one image side by side: wheel, buttons and dragging move both alike."""

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.report.changes import CellChanges
from bccseg.report.viewport import ADDED_COLOUR, MOVED_COLOUR, REMOVED_COLOUR
from ui.components.viewer import pictures, viewer

COLOURS = {"same": (120, 120, 120), "removed": REMOVED_COLOUR, "added": ADDED_COLOUR, "moved": MOVED_COLOUR}
WORDS = {"same": "the same", "removed": "removed", "added": "added", "moved": "another outline"}


def pair_data(image: NDArray[np.uint8], before: Labels, after: Labels, changes: CellChanges) -> list[dict[str, Any]]:
    """What the browser needs for both sides. image: uint8 (H, W, 3)."""
    return [_side(image, labels, kinds) for labels, kinds in ((before, changes.before), (after, changes.after))]


def _side(image: NDArray[np.uint8], labels: Labels, kinds: dict[int, str]) -> dict[str, Any]:
    return {
        **pictures(image, labels), "plain": True, "group": "pair", "whole": [], "measures": {}, "diameter": 0,
        "tips": [["what", "Compared"]], "colours": {"scale": [], "palette": [], "whole": [0, 0, 0]},
        "cells": {
            "id": list(kinds), "colour": [COLOURS[kind] for kind in kinds.values()],
            "what": [WORDS[kind] for kind in kinds.values()],
        },
    }  # fmt: skip


def show_pair(key: str, sides: list[dict[str, Any]], titles: list[str]) -> None:
    """Both sides, each under its title (Markdown). key: names what is compared."""
    columns = st.columns(len(sides), gap="small")
    for k, (column, data, title) in enumerate(zip(columns, sides, titles, strict=True)):
        with column:
            st.markdown(title)
            viewer(key, data, 0, lambda: None, name=f"bccseg_pair_{k}")
