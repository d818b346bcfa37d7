"""What bccseg is, and the way in: one's own images, or the example at one click."""

from pathlib import Path

import streamlit as st

from ui.shared.errors import BANNER
from ui.shared.given_images import ask_for_example, ask_for_files
from ui.shared.predictors import predictor_cache
from ui.shared.settings import DEFAULTS, defaults
from ui.shared.widget_state import STORE

PICTURES = Path(__file__).parent / "pictures"


def show_welcome() -> None:
    """The head of the page, with the uploader."""
    with st.container(key="welcome"):
        with st.container(key="welcome_words"):
            st.title("Every cell of a blood smear, counted and measured", anchor=False)
            st.markdown(
                "**bccseg** outlines the cells of smear photographs, tells red cells, white cells and platelets apart, "
                "and measures each. Mend what it got wrong; it learns from that, and compares your samples."
            )
            with st.container(key="first_images"):
                ask_for_files()
                ask_for_example()
            st.caption(f":material/science: {BANNER} Images stay on this server.")
        st.image(PICTURES / "smear.jpg", width="stretch")


def load_network() -> None:
    """Load the network beside the page, so that the first image need not wait for it."""
    kept = {**defaults(), **st.session_state.get(STORE, {})}
    weights, device = (kept[key] for key in ("set_weights", "set_device") if key in DEFAULTS)
    if predictor_cache().peek(weights, device) is None:
        predictor_cache().request(weights, device)
