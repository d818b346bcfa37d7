"""Train: retrain on corrected labels, watch it, compare, promote."""

import streamlit as st

from bccseg.train.jobs import ALIVE, all_runs
from ui.collection import runs_root
from ui.errors import shown
from ui.page import open_page
from ui.train_live import show_live
from ui.train_runs import show_history
from ui.train_start import ask_to_train

open_page("pages/train.py", "Teach the network your own smears, and see whether it got better.")
with shown():
    alive = [run for run in all_runs(runs_root()) if run.progress.state in ALIVE]
    with st.container():  # also when empty, so that what follows keeps its place and its open tab
        for run in reversed(alive):
            show_live(run)
    start, history = st.tabs(["New run", "Runs"], key="train_tabs")
    with start:
        ask_to_train()
    with history:
        show_history()
