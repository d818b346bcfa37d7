"""All keys and mouse buttons of the Correct page."""

import streamlit as st

from ui.correct.class_hand import ClassHand
from ui.correct.tools import TOOLS
from ui.shared.class_keys import NEXT_DOUBTFUL
from ui.shared.errors import plain

MOUSE = {
    "Wheel, pinch": "zoom at the pointer; over a cell that was just clicked: larger or smaller",
    "Space + drag, middle button": "move the picture",
    "Right click": "delete the cell",
    "Shift + click": "make the two nearest pieces one cell",
    "Ctrl + wheel": "size of the brush",
    "Double click": "close an outline made of corners",
}
KEYS = {
    "Z, Ctrl + Z · Y": "undo · redo",
    "[ · ]": "brush, or the cell that was just clicked: smaller · larger",
    "Enter": "the clicked cell stays as it is; an outline made of corners is closed",
    "Esc · Backspace": "leave an unfinished outline · take its last corner back",
    "+ · − · 0": "zoom in · out · the whole image",
    "Arrows": "move the picture",
    "N · B": "next place to check · the one before",
    "V": "change what is shown",
    "?": "this list",
}
CLASS_KEYS = {NEXT_DOUBTFUL.upper(): "next cell whose class no person has given; a class's key then goes on by itself"}
CLASS_WORDS = (
    "With the tool Class, a class's key gives it to the cells that were just outlined, to the cell that is ringed, or "
    "to the one under the pointer; with any tool it is then in hand: new cells have it, and so has what you click with "
    "Class."
)


@st.dialog("Keys and mouse", width="large")
def show_keys(classing: ClassHand) -> None:
    """The list, in a window of its own."""
    left, right = st.columns(2)
    left.markdown(_table("Tool", {tool.key.upper(): f"**{tool.title}** {tool.help}" for tool in TOOLS.values()}))
    right.markdown(_table("Mouse", MOUSE))
    right.markdown(_table("Key", KEYS))
    left.markdown(_table("Class", {key.upper(): plain(classing.words(name)) for key, (name, _) in
                                   classing.by_key().items()} | CLASS_KEYS))  # fmt: skip
    left.caption(CLASS_WORDS)


def _table(head: str, rows: dict[str, str]) -> str:
    return "\n".join([f"| {head} | |", "|---|---|", *(f"| **{key}** | {text} |" for key, text in rows.items())])
