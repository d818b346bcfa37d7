"""The drafts of this browser, each with what tells it from the others."""

import logging
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from bccseg.annotation.draft_list import DraftSummary, summarise_draft
from bccseg.annotation.drafts import log_size, open_draft
from bccseg.annotation.records import now
from bccseg.annotation.store import LabelStore
from bccseg.errors import StoreError
from bccseg.io.encode import jpeg
from ui.correct.session import open_session
from ui.shared.errors import plain
from ui.shared.handover import discard_draft, known_drafts
from ui.shared.session import visitor_state
from ui.shared.storage import store

PICTURE_PX = 128  # twice as many as are shown, for fine screens
SHOWN = 6  # the others are folded away
log = logging.getLogger("bccseg")


@st.cache_data(show_spinner="Reading your drafts …", max_entries=500)
def _summary(_store: LabelStore, root: str, draft: str, size: int) -> DraftSummary:
    """`size` is of the draft's log: it grows with every change."""
    del root, size
    return summarise_draft(_store, draft, PICTURE_PX)


def show_drafts() -> None:
    """Drafts that were begun in this browser and are still there, the one changed last first."""
    found = []
    for draft in known_drafts(visitor_state()):
        size = log_size(store(), draft)
        if size is None:
            continue
        try:
            found.append(_summary(store(), str(store().root), draft, size))
        except StoreError as error:  # one that is damaged must not hide the others
            log.warning("no summary of a draft: %s", error)
    if not found:
        return
    found.sort(key=lambda summary: summary.changed, reverse=True)
    alike = Counter(summary.image for summary in found)
    st.markdown(f"**Your draft{'s' if len(found) > 1 else ''}**, kept stroke by stroke")
    for summary in found[:SHOWN]:
        _show_draft(summary, alike[summary.image], first=summary is found[0])
    if len(found) > SHOWN:
        with st.expander(f"{len(found) - SHOWN} older drafts"):
            for summary in found[SHOWN:]:
                _show_draft(summary, alike[summary.image], first=False)


def _show_draft(summary: DraftSummary, alike: int, *, first: bool) -> None:
    edits = f"{summary.edits:,} edit{'' if summary.edits == 1 else 's'}" if summary.edits else "no edits yet"
    change = f" ({summary.change:+,})".replace("-", "−") if summary.change else ""
    facts = [edits, f"{summary.cells:,} cell{'' if summary.cells == 1 else 's'}{change}"]
    if summary.parent:
        facts.append("from the collection")
    dates = [f"Begun {_when(summary.begun)}"]
    if summary.edits:
        dates.append(f"last edit {_when(summary.changed)}")
    if alike > 1:
        dates.append(f"one of {alike} drafts of this image")
    with st.container(horizontal=True, vertical_alignment="center", key=f"draft_row_{summary.id}"):
        st.image(jpeg(summary.picture), width=PICTURE_PX // 2)
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain(summary.name, 60)}**  \n{' · '.join(facts)}")
            st.caption(" · ".join(dates))
        with st.container(horizontal=True, width="content"):
            st.button("Go on", icon=":material/draw:", key=f"draft_{summary.id}", on_click=_open, args=(summary.id,),
                      type="primary" if first else "secondary")  # fmt: skip
            with st.popover("", icon=":material/delete:", help="Discard this draft", key=f"discard_menu_{summary.id}"):
                st.markdown(f"Delete the draft of **{plain(summary.name, 60)}** with {edits}? This cannot be undone.")
                st.button("Discard the draft", key=f"discard_{summary.id}", on_click=_discard, args=(summary.id,),
                          type="primary")  # fmt: skip


def _when(time: datetime) -> str:
    """As a person says it: "today, 14:02" or "26 Nov 2026, 14:02", in the time of the browser."""
    zone = ZoneInfo(st.context.timezone) if st.context.timezone else None
    here, today = time.astimezone(zone), now().astimezone(zone).date()
    day = {0: "today", 1: "yesterday"}.get((today - here.date()).days, f"{here:%d %b %Y}")
    return f"{day}, {here:%H:%M}"


def _open(draft: str) -> None:
    try:
        open_session(open_draft(store(), draft))
    except StoreError:  # submitted or discarded in another tab: the page, drawn anew, lists what is left
        log.info("a draft that was listed is gone")


def _discard(draft: str) -> None:
    try:
        discard_draft(open_draft(store(), draft))
    except StoreError:
        log.info("a draft that was listed is gone")
