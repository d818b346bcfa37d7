"""A window in which the classes of the collection are named, coloured, put in order and given keys."""

import re
from dataclasses import dataclass

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.classes import CLASS_SETS, MOST_CLASSES, SPARE_COLOURS, UNCLASSIFIED, CellClass, ClassSet
from bccseg.errors import BccsegError, DataError
from ui.shared.account import acting, allowed
from ui.shared.background_sync import saved
from ui.shared.class_keys import FREE
from ui.shared.clicks import clicked
from ui.shared.errors import plain
from ui.shared.storage import store

KEY = "class_draft"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,39}")
NAME_RULE = "A name begins with a letter and has at most 40 characters: a to z, digits, spaces, - and _."
WORDS = (
    "Cells keep their class when it gets another name. A class that is taken out stays with the cells that have it, "
    "and is shown under its name."
)
WIDTHS = [0.5, 2.6, 0.9, 0.8, 0.4, 0.4, 0.4]
STYLE = (  # a class stays one row on narrow screens
    "<style>.st-key-class_rows [data-testid=stHorizontalBlock] { gap: 0.5rem; flex-wrap: nowrap; } "
    ".st-key-class_rows [data-testid=stColumn] { min-width: 2rem; } "
    ".st-key-class_rows [data-testid=stColumn] button { padding: 0 0.2rem; } @media (max-width: 640px) { "
    ".st-key-class_rows [data-testid=stHorizontalBlock] { gap: 0.15rem; } "
    ".st-key-class_rows [data-testid=stColumn]:nth-child(1) { min-width: 2.7rem; } "
    ".st-key-class_rows [data-testid=stColumn]:nth-child(2) { min-width: 5rem; } "
    ".st-key-class_rows [data-testid=stColumn]:nth-child(3) { min-width: 3.4rem; } "
    ".st-key-class_rows [data-testid=stColumn]:nth-child(n + 5) { min-width: 1.4rem; } }</style>"
)


@dataclass
class Row:
    """One class as it is being edited."""

    id: int  # of its widgets
    was: CellClass | None  # as it is saved; None for a new one
    name: str
    colour: str
    key: str
    counted: bool


@dataclass
class ClassDraft:
    """The class set as it is being edited."""

    base: ClassSet  # that it began with
    rows: list[Row]
    made: int = 0  # rows so far

    @classmethod
    def of(cls, classes: ClassSet, base: ClassSet) -> "ClassDraft":
        """classes: what is offered; base: what is saved."""
        draft = cls(base, [])
        for one in classes.classes:
            draft.add(one.name, one.colour, one.key, counted=one.counted and not one.small, was=one)
        return draft

    def add(self, name: str, colour: str, key: str, *, counted: bool = True, was: CellClass | None = None) -> None:
        """A row at the end."""
        self.made += 1
        self.rows.append(Row(self.made, was, name, colour, key, counted))

    def result(self) -> ClassSet:
        """The class set that it stands for. Raises DataError in words for people."""
        taken: set[str] = set()
        for row in self.rows:
            row.name = " ".join(row.name.split())
            if not NAME.fullmatch(row.name):
                raise DataError(f"'{row.name}' cannot be a name. {NAME_RULE}" if row.name else "A class has no name.")
            if row.name.lower() == UNCLASSIFIED:
                raise DataError(f"'{row.name}' is what cells without a class are called. Choose another name.")
            if row.name.lower() in taken:
                raise DataError(f"Two classes are called '{row.name}'. Give one of them another name.")
            taken.add(row.name.lower())
        classes = [_as_class(row) for row in self.rows]
        for one in classes:
            for other in classes:
                if one is not other and one.name in other.formerly:
                    raise DataError(
                        f"'{other.name}' was called '{one.name}' before, and cells marked so belong to it. Choose "
                        "another name for the new class."
                    )
        return ClassSet(classes=tuple(classes))


def _as_class(row: Row) -> CellClass:
    if row.was is None:
        return CellClass(name=row.name, colour=row.colour, key=row.key, counted=row.counted)
    formerly = tuple(name for name in dict.fromkeys([*row.was.formerly, row.was.name]) if name != row.name)
    counted = row.was.counted if row.was.small else row.counted
    return row.was.replace(name=row.name, colour=row.colour, key=row.key, counted=counted, formerly=formerly)


def edit_classes() -> None:
    """Open the window."""
    st.session_state[KEY] = ClassDraft.of(store().class_set(), store().class_set())
    _window()


