"""Weights: what the shipped networks were trained on and how well they do; trying ones from the Hub."""

import streamlit as st

from bccseg.model.sources import shipped_names
from ui.cards import show_card
from ui.errors import shown
from ui.page import open_page
from ui.settings import settings_sidebar

open_page("pages/weights.py", "The trained networks: what they learned from, and how well they do.")
with shown():
    settings_sidebar()
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
