"""bccseg: the list of pages. Run with `streamlit run app.py`."""

import streamlit as st

from ui.page import PAGES

st.navigation([st.Page(page.path, title=page.title, icon=page.icon, default=page.default) for page in PAGES]).run()
