"""The gallery that is open in this tab: which cells it shows in which order, and what a hand does to their classes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from bccseg.annotation.drafts import Draft
from bccseg.annotation.edits import Edit
from bccseg.classes import UNCLASSIFIED, CellMarks, ClassSet
from bccseg.errors import BccsegError, EditError, StoreError
from bccseg.imaging.label_image import areas, border_ids
from bccseg.io.encode import jpeg
from bccseg.report.cell_marks import labels_and_marks, present_name
from bccseg.report.gallery import crop_sheet, gallery_order, inner_points, rarest_first
from bccseg.report.recount import with_cut_cells
from bccseg.report.stored_result import StoredResult
from ui.components.gallery import GalleryCommand

PAGE, COLUMNS, SIDE_PX = 240, 16, 96
ELSEWHERE = "The last edit was made on Correct; undo it there."


class GallerySession:
    """The cells of one image, by the ids of its draft, or of the one that would be begun."""

    def __init__(
        self, serial: int, stored: StoredResult, classes: ClassSet, draft: Draft | None, begin: Callable[[], Draft]
    ) -> None:
        """begin: begins or opens the draft of this image; changes are made there."""
        self.key, self.stored, self.classes, self.draft, self.begin = f"gallery_{serial}", stored, classes, draft, begin
        result = stored.unpack()
        self.image, self.diameter_px = result.image, result.diameter_px
        if draft:
            self.labels, self._marks, self.size = draft.labels, {}, draft.size
        else:
            self.labels, self._marks = labels_and_marks(with_cut_cells(result))
            self.size = 0
        of = stored.proposal.measured.classes
        self.names = of.names if of is not None else ()
        self.points = inner_points(self.labels)
        there = areas(self.labels) > 0
        there[0] = False
        if result.settings.drop_border_cells:
            there[border_ids(self.labels)] = False
        self.cells = np.flatnonzero(there).tolist()
        self._lock = threading.Lock()
        self.page, self.done, self.told, self.undone, self.trouble = 0, 0, 0, 0, ""
        self.out_of_step = False  # somebody else has changed the draft, so that its ids may be others
        self.found: tuple[float, float] | None = None  # point of a cell that is to be shown in the picture
        self.first = rarest_first(Counter(self.class_of(cell) for cell in self.cells))  # stays, so that nothing jumps
        self.sort()

    def shows(self, stored: StoredResult, classes: ClassSet) -> bool:
        """Whether this is the gallery of a result as it is now."""
        if self.classes != classes or self.stored.measured.stem != stored.measured.stem:
            return False
        if self.stored.measured.settings.drop_border_cells != stored.measured.settings.drop_border_cells:
            return False
        if self.out_of_step:
            return False
        if self.draft is None:
            return self.stored.measured is stored.measured
        return stored.draft == self.draft.id and self.size == self.draft.size and not self.draft.stale

    @property
    def marks(self) -> CellMarks:
        """What is known of the cells now."""
        return self.draft.marks if self.draft else self._marks

    def class_of(self, cell: int) -> str:
        """The class of a cell, as results call it."""
        mark = self.marks.get(cell)
        return self.name(mark.name) if mark else UNCLASSIFIED

    def name(self, name: str) -> str:
        """A class, as results call it."""
        return present_name(name, self.classes, self.names)

    @property
    def offered(self) -> list[str]:
        """Classes that cells can be moved to."""
        known = self.classes.known(mark.name for mark in self.marks.values())
        return list(dict.fromkeys(self.name(one.name) for one in known))

    def sort(self) -> None:
        """Put every cell to its class."""
        marks = {cell: mark.replace(name=self.name(mark.name)) for cell, mark in self.marks.items()}
        self.order = gallery_order(self.cells, marks, self.first)
        self.sorted_to = {cell: self.class_of(cell) for cell in self.order}

    def shown(self, hidden: Iterable[str]) -> tuple[list[int], int]:
        """The cells of the page that is open, and how many pages there are without the classes that are hidden."""
        away = set(hidden)
        order = [cell for cell in self.order if self.sorted_to[cell] not in away]
        pages = max(1, -(-len(order) // PAGE))
        self.page = min(max(0, self.page), pages - 1)
        return order[self.page * PAGE : (self.page + 1) * PAGE], pages

    def sheet(self, cells: list[int]) -> bytes:
        """Their crops as JPEG."""
        return jpeg(crop_sheet(self.image, self.labels, cells, self.diameter_px, SIDE_PX, COLUMNS))

    # --- what a hand does

    def take(self, commands: list[GalleryCommand]) -> bool:
        """Do, in order, what was done in the gallery; each once. Returns whether a class has changed.

        A click elsewhere on the page starts its run while an earlier one is still at work here: it waits. One that
        Streamlit ends in the middle of a command leaves that command to the next.
        """
        with self._lock:
            return self._take(commands)

    def _take(self, commands: list[GalleryCommand]) -> bool:
        before = self.draft.size if self.draft else 0
        for command in commands:
            if command.number <= self.done:
                continue
            self.trouble = ""
            self.out_of_step |= self.draft is not None and self.draft.size != self.size
            try:
                self._do(command)
            except BccsegError as error:
                self.trouble = str(error)
            self.done = command.number
            if self.draft:
                self.size = self.draft.size
        return (self.draft.size if self.draft else 0) != before

    def _do(self, command: GalleryCommand) -> None:
        if command.act == "move":
            self._move([cell for cell in command.ids if 0 < cell < len(self.points)], command.to)
        elif command.act == "undo":
            self._undo()
        elif command.act == "redo" and self.undone and self.draft:
            self.draft.redo()
            self.undone -= 1
        elif command.act == "sort":
            self.sort()
        elif command.act == "page":
            self.page = int(command.to) if command.to.isdigit() else 0
        elif command.act == "find" and command.ids and 0 < command.ids[0] < len(self.points):
            x, y = self.points[command.ids[0]]
            self.found = (float(x), float(y))

    def _move(self, cells: list[int], to: str) -> None:
        points = [(float(x), float(y)) for x, y in self.points[cells] if np.isfinite(x)]
        if not points or to not in self.offered:
            return
        edit = Edit(kind="classify", points=(points[0],), more=tuple(points[1:]), cell_class=to)
        if self.draft is None:
            self.draft = self.begin()
            self.out_of_step |= not np.array_equal(self.draft.labels, self.labels)
        try:
            self.draft.apply(edit)
        except EditError:  # a person has given them this class before
            return
        except StoreError:  # changed in another window: on top of that
            self.draft, self.out_of_step = self.begin(), True
            self.draft.apply(edit)
        self.undone = 0

    def _undo(self) -> None:
        if self.draft is None or not self.draft.history.can_undo:
            return
        if self.draft.history.edits[-1].kind != "classify":
            raise EditError(ELSEWHERE)
        self.draft.undo()
        self.undone += 1

    @property
    def can_undo(self) -> bool:
        """Whether the last edit of the draft was one of classes."""
        return bool(self.draft and self.draft.history.can_undo and self.draft.history.edits[-1].kind == "classify")
