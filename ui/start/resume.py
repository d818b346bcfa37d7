"""Where this browser stopped: results, files that wait, and the draft at work."""

import streamlit as st

from bccseg.annotation.drafts import draft_info, open_draft
from bccseg.errors import StoreError
from ui.components.local_storage import local_storage
from ui.shared.clicks import leads_on
from ui.shared.errors import plain
from ui.shared.handover import CORRECT_PAGE, SEGMENT_PAGE, hand_over, known_drafts
from ui.shared.session import VisitorState
from ui.shared.storage import store


def show_resume(state: VisitorState) -> None:
    """What there is to go on with; nothing at a first visit."""
    local_storage("local_storage", {})  # drafts that this browser knows of
    draft = _last_draft(state)
    if not (state.results or state.waiting or draft):
        return
    with st.container(border=True, key="resume"):
        st.markdown("**Go on where you stopped**")
        if state.results or state.waiting:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f":material/biotech: {_results_in_words(state)}", width="stretch")
                if leads_on("Continue on Segment", "resume_segment", type="primary", icon=":material/arrow_forward:"):
                    st.switch_page(SEGMENT_PAGE)
        if draft:
            name, identity = draft
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f":material/draw: A correction of **{plain(name)}**", width="stretch")
                if leads_on("Continue correcting", "resume_correct", icon=":material/arrow_forward:"):
                    hand_over(open_draft(store(), identity))
                    st.switch_page(CORRECT_PAGE)


def _results_in_words(state: VisitorState) -> str:
    count = len(state.results)
    words = []
    if count:
        cells = sum(stored.measured.summary.cell_count for stored in state.results)
        last = plain(state.results[-1].measured.name)
        images = "**1 image**" if count == 1 else f"**{count:,} images**"
        words.append(f"{images} with {cells:,} cells, {'' if count == 1 else 'the last one '}{last}")
    left = sum(file.left for file in state.waiting)
    if left:
        now = "being segmented" if state.busy else "not segmented yet"
        words.append(f"{left:,} file{'' if left == 1 else 's'} {now}")
    return "; ".join(words)


def _last_draft(state: VisitorState) -> tuple[str, str] | None:
    """Name of the image, and id, of the draft that was worked on last and is still there."""
    for identity in known_drafts(state):
        try:
            info = draft_info(store(), identity)
        except StoreError:
            continue
        if info:
            return info.name, identity
    return None
