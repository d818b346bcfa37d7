"""A label image that is being edited: every edit can be undone and done again, exactly."""

import zlib
from dataclasses import dataclass

import numpy as np

from bccseg.annotation.edits import Edit, Patch, apply_edit
from bccseg.annotation.geometry import Window
from bccseg.errors import EditError
from bccseg.imaging.label_image import Labels


@dataclass(frozen=True)
class Step:
    """An edit that was made, and the pixels before and after it, packed."""

    edit: Edit
    window: Window
    before: bytes
    after: bytes
    ids: tuple[int, int]  # next free id before and after


class History:
    """Labels and the edits that led to them. `base` is int32 (H, W); it is copied."""

    def __init__(self, base: Labels) -> None:
        self.labels: Labels = base.astype(np.int32)
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

    def apply(self, edit: Edit) -> None:
        """Make an edit. Raises EditError, with nothing changed, if it has no effect."""
        before = self.next_id
        patch = apply_edit(self.labels, edit, self.next_id)
        self.next_id = patch.next_id
        self._done.append(_step(edit, patch, before))
        self._undone.clear()

    def undo(self) -> Edit:
        """Take the last edit back. Raises EditError if there is none."""
        if not self._done:
            raise EditError("There is nothing to undo.")
        step = self._done.pop()
        self._put(step, step.before, step.ids[0])
        self._undone.append(step)
        return step.edit

    def redo(self) -> Edit:
        """Make the edit again that was taken back last. Raises EditError if there is none."""
        if not self._undone:
            raise EditError("There is nothing to redo.")
        step = self._undone.pop()
        self._put(step, step.after, step.ids[1])
        self._done.append(step)
        return step.edit

    def _put(self, step: Step, packed: bytes, next_id: int) -> None:
        pixels = self.labels[step.window]
        pixels[...] = np.frombuffer(zlib.decompress(packed), np.int32).reshape(pixels.shape)
        self.next_id = next_id


def _step(edit: Edit, patch: Patch, next_id: int) -> Step:
    packed = [zlib.compress(np.ascontiguousarray(pixels).tobytes(), 1) for pixels in (patch.before, patch.after)]
    return Step(edit, patch.window, packed[0], packed[1], (next_id, patch.next_id))
