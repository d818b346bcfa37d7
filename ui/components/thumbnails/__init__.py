"""A strip of small pictures, one an image: the arrow keys or a click choose one, marks say which deserve a look."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
FLAGGED, CORRECTED, FAILED = "flagged", "corrected", "failed"  # marks


@dataclass(frozen=True)
class Thumbnail:
    """One image of the strip. Those that failed have no picture and cannot be chosen; they come last."""

    key: str  # another one for another picture: the browser keeps pictures by it
    name: str
    tip: str  # shown at the pointer, and read aloud
    count: int | None = 0  # cells; None: not known yet
    marks: tuple[str, ...] = ()


def remarks(*, too_crowded: bool, flagged: int, corrected: bool) -> tuple[list[str], list[str]]:
    """Words and marks of an image that deserves a look, or was corrected."""
    words, marks = [], []
    if too_crowded:
        words.append("too crowded to count")
    if flagged:
        words.append(f"{flagged} to look at")
    if words:
        marks.append(FLAGGED)
    if corrected:
        words.append("corrected by hand")
        marks.append(CORRECTED)
    return words, marks


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, css, js = ((HERE / f"thumbnails.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("bccseg_thumbnails", html=html, css=css, js=js)


def thumbnails(
    key: str,
    items: Sequence[Thumbnail],
    current: int,
    pictures: Callable[[list[str]], Mapping[str, bytes]],
    on_choose: Callable[[int], None],
    failures: str = "",
) -> None:
    """Show the strip; call it in a fragment, which runs again when pictures come into sight.

    current: which of `items` is shown. pictures: JPEGs by key, of those keys that the browser asks for; what is left
    out is asked for again. on_choose: called with the place of the item that was chosen.
    failures: CSS selector of what tells of those that failed; a click goes there.
    """

    def chosen() -> None:
        at = (st.session_state.get(key) or {}).get("chosen")
        if isinstance(at, int) and 0 <= at < len(items) and FAILED not in items[at].marks:
            on_choose(at)

    asked = (st.session_state.get(key) or {}).get("wanted") or []
    known = {item.key for item in items}
    wanted = [str(name) for name in asked if name in known] if isinstance(asked, list) else []
    found = pictures(wanted) if wanted else {}
    _component()(
        key=key,
        data={
            "items": [asdict(item) for item in items], "current": current, "failures": failures,
            "pictures": {name: _data_url(picture) for name, picture in found.items()},
        },
        on_chosen_change=chosen, on_wanted_change=lambda: None, height="content",
    )  # fmt: skip


def _data_url(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
