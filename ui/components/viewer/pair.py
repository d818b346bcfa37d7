"""Two labellings of one image side by side: wheel, buttons and dragging move both alike."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

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
CLASS_COLOUR = (240, 140, 0)  # of cells that have another class
UNKNOWN = "unclassified"


class Classes(Protocol):
    """The classes of the cells of one side, by id."""

    words: dict[int, str]
    changed: Collection[int]  # have another class on the other side

    def colour(self, cell: int) -> tuple[int, int, int]:
        """Of the class of a cell."""


def pair_data(
    image: NDArray[np.uint8],
    before: Labels,
    after: Labels,
    changes: CellChanges,
    classes: Sequence[Classes] | None = None,
) -> list[dict[str, Any]]:
    """What the browser needs for both sides. image: uint8 (H, W, 3). classes: of both, where any are known."""
    out = []
    for k, (labels, kinds) in enumerate(((before, changes.before), (after, changes.after))):
        own = classes[k] if classes else None
        other = own.changed if own else ()
        colours = [CLASS_COLOUR if cell in other else COLOURS[kind] for cell, kind in kinds.items()]
        what = [_words(kind, other_class=cell in other) for cell, kind in kinds.items()]
        out.append(_side(image, labels, colours, {"id": list(kinds), "what": what}, own))
    return out


def single_data(image: NDArray[np.uint8], labels: Labels, classes: Classes | None = None) -> dict[str, Any]:
    """What the browser needs where there is nothing to compare with."""
    ids = (np.flatnonzero(areas(labels)[1:]) + 1).tolist()
    side = _side(image, labels, [OUTLINE_COLOUR] * len(ids), {"id": ids}, classes)
    return {**side, "tips": side["tips"][1:]}


def _words(kind: Kind, *, other_class: bool) -> str:
    if not other_class:
        return WORDS[kind]
    return "another class" if kind == "same" else f"{WORDS[kind]}, another class"


def _side(
    image: NDArray[np.uint8],
    labels: Labels,
    colours: list[tuple[int, int, int]],
    cells: dict[str, Any],
    classes: Classes | None,
) -> dict[str, Any]:
    tips = [["what", "Compared"]]
    if classes:
        ids = cells["id"]
        cells |= {"class": [classes.words.get(k, UNKNOWN) for k in ids], "by_class": [classes.colour(k) for k in ids]}
        tips.append(["class", "Class"])
    return {
        **pictures(image, labels), "plain": True, "group": "pair", "whole": [], "measures": {}, "diameter": 0,
        "tips": tips, "colours": {"scale": [], "palette": [], "whole": [0, 0, 0]},
        "cells": {**cells, "colour": colours},
    }  # fmt: skip


def show_pair(key: str, sides: list[dict[str, Any]], titles: list[str], *, by_class: bool = False) -> None:
    """Both sides, each with its title, shown as it is. key: names what is compared. by_class: in the colours of
    classes, not of changes.
    """
    columns = st.columns(len(sides), gap="small")
    for k, (column, data, title) in enumerate(zip(columns, sides, titles, strict=True)):
        shown = {**data, "title": title, "place": key}  # in other colours both stay where they are
        if by_class and "by_class" in data["cells"]:
            shown["cells"] = {**data["cells"], "colour": data["cells"]["by_class"]}
        with column:
            viewer(f"{key} {by_class}", shown, 0, lambda: None, name=f"bccseg_pair_{k}")
