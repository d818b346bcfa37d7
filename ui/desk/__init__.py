"""An unseen helper on the page: its width, keys pressed, and what this browser remembers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
NAME = "bccseg_desk"


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
        key=key, data={"keys": keys, "remember": remember or {}}, default={"width": 0, "author": ""},
        on_width_change=lambda: None, on_author_change=lambda: None, on_key_change=pressed, height="content",
    )  # fmt: skip
    if author := result.get("author"):
        st.session_state["remembered_author"] = str(author)[:80]
    return int(result.get("width") or 0)


def remembered_author() -> str:
    """The name this browser gave last, if any."""
    return st.session_state.get("remembered_author", "")
