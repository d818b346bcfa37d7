"""Crops of cells to be looked at side by side, selected, and moved from class to class.

One picture holds all crops of a page. Commands are numbered, as on the drawing surface: the browser keeps each until
Python has taken it, so that nothing is lost for somebody who presses several keys a second.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from ui.components.chips import chips_asset

HERE = Path(__file__).parent
NAME = "bccseg_gallery"
MOST_WAITING, MOST_CELLS = 2_000, 1_000


@dataclass(frozen=True)
class GalleryCommand:
    """Something a hand did in the gallery."""

    number: int  # ascending
    act: str  # move, undo, redo, sort, page or find
    ids: tuple[int, ...] = ()
    to: str = ""  # name of a class, or number of a page


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, css, js = ((HERE / f"gallery.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(NAME, html=html, css=css + chips_asset("css"), js=chips_asset("js") + js)


def gallery(key: str, sheet_name: str, sheet: Callable[[], bytes], on_hide: Callable[[], None], **data: Any) -> None:
    """Show a page of crops. sheet: the JPEG of them all, made where the browser does not have the one of this name.

    on_hide is called when a chip was clicked, with the classes that are hidden as `st.session_state[key]["hidden"]`.

    data: tiles (id, class it is sorted to, class, score or None, whether a person said so; classes as rows of
    `classes`), classes (`Chip.data`, and `offered`: whether cells can be moved there), columns of the sheet, page,
    pages, hidden, editable, undo, redo (whether there is something), done (number of the last command whose effect is
    shown), told (the last one that the rest of the page knows), hint and trouble (words below the crops).
    """
    has = ((st.session_state.get(key) or {}).get("waiting") or {}).get("has")
    packed = None if has == sheet_name else base64.b64encode(sheet()).decode()
    _component()(
        key=key, data={**data, "sheetName": sheet_name, "sheet": packed},
        on_waiting_change=lambda: None, on_rested_change=lambda: None, on_hidden_change=on_hide, height="content",
    )  # fmt: skip


def commands_since(key: str, done: int) -> list[GalleryCommand]:
    """What the gallery with this key has sent after command `done`, in order. What is not understood is left out."""
    sent = (st.session_state.get(key) or {}).get("waiting") or {}
    found = [read_command(entry) for entry in list(sent.get("commands") or [])[:MOST_WAITING]]
    return sorted((c for c in found if c and c.number > done), key=lambda c: c.number)


def rested_at(key: str) -> int:
    """Number of the last command before the hand rested; 0 if it has not."""
    value = (st.session_state.get(key) or {}).get("rested")
    return value if isinstance(value, int) else 0


def read_command(entry: Any) -> GalleryCommand | None:
    """A command as the browser sent it; None for anything else."""
    try:
        ids = tuple(int(v) for v in list(entry.get("ids", []))[:MOST_CELLS])
        return GalleryCommand(int(entry["number"]), str(entry["act"]), ids, str(entry.get("to", "")))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return None
