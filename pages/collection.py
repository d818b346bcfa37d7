"""Collection: what has been labelled, review, import and export."""

from ui.page import open_page

open_page("pages/collection.py", "Everything that was submitted: review it, import, export.")
