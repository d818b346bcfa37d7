"""What this browser remembers from one visit to the next: the name given last, and ids of drafts."""

from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
MAX_CHARACTERS = 2000
NAMES = ("author", "drafts")  # the name given last; ids of drafts, comma between


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    js = (HERE / "local_storage.js").read_text(encoding="utf-8")
    return st.components.v2.component("bccseg_local_storage", html='<div class="local-storage" hidden></div>', js=js)


def local_storage(key: str, values: dict[str, str]) -> None:
    """Put the helper on the page: the browser stores `values` by name, and sends what it has stored; see `remembered`.

    It sends what this visit does not know yet, and so nothing when a page is opened again.
    """
    known = {name: remembered(name) for name in NAMES}
    result = _component()(
        key=key, data={"store": values, "known": known}, default=dict.fromkeys(NAMES, ""),
        on_author_change=lambda: None, on_drafts_change=lambda: None, height="content",
    )  # fmt: skip
    if author := result.get("author"):
        st.session_state.setdefault("remembered_author", str(author)[:MAX_CHARACTERS])
    if drafts := result.get("drafts"):  # the browser's list is the longer one: it knows of other tabs
        st.session_state["remembered_drafts"] = str(drafts)[:MAX_CHARACTERS]


def remembered(name: str) -> str:
    """What this browser stored under one of NAMES, or ''."""
    return st.session_state.get(f"remembered_{name}", "")


def remember(name: str, value: str) -> None:
    """Keep a text for `remembered`; pass it to `local_storage` as well, so that the browser stores it."""
    st.session_state[f"remembered_{name}"] = value
