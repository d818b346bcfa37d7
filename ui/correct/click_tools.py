"""What one click on the picture does: the whole outline of a cell, a cell parted in two, two cells made one."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from bccseg.annotation.drafts import Draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.geometry import mask_outline
from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError, EditError
from bccseg.imaging.label_image import Mask
from bccseg.imaging.one_click import Window, click_window, propose_cell, resized
from bccseg.imaging.split_lines import Line, split_lines
from bccseg.report.viewport import View
from ui.shared.predictors import own_predictors
from ui.shared.segmentation_job import jobs_open

if TYPE_CHECKING:
    from concurrent.futures import Future

    from bccseg.inference.click_view import ClickView

log = logging.getLogger("bccseg")

LOADING_S = 20  # a click waits so long for the network; without it, colours decide
MOST_STEPS = 12  # that a cell is made larger or smaller
NEAR = 0.6  # a merging click reaches so far, in diameters
CIRCLE = 1.25  # of the cell's own radius


@dataclass
class AddedCell:
    """The cell that the last click gave, as long as its size can be changed."""

    edit: Edit
    mask: Mask  # as it was proposed, in `window`
    window: Window
    step: int = 0


@dataclass
class PartedCell:
    """The cell that the last click parted, as long as another click tries the next line."""

    edit: Edit
    mask: Mask  # bool, in `window`
    window: Window
    lines: list[Line]
    tried: int = 0


class ClickTools:
    """Clicks on one draft. An edit is made at once; while it is the last, another size or line can take its place."""

    ACTS = ("add", "cut", "merge")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.cell_class = ""  # of new cells
        self._added: AddedCell | None = None
        self._parted: PartedCell | None = None
        self._view: Future[ClickView | None] | None = None

    def act(self, tool: str, x: float, y: float) -> None:
        """Do what a click at (x, y), px of the image, means with a tool. Raises EditError."""
        {"add": self._add, "cut": self._cut, "merge": self._merge}[tool](x, y)

    @property
    def adjustable(self) -> bool:
        """Whether the size of the cell that was clicked last can be changed."""
        return self._added is not None and self._is_last(self._added.edit)

    def take(self) -> None:
        """The cell stays as it is."""
        self._added = None

    def resize(self, by: int) -> None:
        """Make the cell that was clicked last larger or smaller by some steps. Raises EditError."""
        added = self._added
        if added is None or not self.adjustable:
            raise EditError("Click on a cell that was missed first; then its size can be changed.")
        step = int(np.clip(added.step + by, -MOST_STEPS, MOST_STEPS))
        labels = self.draft.labels[added.window]
        own = np.unique(labels[added.mask])
        free = (labels == 0) | (labels == own.max())
        mask = resized(added.mask, free, step, self.draft.info.diameter_px)
        self._exchange(lambda: self._outline(mask, added.window, added.edit.cell_class))
        added.edit, added.step = self.draft.history.edits[-1], step

    def classify(self, cell_class: str) -> None:
        """Give the cell that was clicked last another class, empty for none. Raises EditError."""
        added = self._added
        if added is not None and self.adjustable and added.edit.cell_class != cell_class:
            self._exchange(lambda: added.edit.replace(cell_class=cell_class))
            added.edit = self.draft.history.edits[-1]

    def circle(self, view: View) -> tuple[float, float, float] | None:
        """Circle (x, y, radius) in screen px around the cell whose size can be changed."""
        if self._added is None or not self.adjustable:
            return None
        rows, cols = np.nonzero(self._added.mask)
        x, y = view.to_screen(
            cols.mean() + 0.5 + self._added.window[1].start, rows.mean() + 0.5 + self._added.window[0].start
        )
        return x, y, CIRCLE * float(np.sqrt(len(rows) / np.pi)) * view.zoom[0]

    def _add(self, x: float, y: float) -> None:
        draft, diameter = self.draft, self.draft.info.diameter_px
        if self._cell_at(x, y):
            raise EditError("There is a cell already. Click on one that was missed, or draw around it.")
        view = self._seen()
        if view:
            window, mask = view.propose(draft.labels, (x, y))
        else:
            window = click_window(draft.labels.shape, (x, y), diameter)
            within = x - window[1].start, y - window[0].start
            mask = propose_cell(
                draft.image[window], draft.labels[window], None, SegmentSettings().thresholds(), within, diameter, 1.0
            )
        if mask is None:
            raise EditError("No cell can be made out there. Draw around it.")
        draft.apply(self._outline(mask, window, self.cell_class))
        self._added = AddedCell(draft.history.edits[-1], mask, window)

    def _cut(self, x: float, y: float) -> None:
        cell, parted = self._cell_at(x, y), self._parted
        if not cell:
            raise EditError("Click on a cell, or draw a line across it.")
        if parted and self._is_last(parted.edit) and self._inside(parted, x, y):
            parted.tried = (parted.tried + 1) % len(parted.lines)
            self._exchange(lambda: Edit(kind="cut", points=parted.lines[parted.tried]))
            parted.edit = self.draft.history.edits[-1]
            return
        own = self.draft.labels == cell
        rows, cols = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
        window = slice(max(0, rows[0] - 2), rows[-1] + 3), slice(max(0, cols[0] - 2), cols[-1] + 3)
        left, top = window[1].start, window[0].start
        lines = [((x0 + left, y0 + top), (x1 + left, y1 + top)) for (x0, y0), (x1, y1) in split_lines(own[window])]
        if not lines:
            raise EditError("No line can be found across that cell. Draw one.")
        self.draft.apply(Edit(kind="cut", points=lines[0]))
        self._parted = PartedCell(self.draft.history.edits[-1], own[window], window, lines)

    def _merge(self, x: float, y: float) -> None:
        """The two cells nearest to a click become one."""
        labels = self.draft.labels
        window = click_window(labels.shape, (x, y), NEAR * self.draft.info.diameter_px)
        rows, cols = np.nonzero(labels[window])
        distance = np.hypot(rows + 0.5 + window[0].start - y, cols + 0.5 + window[1].start - x)
        nearest: dict[int, int] = {}
        for k in np.argsort(distance, kind="stable"):
            nearest.setdefault(int(labels[window][rows[k], cols[k]]), k)
            if len(nearest) == 2:
                break
        if len(nearest) < 2:
            raise EditError("Click where two pieces of a cell meet.")
        ends = [(cols[k] + 0.5 + window[1].start, rows[k] + 0.5 + window[0].start) for k in nearest.values()]
        self.draft.apply(Edit(kind="merge", points=tuple((float(a), float(b)) for a, b in ends)))

    def _exchange(self, edit: Callable[[], Edit]) -> None:
        """Another edit in place of the last; that one stays if it cannot be made."""
        self.draft.undo()
        try:
            self.draft.apply(edit())
        except EditError:
            self.draft.redo()
            raise

    def _outline(self, mask: Mask, window: Window, cell_class: str) -> Edit:
        return Edit(kind="add", points=mask_outline(mask, (window[1].start, window[0].start)), cell_class=cell_class)

    def _is_last(self, edit: Edit) -> bool:
        edits = self.draft.history.edits
        return bool(edits) and edits[-1] is edit

    def _inside(self, parted: PartedCell, x: float, y: float) -> bool:
        row, col = int(y) - parted.window[0].start, int(x) - parted.window[1].start
        inside = 0 <= row < parted.mask.shape[0] and 0 <= col < parted.mask.shape[1]
        return inside and bool(parted.mask[row, col])

    def _cell_at(self, x: float, y: float) -> int:
        (h, w), row, col = self.draft.labels.shape, int(np.floor(y)), int(np.floor(x))
        if not (0 <= row < h and 0 <= col < w):
            raise EditError("That is outside of the image.")
        return int(self.draft.labels[row, col])

    def look(self) -> None:
        """Start to look at the image with the network that made the proposal, so that no click need wait for it."""
        if self._view is None or (self._view.done() and self._view.result() is None):
            self._view = _lookers().submit(self._look)

    def _look(self) -> "ClickView | None":
        """None without a network: colours do, too."""
        from bccseg.inference.click_view import ClickView

        try:
            predictor = own_predictors().request(self.draft.info.weights, "auto").result(LOADING_S).predictor
        except (BccsegError, OSError, TimeoutError):
            return None
        view = ClickView(predictor, self.draft.image, self.draft.info.diameter_px)
        if jobs_open() > 0:  # the cores are wanted: the few who click have a window looked at each time
            return view
        try:
            view.look()
        except (RuntimeError, MemoryError):  # no room for it: each click looks at a window of its own
            log.warning("the image could not be looked at beforehand", exc_info=True)
        return view

    def _seen(self) -> "ClickView | None":
        self.look()
        try:
            return self._view.result(LOADING_S) if self._view else None
        except TimeoutError:
            return None


@st.cache_resource(show_spinner=False)
def _lookers() -> ThreadPoolExecutor:
    """A network takes one image at a time; one that is still being fetched keeps nobody waiting for another."""
    return ThreadPoolExecutor(4, thread_name_prefix="bccseg-look")
