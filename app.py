"""bccseg: the list of pages. Run with `streamlit run app.py`."""

from ui.page import list_pages

list_pages().run()
