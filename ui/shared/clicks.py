"""Buttons whose click is never lost.

Streamlit begins a page anew when something else arrives meanwhile (another click, a component that reports), and then
forgets a button that was pressed but not reached yet. Here a click is noted before the page begins, and the line that
acts on it takes the note away: nothing of Streamlit may stand between the two.

Callbacks themselves it ends where they first ask for the session's state; `keep_callbacks_whole` lets them run to their
end.
"""

import time
from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any

import streamlit as st
from streamlit.runtime.state.safe_session_state import SafeSessionState

NOTED, WHERE, ONE_AT_A_TIME = "clicks_noted", "clicks_page", "callbacks_one_at_a_time"
FRESH_S = 30  # an older click was not reached because its button is gone: it must not act when it comes back


def clicked(label: str, key: str, *, button: Callable[..., bool] = st.button, **options: Any) -> bool:
    """A button; whether it was pressed, for the line that acts on it. `button` may be `st.form_submit_button`."""
    noting_button(label, key, button=button, **options)
    return take_click(key) and not options.get("disabled", False)


def leads_on(label: str, key: str, **options: Any) -> bool:
    """A button that leads to another page: its click counts until that page is there, however often this one begins
    anew meanwhile.
    """
    noting_button(label, key, **options)
    return click_waits(key) and not options.get("disabled", False)


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


def keep_callbacks_whole() -> None:
    """Let no callback of this process be ended half-way, or before it began. Streamlit has no setting for it: with
    `runner.fastReruns` off it ends them all the same.

    It ends them so that a page that was begun anew meanwhile has the session's state for itself: that page's own
    callbacks, which come first, now wait instead.
    """
    call = SafeSessionState.on_script_will_rerun
    if hasattr(call, "__wrapped__"):
        return

    @wraps(call)
    def whole(self: SafeSessionState, *args: Any, **options: Any) -> None:
        ends_here = self._yield_callback
        if ONE_AT_A_TIME not in self._state:
            self._state[ONE_AT_A_TIME] = RLock()
        with self._state[ONE_AT_A_TIME]:
            object.__setattr__(self, "_yield_callback", lambda: None)  # plain assignment is one to the session's state
            try:
                call(self, *args, **options)
            finally:
                object.__setattr__(self, "_yield_callback", ends_here)

    SafeSessionState.on_script_will_rerun = whole  # type: ignore[method-assign]


def _note(noted: dict[str, float], key: str) -> None:
    noted[key] = time.monotonic()


def _noted() -> dict[str, float]:
    found: dict[str, float] = st.session_state.setdefault(NOTED, {})
    return found
