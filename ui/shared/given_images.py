"""Images that a person gives, on whichever page, on their way to Segment; and the example that anybody may try."""

import streamlit as st

from bccseg.config import VISIT_DAYS, VISIT_MB
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from ui.components.page_drop import page_drop

TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif", "zip"]
EXAMPLE = "synthetic smear (drawn, not photographed).png"
BROUGHT, NUMBER = "images_to_segment", "uploads"


def kept_words() -> str:
    """How long images and results are kept, in one sentence."""
    return (
        f"This server keeps them, with their results, for this browser alone: {VISIT_DAYS} days after your last visit "
        f"and at most {VISIT_MB:,} MB. *Clear all* deletes them."
    )


@st.cache_data(show_spinner=False)
def example_png() -> bytes:
    """The drawn example as a PNG file."""
    from bccseg.imaging.stained_smear import draw_stained_smear

    return png(draw_stained_smear().image)


def ask_for_files(*, disabled: bool = False, folded: bool = False) -> list[Entry]:
    """The uploader, in a container of the key `first_images`, or `more_images` where it is folded into a button; files
    may be dropped anywhere on the page. Returns what was just given.
    """
    number = st.session_state.setdefault(NUMBER, 0)
    files = st.file_uploader(
        "Add images" if folded else "Smear images", TYPES, accept_multiple_files=True, key=f"upload_{number}",
        disabled=disabled, label_visibility="collapsed" if folded else "visible",
        help=f"PNG, JPEG, TIFF (8 or 16 bit, several pages), BMP, WebP, or a zip of them. {kept_words()}",
    )  # fmt: skip
    page_drop()
    if not files:
        return []
    st.session_state[NUMBER] = number + 1  # an empty uploader, ready for more
    return [Entry(file.name, file.getvalue()) for file in files]


def ask_for_example(*, disabled: bool = False) -> list[Entry]:
    """The button that gives the example; returns it when it was pressed."""
    pressed = st.button("Try an example", disabled=disabled, icon=":material/draw:",
                        help="A synthetic smear: drawn by the program, not photographed.")  # fmt: skip
    return [Entry(EXAMPLE, example_png())] if pressed else []


def bring(entries: list[Entry]) -> None:
    """Let Segment take these when it is shown next."""
    st.session_state[BROUGHT] = entries


def take_brought() -> list[Entry]:
    """What another page brought, once."""
    entries: list[Entry] = st.session_state.pop(BROUGHT, [])
    return entries
