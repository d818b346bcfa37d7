"""The classes on the Correct page: which one is in hand, what has which, and what is no cell."""

from collections import Counter
from dataclasses import dataclass

from bccseg.annotation.drafts import Draft
from bccseg.annotation.edits import Edit, cells_meant
from bccseg.annotation.geometry import Point
from bccseg.classes import UNCLASSIFIED, CellClass, CellMarks, ClassSet
from bccseg.imaging.label_image import Labels, areas
from ui.shared.class_keys import FREE, TAKE_AWAY

NOBODY = "#8a8a8a"  # colour of what has no class


@dataclass(frozen=True)
class ClassCount:
    """One line of the legend."""

    name: str
    words: str
    colour: str
    key: str
    cells: int
    by_network: int  # of them, proposed and not confirmed


class ClassHand:
    """The class that clicks, outlines and new cells of one draft are given."""

    def __init__(self, draft: Draft, classes: ClassSet) -> None:
        self.draft, self.classes = draft, classes
        self.name = ""  # of the class in hand; UNCLASSIFIED takes classes away; empty: none is in hand

    def use(self, classes: ClassSet) -> None:
        """The classes of the collection as they are now; somebody may have changed them."""
        self.classes = classes
        self.name = classes.current(self.name)
        if not self.knows(self.name):
            self.name = ""

    def knows(self, name: str) -> bool:
        """Whether it can be in hand."""
        return name == UNCLASSIFIED or any(name == one.name for one in self.offered)

    @property
    def offered(self) -> tuple[CellClass, ...]:
        """The classes of the set, and those from elsewhere that cells of the draft have."""
        return self.classes.known(mark.name for mark in self.draft.marks.values())

    @property
    def new_cell(self) -> str:
        """Class of a new cell, as `Edit.cell_class` says it."""
        return self.as_edit(self.name)

    @staticmethod
    def as_edit(name: str) -> str:
        """A class that can be in hand, as `Edit.cell_class` says it."""
        return "" if name == UNCLASSIFIED else name

    def words(self, name: str) -> str:
        """For people."""
        found = next((one for one in self.offered if one.name == name), None)
        return found.words if found else "Unclassified"

    def colour(self, name: str) -> str:
        """As #RRGGBB."""
        return next((one.colour for one in self.offered if one.name == name), NOBODY)

    def by_key(self) -> dict[str, tuple[str, str]]:
        """Name and colour by key, for the picture."""
        found = {one.key: (one.name, one.colour) for one in self.classes.classes if key_of(one)}
        return {**found, TAKE_AWAY: (UNCLASSIFIED, NOBODY)}

    def give(self, name: str, points: tuple[Point, ...]) -> int:
        """Give a class to the cell at a point of the image, or to those inside an outline; returns how many changed.

        An outline with no cell inside is a click by a hand that was moving. Raises EditError, StoreError.
        """
        edit = Edit(kind="classify", points=points, cell_class=self.as_edit(name))
        if len(points) > 1 and not len(cells_meant(self.draft.labels, edit)):
            edit = edit.replace(points=points[:1])
        self.draft.apply(edit)
        return self.draft.history.last_marked

    def counts(self) -> list[ClassCount]:
        """Every class with its cells, last those without one."""
        marks = self.draft.marks.values()
        cells = Counter(self.classes.current(mark.name) for mark in marks)
        proposed = Counter(self.classes.current(mark.name) for mark in marks if mark.by == "network")
        lines = [
            ClassCount(
                one.name, one.words, one.colour, one.key if one.key in FREE else "", cells[one.name], proposed[one.name]
            )
            for one in self.offered
        ]
        unknown = int((areas(self.draft.labels)[1:] > 0).sum()) - cells.total()
        return [*lines, ClassCount(UNCLASSIFIED, "Unclassified", NOBODY, TAKE_AWAY, unknown, 0)]

    def count_cells(self, labels: Labels, marks: CellMarks) -> int:
        """Cells among the objects of labels int32 (H, W), without platelets and what else is none."""
        there = areas(labels) > 0
        none = sum(cell < len(there) and there[cell] for cell in self.classes.uncounted(marks))
        return int(there[1:].sum()) - int(none)

    def beside(self) -> str:
        """What is marked and is no cell, in words: "7 × Platelet, 2 × Not a cell"; empty if there is nothing."""
        none = self.classes.uncounted(self.draft.marks)
        return in_words(self.classes, {c: m for c, m in self.draft.marks.items() if c in none})

    def of_cells(self) -> str:
        """The classes of the cells, in words: "95 × Red cell, 4 × White cell"; empty if none has any."""
        none = self.classes.uncounted(self.draft.marks)
        return in_words(self.classes, {c: m for c, m in self.draft.marks.items() if c not in none})


def key_of(one: CellClass) -> str:
    """The key of a class; empty where it has none, or one that does something else here."""
    return one.key if one.key in FREE else ""


def in_words(classes: ClassSet, marks: CellMarks) -> str:
    """How many have each class."""
    counts = classes.count(marks)
    words = {one.name: one.words for one in classes.known(counts)}
    return ", ".join(f"{count:,} × {words[name]}" for name, count in counts.items())
