"""From any page to Correct and back: the draft that is to be opened there, and what it changed here."""

from dataclasses import replace

import streamlit as st

from bccseg.annotation.drafts import (
    Draft,
    draft_from_version,
    draft_info,
    log_size,
    open_draft,
)
from bccseg.annotation.records import Version
from bccseg.errors import StoreError
from ui.components.local_storage import remembered
from ui.shared.account import at_work, author
from ui.shared.session import VisitorState, visitor_state
from ui.shared.storage import store
from ui.shared.stored_drafts import begin_draft, corrected
from ui.shared.study_drafts import forget_study_draft, take_up_study_draft

CORRECT_PAGE, SEGMENT_PAGE, STUDIES_PAGE = "pages/correct.py", "pages/segment.py", "pages/studies.py"
KEY = "draft_to_correct"
CHANGED = "changed_drafts"  # drafts that were worked on since Segment was drawn, by id
OPEN = "draft_at_work"  # the one that was worked on last in this tab, so that all pages have the same object
CHOSEN = "chosen_image"  # key of the choice of an image on Segment
CHOSEN_IN_STUDY = "study_image"  # id of the image that Studies shows


def hand_over(draft: Draft) -> None:
    """Let the Correct page open this draft when it is shown next."""
    st.session_state[KEY] = draft


def take_over() -> Draft | None:
    """The draft that was handed over, once; for the Correct page."""
    return st.session_state.pop(KEY, None)


def draft_of_result(state: VisitorState, index: int) -> Draft:
    """The draft that was begun from a result, or a new one. Raises StoreError.

    Two clicks, or two tabs, at once begin one.
    """
    at_work = st.session_state.get(OPEN)  # before the lock: Streamlit may end a run where it asks for this
    with state.lock:
        return _draft_of_result(state, index, at_work)


def _draft_of_result(state: VisitorState, index: int, at_work: Draft | None) -> Draft:
    stored = state.results[index]
    if stored.draft:
        try:
            same = at_work and at_work.id == stored.draft and at_work.folder.exists() and not at_work.stale
            draft = at_work if at_work and same else open_draft(store(), stored.draft)
        except StoreError:
            pass  # submitted or discarded since: begin anew from the cells as they are
        else:
            state.note_draft(draft.id)
            return draft
    draft, edits = begin_draft(stored)
    state.results[index] = replace(stored, draft=draft.id, edits_before=edits, draft_size=0)
    state.note_draft(draft.id)
    return draft


def draft_of_version(state: VisitorState, version: Version) -> Draft:
    """The draft that this browser began from a version of the collection, or a new one. Raises StoreError."""
    for known in known_drafts(state):
        info = draft_info(store(), known)
        if info and info.parent == version.id:
            draft = open_draft(store(), known)
            break
    else:
        draft = draft_from_version(store(), version)
    state.note_draft(draft.id)
    return draft


def known_drafts(state: VisitorState) -> list[str]:
    """Ids of the drafts of this browser, the last one first; some may be done."""
    mine = [] if at_work().person.known else remembered("drafts").split(",")  # the browser may be another's, too
    return list(dict.fromkeys([*state.drafts, *filter(None, mine)]))


def note_change(draft: Draft, author: str) -> None:
    """A draft is being worked on; what it changes is measured when somebody looks, not at every stroke."""
    st.session_state.setdefault(CHANGED, {})[draft.id] = (draft, author)
    st.session_state[OPEN] = draft


def result_of_draft(draft: Draft) -> int | None:
    """Which of this visit's results a draft was begun from."""
    return next((k for k, stored in enumerate(visitor_state().results) if stored.draft == draft.id), None)


def discard_draft(draft: Draft) -> None:
    """Delete a draft; the result it was begun from is again what it was before."""
    st.session_state.get(CHANGED, {}).pop(draft.id, None)
    if (index := result_of_draft(draft)) is not None:
        results = visitor_state().results
        results[index] = replace(results[index].proposal, draft="", edits_before=0, draft_size=0)
        visitor_state().changed()
    forget_study_draft(draft)
    draft.discard()


def take_up_corrections(state: VisitorState) -> None:
    """Measure the results anew whose drafts were worked on since, here, in another tab or before a reload; and images
    of studies that were worked on here.
    """
    open_here = st.session_state.pop(CHANGED, {})
    for draft, by in open_here.values():
        take_up_study_draft(draft, by)
    for index, stored in enumerate(list(state.results)):
        if not stored.draft:
            continue
        draft, by = open_here.get(stored.draft, (None, author()))
        if draft is None or draft.stale:
            if log_size(store(), stored.draft) in (None, stored.draft_size):  # done, or nothing new
                continue
            draft = open_draft(store(), stored.draft)
        if draft.size != stored.draft_size:
            new = corrected(stored, draft, by)
            with state.lock:
                if index < len(state.results) and state.results[index] is stored:  # else another run was faster
                    state.results[index] = new
    state.changed()
