"""An unseen helper on the page: reports which keys were pressed, and how wide the page is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    js = (HERE / "hotkeys.js").read_text(encoding="utf-8")
    return st.components.v2.component("bccseg_hotkeys", html='<div class="hotkeys" hidden></div>', js=js)


def hotkeys(key: str, actions: dict[str, str], on_action: Callable[[str], None]) -> int:
    """Listen for keys; returns the width of the place the helper is in, in px, 0 until it is known.

    actions: by key, as KeyboardEvent.key names it, letters in lower case. The fragment that this is in also
    runs again a moment after something was drawn on a `draw_surface`, which is a fragment of its own.
    """

    def pressed() -> None:
        if action := st.session_state[key].get("action"):
            on_action(action)

    result = _component()(
        key=key, data={"actions": actions}, default={"width": 0}, on_width_change=lambda: None,
        on_drawn_change=lambda: None, on_action_change=pressed, height="content",
    )  # fmt: skip
    return int(result.get("width") or 0)
