"""The classes of a version beside those of another: colours, counts, what has changed, and how far they agree."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from bccseg.classes import UNCLASSIFIED, CellMark, CellMarks, ClassSet
from bccseg.imaging.label_image import Labels
from bccseg.report.changes import CellChanges, ClassChanges, class_changes
from bccseg.report.class_colours import rgb
from bccseg.report.overlay import OUTLINE_COLOUR
from ui.shared.class_dots import dots
from ui.shared.errors import plain

MOST_ROWS = 1000  # of the list of changed cells
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class SideClasses:
    """The classes of the cells of one side of a comparison, by id."""

    words: dict[int, str] = field(default_factory=dict)  # for the pointer
    colours: dict[int, Colour] = field(default_factory=dict)
    changed: frozenset[int] = frozenset()  # have another class on the other side

    def colour(self, cell: int) -> Colour:
        """Of a cell; one without a class has that of any outline."""
        return self.colours.get(cell, OUTLINE_COLOUR)


@dataclass(frozen=True)
class ComparedClasses:
    """The classes of two versions, or of one alone."""

    lines: list[tuple[str, str, int, int]]  # words, "#RRGGBB", objects of the class before and now
    sides: list[SideClasses]
    changes: ClassChanges | None  # None for one version alone
    changed: pd.DataFrame  # a row a cell: its id in both, where it is now, its class before and now
    words: dict[str, str]  # by name


def compare_classes(
    classes: ClassSet, before: CellMarks, after: CellMarks, changes: CellChanges | None, labels: Labels
) -> ComparedClasses | None:
    """None where no cell of either side has a class. labels: those of the version that is looked at."""
    if not before and not after:
        return None
    known = classes.known({mark.name for marks in (before, after) for mark in marks.values()})
    words, colours = {one.name: one.words for one in known}, {one.name: rgb(one.colour) for one in known}
    words[UNCLASSIFIED] = "Unclassified"
    old, new = ({cell: classes.current(mark.name) for cell, mark in marks.items()} for marks in (before, after))
    found = class_changes(changes, old, new, tuple(one.name for one in known)) if changes else None
    gone = {a: (b, was, now) for a, (b, was, now) in found.changed.items()} if found else {}
    was = {b: was for b, was, _ in gone.values()}
    counts = [classes.count(marks) for marks in (before, after)]
    lines = [(one.words, one.colour, *(count.get(one.name, 0) for count in counts)) for one in known]
    sides = [
        SideClasses(
            {cell: _said(words[names[cell]], mark, words.get(earlier.get(cell, ""))) for cell, mark in marks.items()},
            {cell: colours[name] for cell, name in names.items()}, ids,
        )
        for marks, names, earlier, ids in (
            (before, old, {}, frozenset(gone)), (after, new, was, frozenset(was)),
        )
    ]  # fmt: skip
    shown = [line for line in lines if line[2] or line[3]]
    return ComparedClasses(shown, sides if changes else sides[1:], found, _rows(gone, labels, words), words)


def _said(words: str, mark: CellMark, was: str | None) -> str:
    by = "" if mark.by == "person" else f", network{'' if mark.score is None else f' {mark.score:.2f}'}"
    return f"{words}{by}" + (f" (was {was})" if was else "")


def _rows(changed: Mapping[int, tuple[int, str, str]], labels: Labels, words: dict[str, str]) -> pd.DataFrame:
    from scipy import ndimage as ndi

    boxes = ndi.find_objects(labels) if changed else []
    rows = []
    for before, (after, was, now) in list(changed.items())[:MOST_ROWS]:
        down, across = boxes[after - 1]
        middle = (across.start + across.stop) / 2, (down.start + down.stop) / 2
        rows.append((before, after, round(middle[0]), round(middle[1]), words[was], words[now]))
    return pd.DataFrame(rows, columns=["Cell before", "Cell now", "x, px", "y, px", "Was", "Is"])


def show_class_legend(compared: ComparedClasses, *, alone: bool) -> None:
    """A line with a coloured dot and the number of cells of each class. alone: there is nothing before."""
    lines = [
        (f"{plain(words, 40)} **{now:,}**" if alone or was == now else f"{plain(words, 40)} {was:,} → **{now:,}**", one)
        for words, one, was, now in compared.lines
    ]
    dots("review_class", lines)


def show_class_changes(compared: ComparedClasses) -> None:
    """How many cells have another class, how far both sides agree, and the cells one by one."""
    if compared.changes is None:
        return
    found, count = compared.changes.agreement, len(compared.changes.changed)
    facts = [f"{count:,} cell{' has' if count == 1 else 's have'} another class"]
    if found.classified:
        facts.append(f"the same class in {100 * found.share:.1f} % of {found.classified:,} that both sides classify")
    if not math.isnan(found.kappa):
        facts.append(f"Cohen's κ {found.kappa:.2f}")
    st.markdown(f"**Classes**: {' · '.join(facts)}")
    if not count:
        return
    with st.expander("Classes compared", icon=":material/compare_arrows:", key="classes_compared", on_change="rerun"):
        titles = [compared.words.get(name, name) for name in found.names]
        table = pd.DataFrame(found.confusion, index=titles, columns=titles)
        table.index.name = "was ↓ is →"
        st.caption(
            "Cells that are on both sides, matched at IoU 0.5: the row is their class before, the column their class "
            "now. κ is the agreement beyond chance: 1 is perfect, 0 is chance."
        )
        st.dataframe(table, key="class_confusion")
        st.dataframe(compared.changed, hide_index=True, key="class_changed")
