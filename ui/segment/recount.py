"""Pixel size, smallest cell and cut cells, applied to results that are there; the network is not asked again."""

import streamlit as st

from bccseg.report.stored_result import StoredResult
from ui.shared.errors import plain
from ui.shared.session import VisitorState
from ui.shared.settings import Chosen


def recount_shown(state: VisitorState, index: int, chosen: Chosen) -> StoredResult:
    """The result that is shown, with what is set now."""
    _recount(state, state.results[index], chosen)
    return state.results[index]


def recount_others(state: VisitorState, chosen: Chosen) -> None:
    """All others; a bar shows how far it is. A click in between goes on where this stopped."""
    wanted = chosen.settings, chosen.pixel_size_um, chosen.pixel_size_from
    waiting = [stored for stored in state.results if not stored.counts_as(*wanted)]
    if not waiting:
        return
    bar = st.progress(0.0)
    for k, stored in enumerate(waiting):
        bar.progress(k / len(waiting), text=f"Measuring anew, {k + 1} of {len(waiting)}: {plain(stored.measured.name)}")
        _recount(state, stored, chosen)
    bar.empty()


def _recount(state: VisitorState, stored: StoredResult, chosen: Chosen) -> None:
    new = stored.recounted(chosen.settings, chosen.pixel_size_um, chosen.pixel_size_from)
    if new is stored:
        return
    with state.lock:
        for k, there in enumerate(state.results):
            if there is stored:  # and not one that a job or another tab has put in its place meanwhile
                state.results[k] = new
    state.changed()
