"""Images that a person gives, on whichever page, on their way to Segment; and the example that anybody may try."""

from dataclasses import dataclass, field

import streamlit as st

from bccseg.config import VISIT_DAYS, VISIT_MB
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from ui.components.page_drop import page_drop

TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif", "zip"]
EXAMPLE = "synthetic smear (drawn, not photographed).png"
GIVEN = "images_given"


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


@dataclass
class Given:
    """What this visitor gave and nobody took yet. A plain object: where Streamlit ends a page early, at any of its own
    statements, what was given is either not in it or in it once.
    """

    entries: list[Entry] = field(default_factory=list)
    example: bool = False
    uploads: int = 0  # uploaders that were emptied

    def wish_example(self) -> None:
        """For a callback: it must not ask for the session's state."""
        self.example = True


def ask_for_files(*, disabled: bool = False, folded: bool = False) -> None:
    """The uploader, in a container of the key `first_images`, or `more_images` where it is folded into a button; files
    may be dropped anywhere on the page. When files are given, the page begins anew.
    """
    given = _given()
    files = st.file_uploader(
        "Add images" if folded else "Smear images", TYPES, accept_multiple_files=True, key=f"upload_{given.uploads}",
        disabled=disabled, label_visibility="collapsed" if folded else "visible",
        help=f"PNG, JPEG, TIFF (8 or 16 bit, several pages), BMP, WebP, or a zip of them. {kept_words()}",
    )  # fmt: skip
    page_drop()
    if files:
        given.entries += [Entry(file.name, file.getvalue()) for file in files]
        given.uploads += 1  # an empty uploader, ready for more
        st.rerun()


def ask_for_example() -> None:
    """The button that gives the example."""
    st.button("Try an example", on_click=_given().wish_example, icon=":material/draw:", key="try_example",
              help="A synthetic smear: drawn by the program, not photographed.")  # fmt: skip


def are_given() -> bool:
    """Whether there are images that nobody took yet."""
    given = _given()
    return given.example or bool(given.entries)


def take_given() -> list[Entry]:
    """What was given, on this page or another, once. What takes them stands in the same statement: see `clicks`."""
    given = _given()
    entries = given.entries + ([Entry(EXAMPLE, example_png())] if given.example else [])
    given.entries, given.example = [], False
    return entries


def _given() -> Given:
    found: Given = st.session_state.setdefault(GIVEN, Given())
    return found
