"""What the server keeps of the person at work, for how long, and how it is deleted."""

import streamlit as st

from bccseg.annotation.drafts import open_draft
from bccseg.config import DRAFT_DAYS, VISIT_DAYS, VISIT_MB
from bccseg.errors import StoreError
from ui.shared.account import at_work
from ui.shared.handover import discard_draft, known_drafts
from ui.shared.session import visitor_state
from ui.shared.storage import store

SAID = "kept_said"


def show_kept_data() -> None:
    """Images, results and drafts: how long, and the button that deletes them now."""
    state, who = visitor_state(), at_work()
    st.subheader("What is kept of you", anchor=False)
    drafts = (
        f"Drafts: {DRAFT_DAYS} days after their last edit." if who.shared else "Drafts stay until you discard them."
    )
    st.markdown(
        f"* Images and results of Segment: {VISIT_DAYS} days after the last visit of this browser, at most "
        f"{VISIT_MB:,} MB.\n* {drafts}\n* What you submitted is the collection's: it is taken out on the page "
        "Collection, where an image can also be deleted for good.\n"
        + ("* The audit log keeps your name beside what you did; it holds no images.\n" if who.shared else "")
    )
    if said := st.session_state.pop(SAID, ""):
        st.success(said)
    with st.popover("Delete my images, results and drafts", icon=":material/delete:"):
        st.markdown("Everything of this browser that was not submitted is deleted now. This cannot be undone.")
        st.button("Delete them", type="primary", on_click=_delete, key="delete_mine", disabled=state.busy)


def _delete() -> None:
    state = visitor_state()
    mine = known_drafts(state)
    for draft in mine:
        try:
            discard_draft(open_draft(store(), draft))
        except StoreError:  # submitted or discarded since
            continue
    state.drafts = []
    state.clear()
    st.session_state[SAID] = "Your images, results and drafts are deleted."
