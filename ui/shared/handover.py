"""From any page to Correct: the draft that is to be opened there."""

import streamlit as st

from bccseg.annotation.drafts import Draft, DraftInfo, create_draft
from ui.shared.storage import store
from ui.shared.stored_result import StoredResult

CORRECT_PAGE = "pages/correct.py"
KEY = "draft_to_correct"


def hand_over(draft: Draft) -> None:
    """Let the Correct page open this draft when it is shown next."""
    st.session_state[KEY] = draft


def take_over() -> Draft | None:
    """The draft that was handed over, once; for the Correct page."""
    return st.session_state.pop(KEY, None)


def draft_of_result(stored: StoredResult) -> Draft:
    """A new draft that starts from a segmented image. Raises StoreError."""
    result = stored.unpack()
    info = DraftInfo(
        name=result.name, pixel_size_um=result.pixel_size_um, diameter_px=result.diameter_px, weights=result.weights,
        scores=[round(float(s), 4) for s in result.scores],
        rejected=[[round(float(v), 2) for v in row] for row in result.rejected],
    )  # fmt: skip
    return create_draft(store(), result.image, result.labels, info)
