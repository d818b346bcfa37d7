"""The three steps from photographs to findings."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ui.shared.page import PAGES

PICTURES = Path(__file__).parent / "pictures"


@dataclass(frozen=True)
class Step:
    """One step: what happens, and where."""

    title: str
    words: str
    picture: str
    pages: tuple[tuple[str, str, str], ...]  # path, words, icon


STEPS = (
    Step(
        "1 · Segment",
        "Drop photographs or a zip. Each cell is outlined, classified and measured in a second or two; tables, masks "
        "and overlays go to Excel, R, QuPath or ImageJ.",
        "segment.jpg",
        (("pages/segment.py", "Segment images", ":material/biotech:"),),
    ),
    Step(
        "2 · Correct",
        "Part what was joined, add what was missed with one click, give classes by key. Every stroke is kept, and "
        "numbers follow. A colleague reviews what you submit.",
        "correct.jpg",
        (("pages/correct.py", "Correct by hand", ":material/draw:"),
         ("pages/collection.py", "Collection and review", ":material/collections_bookmark:")),
    ),
    Step(
        "3 · Train and compare",
        "Teach the network your stain, and see whether it got better. Put patients, slides or days side by side, with "
        "statistics that count each sample once.",
        "compare.svg",
        (("pages/train.py", "Train on your corrections", ":material/model_training:"),
         ("pages/studies.py", "Compare samples", ":material/science:")),
    ),
)  # fmt: skip


def show_steps() -> None:
    """A card each, side by side where there is room."""
    listed = {page.path for page in PAGES}
    with st.container(key="steps"):
        for k, step in enumerate(STEPS):
            with st.container(border=True, key=f"step_{k}"):
                st.image(PICTURES / step.picture, width="stretch")
                st.markdown(f"#### {step.title}")
                st.markdown(step.words)
                for path, words, icon in step.pages:
                    if path in listed:
                        st.page_link(path, label=words, icon=icon)
