"""Collection: what has been labelled, review, import and export, and its place on the Hub."""

import streamlit as st

from bccseg.annotation.review import items, queue
from ui.collection.images import show_images, show_queue
from ui.collection.transfer import show_export, show_growth, show_hub, show_import, show_totals
from ui.shared.errors import show_errors
from ui.shared.page import open_page
from ui.shared.storage import store

open_page("pages/collection.py", "Everything that was submitted: review it, take it out, keep it on the Hub.")
with show_errors():
    collection = store()
    found = items(collection)
    if found:
        show_totals(found)
    else:
        st.info("Nothing is collected yet. Correct a segmented smear and submit it, or import a dataset.",
                icon=":material/collections_bookmark:")  # fmt: skip
        st.page_link("pages/correct.py", label="Go to Correct", icon=":material/arrow_forward:")
    tabs = [
        ("Images", lambda: show_images(collection, found)),
        (f"Review ({len(queue(found))})", lambda: show_queue(collection, found)),
        ("Growth", lambda: show_growth(found)),
        ("Export", lambda: show_export(collection, found)),
        ("Import", lambda: show_import(collection)),
        ("Hub", lambda: show_hub(collection)),
    ]
    if not found:
        tabs = tabs[-2:]
    for tab, (_, show) in zip(st.tabs([title for title, _ in tabs]), tabs, strict=True):
        with tab:
            show()
