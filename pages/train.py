"""Train: retrain on corrected labels, watch it, compare, promote."""

import streamlit as st

from ui.shared.errors import show_errors
from ui.shared.page import open_page
from ui.train.few_labels import ask_for_few_labels
from ui.train.history import read_runs, show_history
from ui.train.live_run import show_live
from ui.train.start import ask_to_train

open_page("pages/train.py", "Teach the network your own smears, and see whether it got better.")
with show_errors():
    with st.container():  # also when empty, so that what follows keeps its place and its open tab
        active, ended = read_runs()
        if active:
            st.subheader("Under way", anchor="under-way")
        for run in reversed(active):
            show_live(run)
    start, few, history = st.tabs(["New run", "Classes from a few clicks", "Runs"], key="train_tabs")
    with start:
        ask_to_train()
    with few:
        ask_for_few_labels(ended)
    with history:
        show_history(ended)