@st.dialog("Classes of this collection", width="medium")
def _window() -> None:
    draft: ClassDraft = st.session_state[KEY]
    st.html(STYLE)  # fixed text
    st.caption(WORDS)
    with st.container(key="class_rows"):
        for head, title in zip(st.columns(WIDTHS), ("", "Name, as in files", "Key", "Is a cell"), strict=False):
            head.caption(title)
        for k, row in enumerate(draft.rows):
            _show_row(draft, k, row)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Add a class", icon=":material/add:", on_click=_add, args=(draft,), key="class_add",
                  disabled=len(draft.rows) >= MOST_CLASSES)  # fmt: skip
        with st.popover("Begin with …", icon=":material/style:"):
            for name, classes in CLASS_SETS.items():
                st.button(name, on_click=_begin_with, args=(draft, classes), key=f"class_set_{name}", width="stretch")
            st.caption("Replaces the list above; nothing is saved yet.")
    note = st.container()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if clicked("Cancel", key="class_cancel"):
            st.rerun()
        if clicked("Save", type="primary", icon=":material/check:", key="class_save",
                     disabled=not allowed(Action.EDIT_CLASSES)):  # fmt: skip
            try:
                _save(draft)
            except BccsegError as error:
                note.error(plain(str(error), 400), icon=":material/error:")
            else:
                st.rerun()


def _show_row(draft: ClassDraft, k: int, row: Row) -> None:
    small = row.was is not None and row.was.small
    cells = st.columns(WIDTHS, vertical_alignment="center")
    with cells[0]:
        row.colour = st.color_picker("Colour", row.colour, key=f"class_colour_{row.id}", label_visibility="collapsed")
    with cells[1]:
        row.name = st.text_input("Name", row.name, max_chars=40, key=f"class_name_{row.id}", placeholder="Name",
                                 label_visibility="collapsed")  # fmt: skip
    with cells[2]:
        used = {other.key for other in draft.rows if other is not row}
        keys = ["", *(key for key in FREE if key not in used or key == row.key)]
        row.key = st.selectbox("Key", keys, keys.index(row.key) if row.key in keys else 0, key=f"class_key_{row.id}",
                               format_func=lambda key: key.upper() or "–", label_visibility="collapsed")  # fmt: skip
    with cells[3]:
        row.counted = st.toggle(
            "Counts", row.counted, key=f"class_counts_{row.id}", disabled=small, label_visibility="collapsed",
            help="Much smaller than the cells: counted for itself, and in no number of cells." if small else None,
        )  # fmt: skip
    cells[4].button("", icon=":material/arrow_upward:", key=f"class_up_{row.id}", disabled=k == 0, type="tertiary",
                    on_click=_move, args=(draft, k, -1), help="Up")  # fmt: skip
    cells[5].button("", icon=":material/arrow_downward:", key=f"class_down_{row.id}", type="tertiary",
                    disabled=k == len(draft.rows) - 1, on_click=_move, args=(draft, k, 1), help="Down")  # fmt: skip
    cells[6].button("", icon=":material/delete:", key=f"class_out_{row.id}", type="tertiary",
                    on_click=draft.rows.remove, args=(row,), help="Take this class out")  # fmt: skip


def _move(draft: ClassDraft, k: int, by: int) -> None:
    draft.rows.insert(k + by, draft.rows.pop(k))


def _add(draft: ClassDraft) -> None:
    used = {row.colour.upper() for row in draft.rows}
    keys = {row.key for row in draft.rows}
    colour = next(
        (one for one in SPARE_COLOURS if one not in used), SPARE_COLOURS[len(draft.rows) % len(SPARE_COLOURS)]
    )
    draft.add("", colour, next((key for key in FREE if key not in keys), ""))


def _begin_with(draft: ClassDraft, classes: ClassSet) -> None:
    """Another set in place of this one; classes that both have keep what is known of their names."""
    rows = ClassDraft.of(classes, draft.base).rows
    draft.rows.clear()
    for row in rows:
        known = draft.base.find(row.name)
        same = row.was if known is None else known
        draft.add(row.name if known is None else known.name, row.colour, row.key, counted=row.counted, was=same)


def _save(draft: ClassDraft) -> None:
    """Raises BccsegError, with nothing saved."""
    classes = draft.result()
    if store().class_set() != draft.base:
        raise DataError("Somebody else has changed the classes meanwhile. Open this window again to see theirs.")
    if classes != draft.base:
        collection = store()
        with acting(Action.EDIT_CLASSES) as note:
            collection.save_class_set(classes)
            note.text = ", ".join(one.name for one in classes.classes)
        saved(collection)
