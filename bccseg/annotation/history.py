"""Labels that are being edited, and the classes of the cells: every edit can be undone and done again, exactly."""

import zlib
from dataclasses import dataclass

import numpy as np

from bccseg.annotation.edits import Edit, Patch, apply_edit, cells_meant
from bccseg.annotation.geometry import Window
from bccseg.classes import CellMark, CellMarks
from bccseg.errors import EditError
from bccseg.imaging.label_image import Labels

Changes = dict[int, tuple[CellMark | None, CellMark | None]]  # class before and after, by cell


@dataclass(frozen=True)
class Step:
    """An edit that was made, and the pixels before and after it, packed."""

    edit: Edit
    window: Window
    before: bytes
    after: bytes
    ids: tuple[int, int]  # next free id before and after
    marks: Changes


class History:
    """Labels, the classes of their cells, and the edits that led to them. `base` is int32 (H, W); it is copied."""

    def __init__(self, base: Labels, marks: CellMarks | None = None) -> None:
        self.labels: Labels = base.astype(np.int32)
        self.marks: CellMarks = dict(marks or {})
        self.next_id = int(base.max(initial=0)) + 1
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def edits(self) -> list[Edit]:
        """The edits in force, oldest first: replayed on the base they give `labels`."""
        return [step.edit for step in self._done]

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit that was taken back."""
        return bool(self._undone)

    @property
    def last_marked(self) -> int:
        """Cells whose class the last edit in force changed."""
        return len(self._done[-1].marks) if self._done else 0

    def apply(self, edit: Edit) -> None:
        """Make an edit. Raises EditError, with nothing changed, if it has no effect."""
        before = self.next_id
        given = self._given(edit) if edit.kind == "classify" else None
        patch = apply_edit(self.labels, edit, self.next_id)
        changed = changed_marks(self.marks, patch, edit.cell_class) if given is None else given
        self._mark({cell: after for cell, (_, after) in changed.items()})
        self.next_id = patch.next_id
        self._done.append(_step(edit, patch, before, changed))
        self._undone.clear()

    def undo(self) -> Edit:
        """Take the last edit back. Raises EditError if there is none."""
        if not self._done:
            raise EditError("There is nothing to undo.")
        step = self._done.pop()
        self._put(step, step.before, step.ids[0])
        self._mark({cell: before for cell, (before, _) in step.marks.items()})
        self._undone.append(step)
        return step.edit

    def redo(self) -> Edit:
        """Make the edit again that was taken back last. Raises EditError if there is none."""
        if not self._undone:
            raise EditError("There is nothing to redo.")
        step = self._undone.pop()
        self._put(step, step.after, step.ids[1])
        self._mark({cell: after for cell, (_, after) in step.marks.items()})
        self._done.append(step)
        return step.edit

    def _given(self, edit: Edit) -> Changes:
        """What "classify" changes. Raises EditError if that is nothing."""
        mark = CellMark(name=edit.cell_class) if edit.cell_class else None
        ids = [int(cell) for cell in cells_meant(self.labels, edit)]
        changed = {cell: (self.marks.get(cell), mark) for cell in ids if self.marks.get(cell) != mark}
        if ids and not changed:
            raise EditError("That has this class already.")
        return changed

    def _mark(self, marks: dict[int, CellMark | None]) -> None:
        for cell, mark in marks.items():
            if mark is None:
                self.marks.pop(cell, None)
            else:
                self.marks[cell] = mark

    def _put(self, step: Step, packed: bytes, next_id: int) -> None:
        pixels = self.labels[step.window]
        pixels[...] = np.frombuffer(zlib.decompress(packed), np.int32).reshape(pixels.shape)
        self.next_id = next_id


def changed_marks(marks: CellMarks, patch: Patch, new_class: str) -> Changes:
    """Classes before and after, by id, of the cells that a patch makes or takes away.

    A piece of a cell has the class of that cell, what was drawn where nothing was has `new_class`, and what is gone
    has none any more.
    """
    there, kept = (set(np.unique(pixels).tolist()) - {0} for pixels in (patch.before, patch.after))
    changed: Changes = {cell: (marks[cell], None) for cell in there - kept if cell in marks}
    for cell in kept - there:
        under = np.bincount(patch.before[patch.after == cell])
        mark = marks.get(int(under.argmax())) if under[1:].any() else CellMark(name=new_class) if new_class else None
        if mark:
            changed[cell] = None, mark
    return changed


def _step(edit: Edit, patch: Patch, next_id: int, marks: Changes) -> Step:
    packed = [zlib.compress(np.ascontiguousarray(pixels).tobytes(), 1) for pixels in (patch.before, patch.after)]
    return Step(edit, patch.window, packed[0], packed[1], (next_id, patch.next_id), marks)
