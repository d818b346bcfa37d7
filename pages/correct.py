"""Correct: mend what the network got wrong, stroke by stroke, and submit it for review."""

import streamlit as st

from ui.correct.editor import show_editor
from ui.correct.session import current_session
from ui.correct.start import ask_to_submit, ask_what_to_correct, reopen_session, show_heading, show_submitted
from ui.shared.account import author
from ui.shared.errors import show_errors
from ui.shared.handover import note_change
from ui.shared.page import open_page, show_title

open_page("pages/correct.py")  # with a correction open the picture needs the room of the heading
with show_errors():
    reopen_session()
    session = current_session()
    if session is None:
        show_title("Correct", "Mend what the network got wrong. Every stroke is saved as you go.")
        show_submitted()
        ask_what_to_correct()
        st.stop()
    note_change(session.draft, author())
    show_heading(session)
    show_editor(session)
    ask_to_submit(session)
