"""An unseen helper: files can be dropped anywhere on the page, not only on the small uploader."""

from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    js = (HERE / "page_drop.js").read_text(encoding="utf-8")
    return st.components.v2.component("bccseg_page_drop", html="<div hidden></div>", js=js)


def page_drop() -> None:
    """Put the helper on a page that has an uploader in a container of the key `first_images` or `more_images`."""
    _component()(key="page_drop", height="content")
