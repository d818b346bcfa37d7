"""All keys and mouse buttons of the Correct page."""

import streamlit as st

from ui.correct.tools import TOOLS

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


@st.dialog("Keys and mouse", width="large")
def show_keys() -> None:
    """The list, in a window of its own."""
    left, right = st.columns(2)
    left.markdown(_table("Tool", {tool.key.upper(): f"**{tool.title}** {tool.help}" for tool in TOOLS.values()}))
    right.markdown(_table("Mouse", MOUSE))
    right.markdown(_table("Key", KEYS))


def _table(head: str, rows: dict[str, str]) -> str:
    return "\n".join([f"| {head} | |", "|---|---|", *(f"| **{key}** | {text} |" for key, text in rows.items())])
