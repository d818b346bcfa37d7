"""Collection: what has been labelled, review, import and export, and its place on the Hub."""

import streamlit as st

from bccseg.labels.review import items, queue
from ui.collection import store
from ui.collection_view import show_export, show_hub, show_images, show_import, show_queue, show_totals
from ui.errors import shown
from ui.page import open_page

open_page("pages/collection.py", "Everything that was submitted: review it, take it out, keep it on the Hub.")
with shown():
    collection = store()
    found = items(collection)
    if not found:
        st.info("Nothing is collected yet. Correct a segmented smear and submit it, or import a dataset.",
                icon=":material/collections_bookmark:")  # fmt: skip
        st.page_link("pages/correct.py", label="Go to Correct", icon=":material/arrow_forward:")
    else:
        show_totals(found)
    titles = ["Images", f"Review ({len(queue(found))})", "Export", "Import", "Hub"]
    images, review, export, bring, hub = st.tabs(titles, default="Import" if not found else None, key="collection_tabs")
    with images:
        if found:
            show_images(collection, found)
    with review:
        show_queue(collection, found)
    with export:
        show_export(collection, found)
    with bring:
        show_import(collection)
    with hub:
        show_hub(collection)
