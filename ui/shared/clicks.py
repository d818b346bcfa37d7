"""Buttons whose click is never lost.

Streamlit begins a page anew when something else arrives meanwhile (another click, a component that reports), and then
forgets a button that was pressed but not reached yet. Here a click is noted before the page begins, and the line that
acts on it takes the note away: nothing of Streamlit may stand between the two.
"""

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

NOTED, WHERE = "clicks_noted", "clicks_page"
FRESH_S = 30  # an older click was not reached because its button is gone: it must not act when it comes back


def clicked(label: str, key: str, *, button: Callable[..., bool] = st.button, **options: Any) -> bool:
    """A button; whether it was pressed, for the line that acts on it. `button` may be `st.form_submit_button`."""
    noting_button(label, key, button=button, **options)
    return take_click(key) and not options.get("disabled", False)


def noting_button(label: str, key: str, *, button: Callable[..., bool] = st.button, **options: Any) -> None:
    """A button alone: for several in a row, asked with `take_click` when all stand there."""
    button(label, key=key, on_click=_note, args=(_noted(), key), **options)


def take_click(key: str) -> bool:
    """Whether the button of this key was pressed since this was last asked."""
    was = click_waits(key)
    if was:
        del _noted()[key]
    return was


def click_waits(key: str) -> bool:
    """The same, and the note stays: for work that takes a while, is begun anew if the page is, and ends with
    `take_click`.
    """
    noted = _noted()
    waits = key in noted and time.monotonic() - noted[key] < FRESH_S
    if waits:
        _note(noted, key)  # the work counts from here
    return waits


def forget_clicks_elsewhere(page: str) -> None:
    """A click that was not acted on is not kept for another visit of its page."""
    if st.session_state.get(WHERE) != page:
        _noted().clear()
        st.session_state[WHERE] = page


def _note(noted: dict[str, float], key: str) -> None:
    """The callback. It must not ask for the session's state: there Streamlit may end it."""
    noted[key] = time.monotonic()


def _noted() -> dict[str, float]:
    found: dict[str, float] = st.session_state.setdefault(NOTED, {})
    return found
