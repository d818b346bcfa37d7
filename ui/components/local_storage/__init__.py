"""What this browser remembers from one visit to the next: its token, the name given last, and ids of drafts."""

import re
from pathlib import Path
from typing import Any

import streamlit as st

from bccseg.config import VISIT_DAYS

HERE = Path(__file__).parent
MAX_CHARACTERS = 2000
NAMES = ("author", "drafts")  # the name given last; ids of drafts, comma between
FRAMED = "framed"  # whether the page is shown inside another one: yes or no
VISITOR = "visitor"  # the token by which a browser is known again; the browser makes it up
COOKIE = "bccseg_visitor"  # the same as a cookie, so that it is there before anything is drawn
TOKEN = re.compile(r"[0-9a-f]{64}")


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    js = (HERE / "local_storage.js").read_text(encoding="utf-8")
    return st.components.v2.component("bccseg_local_storage", html='<div class="local-storage" hidden></div>', js=js)


def local_storage(key: str, values: dict[str, str], names: tuple[str, ...] = NAMES) -> None:
    """Put the helper on the page: the browser stores `values` by name, and sends what it has stored of `names`; see
    `remembered`.

    It sends what this visit does not know yet, and so nothing when a page is opened again.
    """
    known = {name: remembered(name) for name in names}
    result = _component()(
        key=key, data={"store": values, "known": known, "days": VISIT_DAYS}, default=dict.fromkeys(names, ""),
        height="content", **{f"on_{name}_change": lambda: None for name in names},
    )  # fmt: skip
    for name in names:
        value = str(result.get(name) or "")[:MAX_CHARACTERS]
        if value and (name == "drafts" or not remembered(name)):  # the browser's list of drafts is the longer one: it
            st.session_state[f"remembered_{name}"] = value  # knows of other tabs


def browser_token() -> str:
    """The token of this browser, 64 hex digits; '' before it is known, or where the browser keeps nothing."""
    token = remembered(VISITOR) or str(st.context.cookies.get(COOKIE, ""))
    if not TOKEN.fullmatch(token):
        return ""
    remember(VISITOR, token)  # the same one as long as this tab is open
    return token


def remembered(name: str) -> str:
    """What this browser stored under one of NAMES, or ''."""
    return st.session_state.get(f"remembered_{name}", "")


def remember(name: str, value: str) -> None:
    """Keep a text for `remembered`; pass it to `local_storage` as well, so that the browser stores it."""
    st.session_state[f"remembered_{name}"] = value
