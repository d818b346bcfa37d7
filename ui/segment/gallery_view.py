"""The gallery beside the picture: crops of all cells, sorted by class, and moved from class to class."""

from collections import Counter
from collections.abc import Callable

import streamlit as st

from bccseg.annotation.drafts import Draft
from bccseg.errors import StoreError
from bccseg.report.stored_result import StoredResult
from ui.components.gallery import commands_since, gallery, rested_at
from ui.segment.cell_table import select_cell
from ui.segment.class_filter import hidden, hide, looks
from ui.segment.gallery_session import COLUMNS, GallerySession
from ui.shared.account import author
from ui.shared.handover import draft_of_result, note_change
from ui.shared.session import VisitorState
from ui.shared.storage import store
from ui.shared.widget_state import restore, save

KEY, SERIAL, VIEW, FOUND = "gallery_session", "gallery_serial", "segment_view", "found_in_gallery"
REDRAW = "gallery_redraw"
PICTURE, GALLERY = "Picture", "Gallery"
ICONS = {PICTURE: ":material/image:", GALLERY: ":material/apps:"}
HINT = (
    "Least sure first. Click selects, Shift + click a range, Ctrl + click one more; a key or button moves them. "
    "Double click: in the picture."
)
CLOSED = "Only to look at: it is of what the network found, or images are being segmented."


def ask_view() -> bool:
    """Whether the gallery is wanted in the place of the picture."""
    if FOUND in st.session_state:
        st.session_state[VIEW] = PICTURE
    restore(VIEW, PICTURE)
    st.segmented_control(
        "View", [PICTURE, GALLERY], key=VIEW, format_func=lambda name: f"{ICONS[name]} {name}", required=True,
        label_visibility="collapsed", help="Gallery: every cell by itself, sorted by class.",
    )  # fmt: skip
    return bool(save(VIEW) == GALLERY)


def take_moves() -> None:
    """What was done in the gallery a moment ago comes before all else that the page does."""
    session: GallerySession | None = st.session_state.get(KEY)
    if session and session.take(commands_since(session.key, session.done)) and session.draft:
        note_change(session.draft, author())
        session.told = session.done


def point_to_show() -> tuple[float, float] | None:
    """Point of the cell that somebody wants to see in the picture, once."""
    found: tuple[float, float] | None = st.session_state.pop(FOUND, None)
    return found


def choose_gallery(
    state: VisitorState, index: int, shown: StoredResult, *, wanted: bool, editable: bool
) -> Callable[[], None] | None:
    """What shows the gallery, where it is wanted; one that is not is opened anew, and sorted, when it is again."""
    if not wanted:
        st.session_state.pop(KEY, None)
        return None
    return lambda: _show_gallery(state, index, shown, editable=editable)


def _show_gallery(state: VisitorState, index: int, shown: StoredResult, *, editable: bool) -> None:
    """The gallery of a result. editable: whether it is the one that corrections are made to, and nothing is running."""
    session: GallerySession | None = st.session_state.get(KEY)
    classes = store().class_set()
    if session is None or not session.shows(shown, classes):
        stem, serial = shown.measured.stem, st.session_state.get(SERIAL, 0) + 1

        def begin() -> Draft:
            here = [k for k, one in enumerate(state.results) if one.measured.stem == stem]
            if not here:
                raise StoreError("That image is not here any more: it was cleared in another window.")
            return draft_of_result(state, here[0])

        draft = draft_of_result(state, index) if shown.draft else None
        session = GallerySession(serial, shown, classes, draft, begin)
        st.session_state[SERIAL], st.session_state[KEY] = serial, session
    _gallery(session, editable=editable)


@st.fragment
def _gallery(session: GallerySession, *, editable: bool) -> None:
    if session.take(commands_since(session.key, session.done)) and session.draft:
        note_change(session.draft, author())
    if session.found:
        st.session_state[FOUND], session.found = session.found, None
        st.rerun()
    if rested_at(session.key) == session.done > session.told:
        session.told = session.done
        st.rerun()  # the whole page: its numbers follow

    def on_hide() -> None:
        hide(st.session_state[session.key]["hidden"] or [], names)
        select_cell()
        st.session_state[REDRAW] = True

    offered = session.offered
    counts = Counter(session.class_of(cell) for cell in session.cells)
    names = list(dict.fromkeys([*counts, *offered, *session.sorted_to.values()]))
    chips = looks(names)
    if st.session_state.pop(REDRAW, False):
        st.rerun()  # table and plots too
    away = hidden(chips)
    row = {name: k for k, name in enumerate(chips)}
    cells, pages = session.shown(away)
    tiles = []
    for cell in cells:
        mark = session.marks.get(cell)
        by_hand = mark is not None and mark.by == "person"
        score = None if mark is None or by_hand else mark.score
        tiles.append([cell, row[session.sorted_to[cell]], row[session.class_of(cell)], score, by_hand])
    gallery(
        session.key, f"{session.key} {session.page} {hash(tuple(cells))}", lambda: session.sheet(cells), on_hide,
        tiles=tiles, columns=COLUMNS, page=session.page, pages=pages, hidden=away, editable=editable,
        classes=[{**chip.data(counts[name]), "offered": name in offered} for name, chip in chips.items()],
        undo=session.can_undo, redo=session.undone > 0, done=session.done, told=session.told,
        hint=HINT if editable else CLOSED, trouble=session.trouble,
    )  # fmt: skip
