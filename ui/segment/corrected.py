"""Of an image that a person has corrected: who did, and which of both results is shown."""

from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from bccseg.report.stored_result import StoredResult
from ui.shared.errors import plain


def choose_version(stored: StoredResult) -> StoredResult:
    """The corrected cells, or the network's where somebody has asked for those."""
    wanted = st.session_state.get(_key(stored), False)
    return stored.found if wanted and stored.found and stored.measured.correction else stored


def show_correction(stored: StoredResult) -> None:
    """Who corrected it, and the choice. Below the picture: it comes with the first correction, and nothing that a hand
    is on may move then.
    """
    made = stored.measured.correction
    if not (stored.found and made):
        return
    zone = ZoneInfo(st.context.timezone) if st.context.timezone else None
    when = datetime.fromisoformat(made.when).astimezone(zone)
    by = f" by {plain(made.author)}" if made.author else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption(
            f":material/draw: **Corrected{by}**: {made.edits} edit{'s' if made.edits > 1 else ''}, "
            f"{when:%d %b %Y, %H:%M}. Picture, table, plots and all downloads hold the corrected cells.",
            width="content",
        )
        st.toggle(
            "Show what the network found", key=_key(stored),
            help="For comparison. What is said of all images together holds the corrected cells.",
        )  # fmt: skip


def _key(stored: StoredResult) -> str:
    return f"found_{stored.measured.stem}"
