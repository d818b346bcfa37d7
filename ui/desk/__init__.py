"""Two unseen helpers on the page: one for its width and the keys pressed, one for what this browser remembers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
MAX_REMEMBERED = 2000  # characters
NAMES = ("author", "drafts")  # the name given last; ids of drafts, comma between


@st.cache_resource(show_spinner=False)
def _component(name: str) -> Any:
    js = (HERE / f"{name}.js").read_text(encoding="utf-8")
    return st.components.v2.component(f"bccseg_{name}", html='<div class="desk" hidden></div>', js=js)


def desk(key: str, keys: dict[str, str], on_key: Callable[[str], None]) -> int:
    """Put the helper on the page; returns the width of the place it is in, in px, 0 until it is known.

    keys: actions by key, as KeyboardEvent.key names it, letters in lower case.
    """

    def pressed() -> None:
        if action := st.session_state[key].get("key"):
            on_key(action)

    result = _component("desk")(
        key=key, data={"keys": keys}, default={"width": 0}, on_width_change=lambda: None, on_key_change=pressed,
        height="content",
    )  # fmt: skip
    return int(result.get("width") or 0)


def browser_memory(key: str, told: dict[str, str]) -> None:
    """Put the helper on the page: this browser keeps what is told, by name, and tells what it kept; see `remembered`.

    It tells what this visit does not know yet, and so nothing when a page is opened again.
    """
    known = {name: remembered(name) for name in NAMES}
    result = _component("memory")(
        key=key, data={"remember": told, "known": known}, default=dict.fromkeys(NAMES, ""),
        on_author_change=lambda: None, on_drafts_change=lambda: None, height="content",
    )  # fmt: skip
    if author := result.get("author"):
        st.session_state.setdefault("remembered_author", str(author)[:MAX_REMEMBERED])
    if drafts := result.get("drafts"):  # the browser's list is the longer one: it knows of other tabs
        st.session_state["remembered_drafts"] = str(drafts)[:MAX_REMEMBERED]


def remembered(name: str) -> str:
    """What this browser kept under one of NAMES, or ''."""
    return st.session_state.get(f"remembered_{name}", "")


def remember(name: str, value: str) -> None:
    """Keep a text for `remembered`; `browser_memory` is to be told of it, so that the browser keeps it too."""
    st.session_state[f"remembered_{name}"] = value
