"""Start: what bccseg is, the way in, and where this browser stopped."""

import streamlit as st

from ui.shared.errors import show_errors
from ui.shared.given_images import are_given
from ui.shared.handover import SEGMENT_PAGE
from ui.shared.page import open_page
from ui.shared.session import visitor_state
from ui.start.resume import show_resume
from ui.start.steps import show_steps
from ui.start.welcome import load_network, show_welcome

open_page("pages/start.py")
with show_errors():
    state = visitor_state()
    if are_given():  # Segment takes them
        st.switch_page(SEGMENT_PAGE)
    show_welcome()
    show_resume(state)
    show_steps()
    with st.container(horizontal=True, key="start_more"):
        st.page_link("pages/guide.py", label="Guide: words, limits, keys", icon=":material/help:")
        st.page_link("pages/weights.py", label="The trained networks", icon=":material/hub:")
    load_network()
