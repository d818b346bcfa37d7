"""Correct: mend what the network got wrong, stroke by stroke, and submit it for review."""

import streamlit as st

from ui.bench import bench
from ui.bench_start import ask_to_submit, ask_what_to_correct, reopen_from_address, show_heading, tell_submitted
from ui.bench_view import show_bench
from ui.errors import shown
from ui.page import open_page

open_page("pages/correct.py", "Mend what the network got wrong. Every stroke is saved as you go.")
with shown():
    tell_submitted()
    reopen_from_address()
    work = bench()
    if work is None:
        ask_what_to_correct()
        st.stop()
    show_heading(work)
    show_bench(work)
    ask_to_submit(work)
