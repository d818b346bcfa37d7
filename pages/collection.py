"""Collection: what has been labelled, review, import and export, and its place on the Hub."""

import streamlit as st

from bccseg.annotation.review import items
from ui.collection.images import show_images
from ui.collection.importing import show_import
from ui.collection.review import show_queue
from ui.collection.transfer import show_export, show_growth, show_hub, show_totals
from ui.collection.withdraw import show_said, show_withdrawn
from ui.shared.errors import show_errors
from ui.shared.page import open_page
from ui.shared.storage import store

open_page("pages/collection.py", "Everything that was submitted: review it, take it out, keep it on the Hub.")
with show_errors():
    collection = store()
    found = items(collection)
    show_said(collection)
    if not found:
        st.info("Nothing is collected yet. Correct a segmented smear and submit it, or import a dataset.",
                icon=":material/collections_bookmark:")  # fmt: skip
        st.page_link("pages/correct.py", label="Go to Correct", icon=":material/arrow_forward:")
        show_withdrawn(collection)
    parts = {
        "Images": lambda: (show_totals(found), show_images(collection, found)),
        "Review": lambda: show_queue(collection, found),
        "Growth": lambda: (show_totals(found), show_growth(found)),
        "Export": lambda: show_export(collection, found),
        "Import": lambda: show_import(collection),
        "Hub": lambda: show_hub(collection),
    }
    titles = list(parts) if found else ["Import", "Hub"]
    if (part := st.session_state.get("part")) in titles:
        st.session_state["part"] = part  # the first images have come, and with them more parts: stay
    # Only the open one is drawn: the keys of the review queue are its own. The address keeps it over a reload.
    tabs = st.tabs(titles, key="part", on_change="rerun", bind="query-params")
    for tab, title in zip(tabs, titles, strict=True):
        if tab.open:
            with tab:
                parts[title]()
