"""Asking for images: upload, or a drawn example; and telling which files could not be used."""

import io

import streamlit as st
from PIL import Image

from bccseg.io.archive import Entry
from ui.segment.kept import kept_words
from ui.shared.errors import plain
from ui.shared.session import VisitorState

TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif", "zip"]
EXAMPLE = "synthetic smear (drawn, not photographed).png"


@st.cache_data(show_spinner=False)
def example_png() -> bytes:
    """The drawn example as a PNG file."""
    from bccseg.imaging.synthetic import draw_smear

    buffer = io.BytesIO()
    Image.fromarray(draw_smear()[0]).save(buffer, "PNG")
    return buffer.getvalue()


def ask_for_images(state: VisitorState, *, busy: bool) -> list[Entry]:
    """Files that were just given; empty if none."""
    number = st.session_state.setdefault("uploads", 0)
    something = bool(state.results or state.failures or state.waiting)
    with st.container(horizontal=True, vertical_alignment="center", key="more_images" if something else None):
        # with results in one row: the picture comes first
        files = st.file_uploader(
            "Smear images", TYPES, accept_multiple_files=True, key=f"upload_{number}", disabled=busy,
            help="PNG, JPEG, TIFF (8 or 16 bit, several pages), BMP, WebP, or a zip of them. "
                 f"{kept_words()}",
            label_visibility="collapsed" if something else "visible", width=380 if something else "stretch",
        )  # fmt: skip
        example = st.button("Try an example", disabled=busy, icon=":material/draw:",
                            help="A synthetic smear: drawn by the program, not photographed.")  # fmt: skip
        if something:
            st.button("Clear all", on_click=state.clear, disabled=busy, icon=":material/delete:",
                      help="Delete all images and results of this browser, here and on the server. "
                           f"{kept_words()}")  # fmt: skip
    if files:
        st.session_state["uploads"] += 1  # an empty uploader, ready for more
        return [Entry(file.name, file.getvalue()) for file in files]
    if example:
        return [Entry(EXAMPLE, example_png())]
    if not (something or busy):
        st.info("Upload one or more smear photographs, or try the example. Cells are outlined at once.",
                icon=":material/upload:")  # fmt: skip
    return []


def show_failures(state: VisitorState) -> None:
    """Files that could not be read, each with its reason."""
    if not state.failures:
        return
    with st.expander(f"{len(state.failures)} file(s) could not be used", icon=":material/error:", expanded=True):
        for name, reason in state.failures:
            st.markdown(f"**{plain(name)}**: {plain(reason, 600)}")
