"""Of an image that a person has corrected: who did, and which of both results is shown."""

from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from ui.shared.errors import plain
from ui.shared.stored_result import StoredResult


def choose_version(stored: StoredResult) -> StoredResult:
    """The corrected cells, or the network's where somebody asks for those."""
    made = stored.measured.correction
    if not (stored.found and made):
        return stored
    zone = ZoneInfo(st.context.timezone) if st.context.timezone else None
    when = datetime.fromisoformat(made.when).astimezone(zone)
    by = f" by {plain(made.author)}" if made.author else ""
    st.caption(
        f":material/draw: **Corrected{by}**: {made.edits} edit{'s' if made.edits > 1 else ''}, {when:%d %b %Y, %H:%M}. "
        "Picture, table, plots and all downloads hold the corrected cells."
    )
    found = st.toggle(
        "Show what the network found", key=f"found_{stored.measured.stem}",
        help="For comparison. What is said of all images together holds the corrected cells.",
    )  # fmt: skip
    return stored.found if found else stored
