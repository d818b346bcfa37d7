"""Weights: what the shipped networks were trained on and how well they do; trying ones from the Hub."""

import streamlit as st

from bccseg.model.weight_sources import shipped_names
from ui.shared.errors import show_errors
from ui.shared.page import open_page
from ui.shared.settings import settings_sidebar
from ui.weights.cards import show_card
from ui.weights.promoted import show_promoted

open_page("pages/weights.py", "The trained networks: what they learned from, and how well they do.")
with show_errors():
    settings_sidebar()
    show_promoted()
    names = shipped_names()
    for tab, name in zip(st.tabs(names), names, strict=True):
        with tab:
            show_card(name)
    st.subheader("From the Hugging Face Hub", anchor=False)
    st.markdown(
        "Choose **From the Hugging Face Hub…** under *Weights* in the sidebar and type `hf://owner/repo`, or "
        "`hf://owner/repo@revision` for a certain version. The repository must hold `model.safetensors` and the "
        "`config.json` that bccseg writes; pickled weights are refused. What was fetched once works offline, and "
        "the exact commit in use is shown in the sidebar."
    )
