"""Ways onto the Correct page: a result of Segment, a file with its mask, a draft; and leaving it by submitting."""

import streamlit as st

from bccseg.accounts.roles import Action, who_may
from bccseg.annotation.drafts import open_draft
from bccseg.config import LICENCES
from bccseg.errors import StoreError
from ui.components.local_storage import local_storage, remember, remembered
from ui.correct.drafts import show_drafts
from ui.correct.from_file import ask_for_pair
from ui.correct.session import CorrectionSession, close_session, current_session, open_session
from ui.shared.account import acting, at_work
from ui.shared.background_sync import saved
from ui.shared.clicks import clicked, leads_on
from ui.shared.errors import plain, show_errors
from ui.shared.handover import (
    CHOSEN,
    CHOSEN_IN_STUDY,
    SEGMENT_PAGE,
    STUDIES_PAGE,
    discard_draft,
    draft_of_result,
    note_change,
    result_of_draft,
    take_over,
    take_up_corrections,
)
from ui.shared.login import ask_to_log_in
from ui.shared.session import visitor_state
from ui.shared.storage import store

REFUSED = "correct_refused"  # why the draft of the address did not open: said until something is opened
MAY_NOT_SUBMIT = """
Submitting needs the role {}. Until then this is a draft of your own: nobody else sees it, and the numbers on
Segment hold your corrections.
"""


def reopen_session() -> None:
    """Open what another page handed over, or, after a reload, the draft that the address names; the address then
    names what is open.
    """
    if (draft := take_over()) is not None:
        open_session(draft)
    named, session = st.query_params.get("draft"), current_session()
    if session is not None:
        st.query_params["draft"] = session.draft.id
        visitor_state().note_draft(session.draft.id)
        st.session_state.pop(REFUSED, None)
    elif named:
        try:
            open_session(open_draft(store(), named))
        except StoreError as error:
            st.session_state[REFUSED] = plain(str(error), 300)
            close_session()
    if refused := st.session_state.get(REFUSED):
        st.warning(refused)


def keep_in_browser(open_draft_id: str = "") -> None:
    """Let this browser know its person's name and drafts, so that a closed tab loses neither."""
    values = {"drafts": open_draft_id} if open_draft_id else {}
    if author := remembered("author"):
        values |= {"author": author}
    if at_work().person.known:  # the server knows their drafts, and the next person at this browser need not
        values = {}
    local_storage("local_storage", values)


def ask_what_to_correct() -> None:
    """Nothing is open yet: offer what there is."""
    keep_in_browser()
    results = visitor_state().results
    st.subheader("Correct an image", anchor=False)
    show_drafts()
    if results:
        names = [f"{k}. {stored.measured.name}" for k, stored in enumerate(results, start=1)]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            pick = st.selectbox("A result of Segment", range(len(names)), format_func=names.__getitem__, width=420)
            if clicked("Correct it", "correct_result", type="primary", icon=":material/draw:"):
                open_session(draft_of_result(visitor_state(), pick or 0))
                st.rerun()
    else:
        st.info("Segment a smear first; then mend here what the network got wrong.", icon=":material/biotech:")
        st.page_link("pages/segment.py", label="Go to Segment", icon=":material/arrow_forward:")
    with st.expander("An image with its mask from a file", expanded=not results, icon=":material/upload_file:"):
        ask_for_pair()


def show_heading(session: CorrectionSession) -> None:
    """What is open, and the way out."""
    with st.container(horizontal=True, vertical_alignment="center", key="correct_head", gap="small"):
        st.markdown(f"**{plain(session.draft.info.name)}**", width="stretch")
        if (index := result_of_draft(session.draft)) is not None and leads_on(
            "See the numbers", icon=":material/monitoring:", key="correct_numbers",
            help="Back to Segment: its picture, table, plots and downloads hold your corrections.",
        ):  # fmt: skip
            st.session_state[CHOSEN] = index
            st.switch_page(SEGMENT_PAGE)
        if (study := session.draft.info.study) and leads_on(
            "Back to the study", icon=":material/science:", key="correct_study",
            help="Its numbers hold your corrections.",
        ):  # fmt: skip
            st.session_state[CHOSEN_IN_STUDY] = session.draft.info.study_image
            st.switch_page(STUDIES_PAGE, query_params={"study": study})
        st.button("Close", icon=":material/close:", on_click=close_session, key="correct_close",
                  help="The draft stays; this browser remembers it.")  # fmt: skip
        with st.popover("Discard", icon=":material/delete_forever:"):
            st.markdown("Delete this draft and all its edits? This cannot be undone.")
            st.button("Discard the draft", on_click=_discard, args=(session,), type="primary", key="correct_discard")
    keep_in_browser(session.draft.id)


def _discard(session: CorrectionSession) -> None:
    discard_draft(session.draft)
    close_session()


def ask_to_submit(session: CorrectionSession) -> None:
    """The form at the end: who, what, and consent."""
    st.subheader("Submit", anchor=False)
    who = at_work()
    if not who.may(Action.SUBMIT):
        st.info(MAY_NOT_SUBMIT.format(who_may(Action.SUBMIT)), icon=":material/lock:")
        if not who.person.known:
            ask_to_log_in("submit")
        return
    with st.form("submit_form", border=True):
        left, right = st.columns(2)
        known = who.person.name if who.shared else remembered("author")
        author = left.text_input("Your name", value=known, max_chars=80, key=f"author_{known}", disabled=who.shared,
                                 help="Stands beside your labels. " + (
                                     "It is that of your login." if who.shared else "This browser remembers it."
                                 ))  # fmt: skip
        licence = right.selectbox(
            "Licence of this image and your labels", LICENCES, help="What others may do with them."
        )
        comment = st.text_area("Comment", max_chars=2000, height=80, placeholder="What the reviewer should know")
        consent = st.checkbox("I may share this image, and I agree that it and my labels join the collection under "
                              "this licence.")  # fmt: skip
        sent = clicked(
            "Submit for review", "submit", type="primary", icon=":material/send:", button=st.form_submit_button
        )
    if not sent:
        return
    if not author.strip():
        st.error("Please give your name.")
    elif not consent:
        st.error("Please tick that the image may join the collection.")
    else:
        _submit(session, author.strip(), comment, licence)


def _submit(session: CorrectionSession, author: str, comment: str, licence: str) -> None:
    draft, who, collection = session.draft, at_work(), store()
    author = who.person.name if who.shared else author
    with show_errors():
        note_change(draft, author)
        take_up_corrections(visitor_state())  # while the draft is there: afterwards nothing could be measured
        with acting(Action.SUBMIT, draft.info.name, draft.info.parent or "") as note:
            version = draft.submit(collection, author, comment, licence, who.person.account)
            note.text = f"version {version.id} of image {version.image[:16]}"
        saved(collection)
        remember("author", author)
        close_session()
        st.session_state["submitted"] = (version.cells, version.edit_count, version.class_counts)
        st.rerun()


def show_submitted() -> None:
    """After a submission: thanks, and where it went."""
    if done := st.session_state.get("submitted"):
        cells, edits, counts = done
        words = {one.name: one.words for one in store().class_set().known(counts)}
        classes = ", ".join(f"{count:,} × {plain(words.get(name, name), 60)}" for name, count in counts.items())
        st.success(f"Submitted: {cells:,} cells, {edits:,} edits{f' ({classes})' if classes else ''}. It waits for "
                   "review in the collection.", icon=":material/check_circle:")  # fmt: skip
        st.page_link("pages/collection.py", label="Go to the collection", icon=":material/arrow_forward:")
