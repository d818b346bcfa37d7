"""Images that a person gives, on whichever page, on their way to Segment; and the example that anybody may try."""

import streamlit as st

from bccseg.config import VISIT_DAYS, VISIT_MB
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from ui.components.page_drop import page_drop

TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif", "zip"]
EXAMPLE = "synthetic smear (drawn, not photographed).png"
GIVEN, NUMBER = "images_to_segment", "uploads"


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


def ask_for_files(*, disabled: bool = False, folded: bool = False) -> None:
    """The uploader, in a container of the key `first_images`, or `more_images` where it is folded into a button; files
    may be dropped anywhere on the page.
    """
    key = f"upload_{st.session_state.setdefault(NUMBER, 0)}"
    st.file_uploader(
        "Add images" if folded else "Smear images", TYPES, accept_multiple_files=True, key=key, on_change=_give_files,
        args=(key,), disabled=disabled, label_visibility="collapsed" if folded else "visible",
        help=f"PNG, JPEG, TIFF (8 or 16 bit, several pages), BMP, WebP, or a zip of them. {kept_words()}",
    )  # fmt: skip
    page_drop()


def ask_for_example() -> None:
    """The button that gives the example."""
    st.button("Try an example", on_click=_give_example, icon=":material/draw:", key="try_example",
              help="A synthetic smear: drawn by the program, not photographed.")  # fmt: skip


def are_given() -> bool:
    """Whether there are images that nobody took yet."""
    return bool(st.session_state.get(GIVEN))


def take_given() -> list[Entry]:
    """What was given, on this page or another, once. What takes them stands in the same statement: see `clicks`."""
    entries: list[Entry] = st.session_state.pop(GIVEN, [])
    return entries


def _give_files(key: str) -> None:
    st.session_state[NUMBER] += 1  # an empty uploader, ready for more
    _give([Entry(file.name, file.getvalue()) for file in st.session_state[key]])


def _give_example() -> None:
    _give([Entry(EXAMPLE, example_png())])


def _give(entries: list[Entry]) -> None:
    st.session_state[GIVEN] = [*st.session_state.get(GIVEN, []), *entries]
