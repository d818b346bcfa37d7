"""This tab's part in what its browser has: see `ui.shared.visitor`."""

import hashlib
import logging
from typing import Any

import streamlit as st

from bccseg.errors import StoreError
from ui.components.local_storage import browser_token
from ui.shared import widget_state
from ui.shared.account import at_work
from ui.shared.settings import DEFAULTS, DEVICE_TITLES, weight_choices
from ui.shared.visitor import VisitorState
from ui.shared.visits import visits

__all__ = ["VisitorState", "note_settings", "visitor_state"]

KEY = "session"
log = logging.getLogger("bccseg")


def visitor_state() -> VisitorState:
    """What this browser has, also after a reload and in another tab; before the browser is known, what this tab has."""
    state: VisitorState | None = st.session_state.get(KEY)
    token = _own_token()
    known = state is not None and state.files is not None
    if token and not known:
        try:
            with st.spinner("Fetching your images …"):  # many, after a restart of the server, take a moment
                shared = visits().of(token, state)
        except StoreError as error:
            log.warning("nothing is kept of this visit: %s", error)
            state = state or VisitorState()
            state.trouble = f"Your images cannot be kept for later. {error}"
        else:
            if shared is not state:
                widget_state.reset(_valid(shared.sidebar))
            state = shared
            _take_along(shared)
    state = st.session_state[KEY] = state or VisitorState()
    state.changed()  # what the last run of the page changed
    return state


def _own_token() -> str:
    """What the visit is kept under: the browser's token, and with a login that of the person at this browser, so that
    whoever logs in here next finds nothing of theirs.
    """
    token, account = browser_token(), at_work().person.account
    return hashlib.sha256(f"{token} {account}".encode()).hexdigest() if token and account else token


def _take_along(state: VisitorState) -> None:
    """What was done in this browser before the login goes on as the person's, and is left behind nowhere."""
    if not at_work().person.known:
        return
    before = visits().of(browser_token())
    if before.busy or not (before.results or before.sources or before.waiting or before.drafts):
        return
    state.absorb(before)
    for draft in reversed(before.drafts):
        state.note_draft(draft)
    state.save()
    before.drafts = []
    before.clear()


def note_settings(state: VisitorState) -> None:
    """After the sidebar was drawn: its values are kept with the visit."""
    values = st.session_state.get(widget_state.STORE, {})
    state.note_settings({key: values[key] for key in DEFAULTS if key in values})


def _valid(values: dict[str, Any]) -> dict[str, Any]:
    """Of settings kept earlier those that the sidebar still offers."""
    offered = {"set_weights": weight_choices(), "set_device": list(DEVICE_TITLES)}
    return {
        key: value
        for key, value in values.items()
        if key in DEFAULTS
        and (DEFAULTS[key] is None or value is None or type(value) is type(DEFAULTS[key]))
        and (key not in offered or value in offered[key])
    }
