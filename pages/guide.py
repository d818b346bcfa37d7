"""Guide: how to use the app, what its words mean, and its limits."""

from pathlib import Path

import streamlit as st

from ui.shared.page import open_page
from ui.shared.settings import settings_sidebar

open_page("pages/guide.py", "How to use bccseg, what its words mean, and what it cannot do.")
settings_sidebar()
st.markdown((Path(__file__).parents[1] / "ui" / "guide" / "guide.md").read_text(encoding="utf-8"))
