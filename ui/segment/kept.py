"""Of what the server keeps for this browser: how long, what was left unfinished, and what could not be kept."""

import streamlit as st

from bccseg.config import VISIT_DAYS, VISIT_MB
from ui.segment.progress import stopped_words
from ui.shared.errors import plain
from ui.shared.session import VisitorState
from ui.shared.settings import Chosen


def short_kept_words() -> str:
    """The same in a few words."""
    return f"Kept for this browser, {VISIT_DAYS} days and {VISIT_MB:,} MB at most."


def show_kept(state: VisitorState, chosen: Chosen, *, busy: bool) -> None:
    """What is still to be segmented, and what will not be there after a reload."""
    left = sum(file.left for file in state.waiting)
    if left and not busy:
        with st.container(horizontal=True, vertical_alignment="center"):
            stopped = f"{stopped_words(state.job)} " if state.job and state.job.stopped else ""
            words = f"{stopped}{left} file{'s are' if left > 1 else ' is'} not segmented yet."
            st.info(words, icon=":material/pending:")
            st.button("Segment the rest", on_click=state.segment_rest, args=(chosen,), icon=":material/resume:")
    if state.trouble:
        st.warning(plain(state.trouble, 600), icon=":material/save:")
    if state.left_out:
        st.warning(
            f"There is more than the {VISIT_MB:,} MB that this server keeps for a browser: "
            f"the oldest {state.left_out} image{'s' if state.left_out > 1 else ''} will be gone after a reload. "
            "Download the results, then clear all.",
            icon=":material/save:",
        )
