"""The correction that is open in this browser tab: tool, view, and what the person does to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from bccseg.annotation.drafts import Draft
from bccseg.annotation.edits import Edit
from bccseg.errors import BccsegError
from bccseg.imaging.flags import BLURRED, SEVERAL, flag_cells
from bccseg.imaging.label_image import count_cells
from bccseg.imaging.measure import measure_cells
from bccseg.report.viewport import ZOOMS, Show, View, make_view
from ui.components.draw_surface import Command, commands_since
from ui.correct.click_tools import ClickTools
from ui.correct.tools import SHOWS, TOOLS

KEY = "correction_session"
UNCERTAIN_BELOW = 0.9  # cells with a lower score are worth a look
MIN_PLACES = 5  # so many are offered in any case
MOST_BRUSH_PX = 200
CLICK_PX = 6  # screen px; a stroke that stays within this is a click
SMALLEST_RING_PX = 10
RING_RADIUS = 0.8  # of the ring around a cell to check, in cell diameters
PLACE_ZOOM = 3.0
CLICK_HINTS = {
    "add": "Wheel over it, or [ and ]: smaller or larger.", "cut": "Another click on it tries another line."
}  # fmt: skip
PLACE_WORDS = {SEVERAL: "this may be several cells", BLURRED: "this cell is out of focus"}


@dataclass(frozen=True)
class UncertainPlace:
    """A place worth a look, in px of the image: a flagged cell, or one the network was unsure of."""

    x: float
    y: float
    uncertainty: float  # 0 to 1
    text: str


@dataclass
class CorrectionSession:
    """State of the Correct page in one tab."""

    draft: Draft
    tool: str = "add"
    corners: bool = False  # outlines by clicking corners
    brush_px: int = 0  # diameter, image px
    show: Show = "outlines"
    opacity: float = 0.9
    zoom: float | None = None  # None: the whole image
    middle: tuple[float, float] | None = None
    view: View | None = None  # as it is now
    room: tuple[int, int] = (1, 1)  # screen px (width, height) that it may fill
    done: int = 0  # number of the last command of the drawing surface that was taken
    uncertain_places: list[UncertainPlace] = field(default_factory=list)
    place_index: int = -1
    keys_wanted: bool = False  # the list of all keys

    def __post_init__(self) -> None:
        info = self.draft.info
        self.clicks = ClickTools(self.draft)
        self._message: tuple[str, str] = ("info", "")
        self._done_last: tuple[str, str] | None = None  # title and hint of what has not been counted yet
        self._cells, self.cells_proposed = count_cells(self.draft.labels), count_cells(self.draft.proposal)
        self.brush_px = self.brush_px or max(3, round(info.diameter_px / 6))
        cells = measure_cells(self.draft.base, self.draft.image)
        where = cells.set_index("cell_id")[["centroid_x_px", "centroid_y_px"]]
        flags = dict(zip(cells["cell_id"], flag_cells(cells, self.draft.base, self.draft.image), strict=True))
        flagged = [UncertainPlace(*(where.loc[k] + 0.5), 1, PLACE_WORDS[flag]) for k, flag in flags.items() if flag]
        scores = sorted((s, k) for k, s in enumerate(info.scores, start=1) if k in where.index and not flags[k])
        uncertain = [(s, k) for n, (s, k) in enumerate(scores) if s < UNCERTAIN_BELOW or n < MIN_PLACES]
        found = [UncertainPlace(*(where.loc[k] + 0.5), 1 - s, f"cell with score {s:.2f}") for s, k in uncertain]
        found += [UncertainPlace(x, y, s, f"left out, score {s:.2f}: a cell?") for x, y, s in info.rejected]
        self.uncertain_places = flagged + sorted(found, key=lambda place: -place.uncertainty)

    # --- what the person sees

    def make_view(self, available_px: tuple[int, int]) -> View:
        """The window to be shown in `available_px` (width, height) screen px."""
        self.room = available_px
        self.view = make_view(self.draft.labels.shape, self.zoom, self.middle, available_px)
        return self.view

    def ring(self, view: View) -> tuple[float, float, float] | None:
        """Ring around the place that is looked at: x, y and radius in screen px."""
        if not 0 <= self.place_index < len(self.uncertain_places):
            return None
        place = self.uncertain_places[self.place_index]
        radius = RING_RADIUS * self.draft.info.diameter_px * view.zoom[0]
        return *view.to_screen(place.x, place.y), max(SMALLEST_RING_PX, radius)

    @property
    def surface_key(self) -> str:
        """Key of the drawing surface; it stays as long as the draft is open."""
        return f"surface_{self.draft.id}"

    # --- what the person does

    def take(self, commands: list[Command]) -> None:
        """Do, in order, what a hand did on the picture; each once, however often the browser sends it."""
        for command in commands:
            if command.number <= self.done:
                continue
            self.done = command.number
            if command.act == "draw":
                self.apply_stroke(command)
            elif command.act == "pan":
                (x0, y0), (x1, y1) = command.points[0], command.points[-1]
                self.pan((x0 - x1) / command.view.screen_width, (y0 - y1) / command.view.screen_height)
            elif command.act == "zoom":
                self.zoom_by(1 if command.value > 0 else -1, command.view.to_image(*command.points[0]))
            elif command.act == "size":
                self.handle_hotkey("size:+" if command.value > 0 else "size:-")
            elif command.act == "take":
                self.clicks.take()
            elif command.act == "brush":
                self.handle_hotkey("brush:+" if command.value > 0 else "brush:-")

    def apply_stroke(self, stroke: Command) -> None:
        """Make the edit that a stroke, an outline or a click stands for."""
        tool, points = TOOLS.get(stroke.tool), stroke.points
        if tool is None or tool.name == "move":
            self.message = ("warning", "That could not be read. Draw it again.")
            return
        xs, ys = zip(*points, strict=True)
        click = max(xs) - min(xs) <= CLICK_PX and max(ys) - min(ys) <= CLICK_PX
        if click and tool.name in ("delete", "fill", "smooth"):
            points = points[:1]
        native = tuple(stroke.view.to_image(x, y) for x, y in points)
        if click and tool.name in self.clicks.ACTS and not (tool.name == "add" and self.corners):
            self.perform(lambda: self.clicks.act(tool.name, *native[0]), tool.title, CLICK_HINTS.get(tool.name, ""))
            return
        radius = float(np.clip(stroke.value, 1, MOST_BRUSH_PX)) / 2 if tool.brush else 0.0
        self.perform(lambda: self.draft.apply(Edit(kind=tool.name, points=native, radius_px=radius)), tool.title)

    def perform(self, act: Callable[[], Any], title: str, hint: str = "") -> None:
        """Make a change; the message is the change of the cell count and a hint, or why it was not possible."""
        try:
            act()
        except BccsegError as error:
            self.message = ("warning", str(error))
            return
        self._done_last = title, hint

    @property
    def cells(self) -> int:
        """Cells there are now."""
        self._count()
        return self._cells

    @property
    def message(self) -> tuple[str, str]:
        """What happened last: "info" or "warning", and the words."""
        self._count()
        return self._message

    @message.setter
    def message(self, message: tuple[str, str]) -> None:
        self._count()
        self._message = message

    def _count(self) -> None:
        """Only when it is asked for: the picture with the effect of a stroke goes out before."""
        if self._done_last:
            (title, hint), before, self._done_last = self._done_last, self._cells, None
            self._cells = count_cells(self.draft.labels)
            gained = self._cells - before
            change = f": {gained:+d} cell{'s' if abs(gained) > 1 else ''}" if gained else ""
            self._message = ("info", f"{title}{change}{hint and f'. {hint}'}")

    def ask_for_keys(self) -> bool:
        """Whether the list of keys was asked for; once for each time it was."""
        wanted, self.keys_wanted = self.keys_wanted, False
        return wanted

    def undo(self) -> None:
        """Take the last edit back."""
        self.perform(self.draft.undo, "Undone")

    def redo(self) -> None:
        """Make it again."""
        self.perform(self.draft.redo, "Done again")

    def zoom_by(self, step: int, about: tuple[float, float] | None = None) -> None:
        """A zoom level in (1), out (-1), or the whole image (0). about: x, y in px of the image; stays where it is."""
        if step == 0 or self.view is None:
            self.zoom, self.middle = None, None
            return
        self._hold_middle()
        now, whole = self.view.zoom[0], self.view.width == self.draft.labels.shape[1]
        levels = [z for z in ZOOMS if (z > now * 1.05 if step > 0 else z < now * 0.95)]
        if step > 0 and levels:
            self.zoom = levels[0]
        elif step < 0 and not (whole and self.view.height == self.draft.labels.shape[0]):
            self.zoom = levels[-1] if levels else None
        else:
            return
        if about and self.zoom:
            middle = self.view.left + self.view.width / 2, self.view.top + self.view.height / 2
            x, y = (a + (m - a) * now / self.zoom for a, m in zip(about, middle, strict=True))
            self.middle = (x, y)
        self.view = make_view(self.draft.labels.shape, self.zoom, self.middle, self.room)

    def pan(self, across: float, down: float) -> None:
        """Move the window by a share of its size."""
        if self.view is not None:
            moved = self.view.moved(across * self.view.width, down * self.view.height, self.draft.labels.shape)
            self.middle = (moved.left + moved.width / 2, moved.top + moved.height / 2)

    def go_to(self, x: float, y: float) -> None:
        """Bring a point of the image to the middle; from the whole image, at twice its size."""
        if self.zoom is None and self.view is not None:
            self.zoom = next((z for z in ZOOMS if z > self.view.zoom[0] * 1.5), ZOOMS[-1])
        self.middle = (x, y)

    def next_uncertain_place(self, step: int = 1) -> None:
        """Go to the next uncertain place that was not changed since (or the one before)."""
        for _ in self.uncertain_places:
            self.place_index = (
                (self.place_index + step) % len(self.uncertain_places)
                if self.place_index >= 0 or step > 0
                else len(self.uncertain_places) - 1
            )
            place = self.uncertain_places[self.place_index]
            row, col = (
                min(int(v), size - 1) for v, size in zip((place.y, place.x), self.draft.labels.shape, strict=True)
            )
            if self.draft.labels[row, col] == self.draft.base[row, col]:
                diameter = self.draft.info.diameter_px
                wanted = 160 / diameter * PLACE_ZOOM / 3  # a cell about 160 screen px wide
                self.zoom = min(ZOOMS, key=lambda z: abs(np.log(z / wanted)))
                self.middle = (place.x, place.y)
                number = f"{self.place_index + 1} of {len(self.uncertain_places)}"
                self.message = ("info", f"Place {number}: {place.text}")
                return
        self.message = ("info", "No places are left to check.")

    def handle_hotkey(self, action: str) -> None:
        """A key was pressed; see `tools.HOTKEYS`."""
        name, _, value = action.partition(":")
        if name == "tool" and value in TOOLS:
            self.tool, self.message = value, ("info", "")  # the tool's own help is shown again
        elif name in ("undo", "redo"):
            getattr(self, name)()
        elif name == "zoom":
            self.zoom_by({"in": 1, "out": -1}.get(value, 0))
        elif name == "pan":
            across, down = value.split(",")
            self.pan(int(across) / 3, int(down) / 3)
        elif name == "keys":
            self.keys_wanted = True
        elif name in ("next", "back"):
            self.next_uncertain_place(1 if name == "next" else -1)
        elif name == "size" or (name == "brush" and not TOOLS[self.tool].brush and self.clicks.adjustable):
            self.perform(lambda: self.clicks.resize(1 if value == "+" else -1), "Larger" if value == "+" else "Smaller")
        elif name == "brush":
            self.brush_px = int(
                np.clip(self.brush_px * (1.25 if value == "+" else 0.8) + (value == "+"), 1, MOST_BRUSH_PX)
            )
        elif name == "show":
            order = list(SHOWS)
            self.show = order[(order.index(self.show) + 1) % len(order)]

    def _hold_middle(self) -> None:
        if self.view is not None and self.middle is None:
            self.middle = (self.view.left + self.view.width / 2, self.view.top + self.view.height / 2)


def current_session() -> CorrectionSession | None:
    """The correction open in this tab, with all that was drawn on it."""
    session: CorrectionSession | None = st.session_state.get(KEY)
    if session:  # what was drawn a moment ago comes first, whatever was pressed since
        session.take(commands_since(session.surface_key, session.done))
    return session


def open_session(draft: Draft) -> None:
    """Open a draft in this tab; the address then names it, so that a reload finds it again."""
    st.session_state[KEY] = session = CorrectionSession(draft)
    session.clicks.load()
    st.session_state.pop("submitted", None)  # the thanks for the one before


def close_session() -> None:
    """Close what is open; the draft itself stays on disk."""
    current_session()
    st.session_state.pop(KEY, None)
    st.query_params.pop("draft", None)
