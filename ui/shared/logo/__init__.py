"""The mark of bccseg: one cell outlined, and the one it covers. In the corner of each page and in the browser's tab.

The word is drawn as outlines of Source Sans (SIL Open Font License), so that it looks the same everywhere.
"""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
ICON = str(HERE / "icon.png")


def show_logo() -> None:
    """Name and mark at the head of the page list; where that is folded away, the mark."""
    scheme = "dark" if st.context.theme.type == "dark" else "light"
    st.logo(str(HERE / f"logo_{scheme}.svg"), size="large", icon_image=str(HERE / f"mark_{scheme}.svg"))
