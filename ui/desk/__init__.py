"""An unseen helper on the page: its width, keys pressed, and what this browser remembers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
NAME = "bccseg_desk"
MAX_REMEMBERED = 2000  # characters


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, js = ((HERE / f"desk.{kind}").read_text(encoding="utf-8") for kind in ("html", "js"))
    return st.components.v2.component(NAME, html=html, js=js)


def desk(key: str, keys: dict[str, str], on_key: Callable[[str], None], remember: dict[str, str] | None = None) -> int:
    """Put the helper on the page; returns the width of the place it is in, in px, 0 until it is known.

    keys: actions by key, as KeyboardEvent.key names it, letters in lower case. remember: texts kept in this browser;
    see `remembered`.
    """

    def pressed() -> None:
        if action := st.session_state[key].get("key"):
            on_key(action)

    result = _component()(
        key=key, data={"keys": keys, "remember": remember or {}}, default={"width": 0, "author": "", "drafts": ""},
        on_width_change=lambda: None, on_author_change=lambda: None, on_drafts_change=lambda: None,
        on_key_change=pressed, height="content",
    )  # fmt: skip
    if author := result.get("author"):
        st.session_state.setdefault("remembered_author", str(author)[:MAX_REMEMBERED])
    if drafts := result.get("drafts"):  # the browser's list is the longer one: it knows of other tabs
        st.session_state["remembered_drafts"] = str(drafts)[:MAX_REMEMBERED]
    return int(result.get("width") or 0)


def remembered(name: str) -> str:
    """What this browser kept under "author" (the name given last) or "drafts" (ids, comma between), or ''."""
    return st.session_state.get(f"remembered_{name}", "")


def remember(name: str, value: str) -> dict[str, str]:
    """Keep a text for `remembered`; returns what `desk` is to be given so that the browser keeps it too."""
    st.session_state[f"remembered_{name}"] = value
    return {name: value}
