"""Two labellings of one image side by side: wheel, buttons and dragging move both alike."""

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels, areas
from bccseg.report.changes import CellChanges, Kind
from bccseg.report.overlay import OUTLINE_COLOUR
from bccseg.report.viewport import ADDED_COLOUR, MOVED_COLOUR, REMOVED_COLOUR
from ui.components.viewer import pictures, viewer

COLOURS = {"same": (120, 120, 120), "removed": REMOVED_COLOUR, "added": ADDED_COLOUR, "moved": MOVED_COLOUR}
WORDS = {"same": "the same", "removed": "removed", "added": "added", "moved": "another outline"}


def pair_data(image: NDArray[np.uint8], before: Labels, after: Labels, changes: CellChanges) -> list[dict[str, Any]]:
    """What the browser needs for both sides. image: uint8 (H, W, 3)."""
    sides = ((before, changes.before), (after, changes.after))
    return [
        _side(image, labels, [COLOURS[kind] for kind in kinds.values()], {"id": list(kinds), "what": _words(kinds)})
        for labels, kinds in sides
    ]


def single_data(image: NDArray[np.uint8], labels: Labels) -> dict[str, Any]:
    """What the browser needs where there is nothing to compare with."""
    ids = (np.flatnonzero(areas(labels)[1:]) + 1).tolist()
    return {**_side(image, labels, [OUTLINE_COLOUR] * len(ids), {"id": ids}), "tips": []}


def _words(kinds: dict[int, Kind]) -> list[str]:
    return [WORDS[kind] for kind in kinds.values()]


def _side(
    image: NDArray[np.uint8], labels: Labels, colours: list[tuple[int, int, int]], cells: dict[str, Any]
) -> dict[str, Any]:
    return {
        **pictures(image, labels), "plain": True, "group": "pair", "whole": [], "measures": {}, "diameter": 0,
        "tips": [["what", "Compared"]], "colours": {"scale": [], "palette": [], "whole": [0, 0, 0]},
        "cells": {**cells, "colour": colours},
    }  # fmt: skip


def show_pair(key: str, sides: list[dict[str, Any]], titles: list[str]) -> None:
    """Both sides, each with its title, shown as it is. key: names what is compared."""
    columns = st.columns(len(sides), gap="small")
    for k, (column, data, title) in enumerate(zip(columns, sides, titles, strict=True)):
        with column:
            viewer(key, {**data, "title": title}, 0, lambda: None, name=f"bccseg_pair_{k}")
