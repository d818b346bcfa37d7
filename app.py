"""bccseg: the list of pages. Run with `streamlit run app.py`."""

from ui.shared.page import list_pages

list_pages().run()
