"""Model cards on the Weights page."""

import streamlit as st

from bccseg.model.weight_sources import SHIPPED
from ui.weights.other_programs import offer_export


def show_card(name: str) -> None:
    """The README.md of shipped weights, without its front matter, and with smaller headings; a download of them."""
    offer_export(SHIPPED / name, name, name)
    text = (SHIPPED / name / "README.md").read_text(encoding="utf-8")
    from huggingface_hub import ModelCard

    st.markdown(ModelCard(text, ignore_metadata_errors=True).text.replace("\n## ", "\n#### ").replace("\n# ", "\n### "))
