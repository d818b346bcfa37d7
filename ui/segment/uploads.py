"""The heading of Segment with its uploader, and which files could not be used."""

import streamlit as st

from ui.shared.errors import BANNER, plain
from ui.shared.given_images import ask_for_example, ask_for_files, kept_words
from ui.shared.page import show_title
from ui.shared.session import VisitorState


def ask_for_images(state: VisitorState, *, busy: bool) -> None:
    """The heading, with the uploader."""
    if state.results or state.failures or state.waiting or busy:
        _ask_for_more(state, busy=busy)
        return
    show_title("Segment", "Find, count and measure the cells of blood smears.")
    with st.container(key="first_images"):
        ask_for_files()
        ask_for_example()
    st.info("Upload one or more smear photographs, or try the example. Cells are outlined at once.",
            icon=":material/upload:")  # fmt: skip


def _ask_for_more(state: VisitorState, *, busy: bool) -> None:
    """With images on the page the uploader is a button beside the heading."""
    with st.container(horizontal=True, vertical_alignment="center", key="page_title", gap="small"):
        st.header("Segment", anchor=False, width="content")
        st.caption(BANNER, width="stretch")
        with st.container(horizontal=True, vertical_alignment="center", key="more_images", width="content"):
            ask_for_files(disabled=busy, folded=True)
            st.button("Clear all", on_click=state.clear, disabled=busy, icon=":material/delete:",
                      help="Delete all images and results of this browser, here and on the server. "
                           f"{kept_words()}")  # fmt: skip


def show_failures(state: VisitorState) -> None:
    """Files that could not be read, each with its reason."""
    if not state.failures:
        return
    with (
        st.container(key="failures"),
        st.expander(f"{len(state.failures)} file(s) could not be used", icon=":material/error:", expanded=True),
    ):
        for name, reason in state.failures:
            st.markdown(f"**{plain(name)}**: {plain(reason, 600)}")
