"""The correction that is open in this browser tab: tool, view, and what the person does to it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from bccseg.annotation.drafts import Draft
from bccseg.annotation.edits import Edit
from bccseg.classes import CellMark, ClassSet
from bccseg.errors import BccsegError
from bccseg.imaging.label_image import count_cells, median_diameter, without
from bccseg.report.corrected import same_cells
from bccseg.report.viewport import Show
from ui.components.draw_surface import Command, commands_since
from ui.correct.class_hand import ClassHand
from ui.correct.click_tools import ClickTools
from ui.correct.places import DoubtfulClasses, UncertainPlace, find_uncertain_places
from ui.correct.sight import Sight
from ui.correct.tools import SHOWS, TOOLS
from ui.shared.errors import plain
from ui.shared.storage import store

KEY = "correction_session"
MOST_BRUSH_PX = 200
CLICK_PX = 6  # screen px; a stroke that stays within this is a click
ON_POINTER, ON_RING = 1, 2  # value of a class's key: pressed over a cell, or with a place ringed and the hand at rest
CLICK_HINTS = {
    "add": "Wheel over it, or [ and ]: smaller or larger.", "cut": "Another click on it tries another line."
}  # fmt: skip


@dataclass
class CorrectionSession(Sight):
    """State of the Correct page in one tab."""

    classes: ClassSet = field(default_factory=ClassSet)  # of the collection, when it was opened
    tool: str = "add"
    corners: bool = False  # outlines by clicking corners
    brush_px: int = 0  # diameter, image px
    show: Show = "outlines"
    opacity: float = 0.9
    done: int = 0  # number of the last command of the drawing surface that was taken
    uncertain_places: list[UncertainPlace] = field(default_factory=list)
    place_index: int = -1
    by_class: bool = False  # the place is a cell whose class is doubtful
    keys_wanted: bool = False  # the list of all keys

    def __post_init__(self) -> None:
        self._lock = threading.RLock()  # a click on a button starts its run while that of a stroke is still at work
        info = self.draft.info
        self.done = self.draft.command
        self.clicks, self.doubtful = ClickTools(self.draft), DoubtfulClasses(self.draft)
        self.classing = ClassHand(self.draft, self.classes)
        self._message: tuple[str, str] = ("info", "")
        self._done_last: tuple[str, str] | None = None  # title and hint of what has not been counted yet
        self._cells = self.classing.count_cells(self.draft.labels, self.draft.marks)
        self.cells_proposed = self._count_proposed()
        self.brush_px = self.brush_px or max(3, round(info.diameter_px / 6))
        self.uncertain_places = find_uncertain_places(self.draft, self.classes.uncounted(info.cells))

    def _count_proposed(self) -> int:
        """Cells of the proposal; what of it is none is known by the draft that began with it."""
        base, proposal, none = self.draft.base, self.draft.proposal, self.classes.uncounted(self.draft.info.cells)
        same = same_cells(base, proposal)
        return count_cells(without(proposal, {int(same[cell]) for cell in none if cell < len(same)} - {0}))

    # --- what the person sees

    @property
    def surface_key(self) -> str:
        """Key of the drawing surface; it stays as long as the draft is open."""
        return f"surface_{self.draft.id}"

    # --- what the person does

    def take(self, commands: list[Command]) -> None:
        """Do, in order, what a hand did on the picture; each once, however often the browser sends it."""
        acts: dict[str, Callable[[Command], Any]] = {
            "draw": self.apply_stroke, "class": self.choose_class, "next": lambda _: self.next_doubtful_class(),
            "pan": self._pan, "zoom": lambda c: self.zoom_by(1 if c.value > 0 else -1, c.view.to_image(*c.points[0])),
            "size": lambda c: self.handle_hotkey(f"size:{'+' if c.value > 0 else '-'}"),
            "brush": lambda c: self.handle_hotkey(f"brush:{'+' if c.value > 0 else '-'}"),
            "take": lambda _: self.clicks.take(),
        }  # fmt: skip
        with self._lock:
            for command in commands:
                if command.number <= self.done:
                    continue
                self.done = self.draft.command = command.number
                if act := acts.get(command.act):
                    act(command)

    def _pan(self, command: Command) -> None:
        (x0, y0), (x1, y1) = command.points[0], command.points[-1]
        self.pan((x0 - x1) / command.view.screen_width, (y0 - y1) / command.view.screen_height)

    def apply_stroke(self, stroke: Command) -> None:
        """Make the edit that a stroke, an outline or a click stands for."""
        tool, points = TOOLS.get(stroke.tool), stroke.points
        if tool is None or tool.name == "move":
            self.message = ("warning", "That could not be read. Draw it again.")
            return
        click = is_click(points)
        if click and tool.name in ("delete", "fill", "smooth", "class"):
            points = points[:1]
        native = tuple(stroke.view.to_image(x, y) for x, y in points)
        name = stroke.name if self.classing.knows(stroke.name) else self.classing.name
        if tool.name == "class":
            self.classify(name, native)
            return
        new_class = self.classing.as_edit(name) if tool.name == "add" else ""
        if click and tool.name in self.clicks.ACTS and not (tool.name == "add" and self.corners):
            self.clicks.cell_class = new_class
            self.perform(lambda: self.clicks.act(tool.name, *native[0]), tool.title, CLICK_HINTS.get(tool.name, ""))
            return
        radius = float(np.clip(stroke.value, 1, MOST_BRUSH_PX)) / 2 if tool.brush else 0.0
        edit = {"kind": tool.name, "points": native, "radius_px": radius, "cell_class": new_class}
        self.perform(lambda: self.draft.apply(Edit(**edit)), tool.title)

    def choose_class(self, key: Command) -> None:
        """The key of a class was pressed: take it in hand, and give it to what it was pressed over."""
        if not self.classing.knows(key.name):
            return
        self.classing.name = key.name
        points = tuple(key.view.to_image(x, y) for x, y in (key.points[:1] if is_click(key.points) else key.points))
        cell = self.doubtful.current
        # A key may have been pressed before the ring went on: then it is for the cell that was ringed.
        ringed = key.value == ON_RING and self.by_class and cell is not None and self.doubtful.is_current(points[0])
        if ringed and cell and self.draft.marks.get(cell.id) == CellMark(name=key.name):
            self.next_doubtful_class()  # it has been given before: going through them again
        elif key.value >= ON_POINTER:
            if self.classify(key.name, points) and ringed:
                self.next_doubtful_class(said=self.classing.words(key.name))
        else:
            if key.tool == "add" and self.clicks.adjustable:
                self.perform(lambda: self.clicks.classify(self.classing.new_cell), self.classing.words(key.name))
            self.message = ("info", f"{self.classing.words(key.name)} is in hand.")

    def hold(self, name: str) -> None:
        """Take a class in hand, with the tool that gives it, or put it down again; new cells have it, too."""
        put_down = name == self.classing.name and self.tool in ("class", "add")
        self.classing.name = "" if put_down else name
        self.tool = "add" if self.tool == "add" else "class"
        words = f"{self.classing.words(name)} is in hand. New cells have it; the tool Class gives it to others."
        self.message = ("info", words if self.tool == "add" and not put_down else "")

    def classify(self, name: str, points: tuple[tuple[float, float], ...]) -> bool:
        """Give a class to the cell at a point, or to those in an outline; returns whether it was possible."""
        if not name:
            keys = " · ".join(f"{key} {self.classing.words(one)}" for key, (one, _) in self.classing.by_key().items())
            self.message = ("warning", f"No class is in hand. Press the key of one: {keys}.")
            return False
        before, words = len(self.draft.history.edits), self.classing.words(name)
        given = 0

        def act() -> None:
            nonlocal given
            given = self.classing.give(name, points)

        self.perform(act, words)
        if given > 1:
            self._done_last = f"{words} × {given}", ""
        return len(self.draft.history.edits) > before

    def perform(self, act: Callable[[], Any], title: str, hint: str = "") -> None:
        """Make a change; the message is the change of the cell count and a hint, or why it was not possible."""
        with self._lock:
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
    def classes_matter(self) -> bool:
        """Whether anything is known of classes here, or somebody is about to give some."""
        return bool(self.draft.marks or self.classing.name or self.tool == "class")

    def in_words(self) -> str:
        """What there is now: cells of which classes, and what is beside them."""
        of, beside = self.classing.of_cells(), self.classing.beside()
        count = f"{self.cells:,} cell{'' if self.cells == 1 else 's'}"
        return plain(count + (f" ({of})" if of else "") + (f", beside them {beside}" if beside else ""), 500)

    def median_diameter(self) -> float | None:
        """Of the cells, in px; None without any."""
        return median_diameter(without(self.draft.labels, self.classing.classes.uncounted(self.draft.marks)))

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
            self._cells = self.classing.count_cells(self.draft.labels, self.draft.marks)
            gained = self._cells - before
            change = f": {gained:+d} cell{'s' if abs(gained) > 1 else ''}" if gained else ""
            self._message = ("info", f"{title}{change}{hint and f'. {hint}'}")

    def in_turn(self, act: Callable[..., Any], *values: Any) -> None:
        """Do what a button or key stands for, after all that was drawn before. For use as a callback."""
        self.take(commands_since(self.surface_key, self.done))
        act(*values)

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
                self.by_class = False
                self.look_at(place.x, place.y)
                number = f"{self.place_index + 1} of {len(self.uncertain_places)}"
                self.message = ("info", f"Place {number}: {place.text}")
                return
        self.message = ("info", "No places are left to check.")

    def next_doubtful_class(self, step: int = 1, said: str = "") -> None:
        """Go to the next cell whose class no person has given (or the one before), with the class tool in hand.

        said: what is told before.
        """
        self.tool = "class"
        cell, said = self.doubtful.step(step), said and f"{said}. "
        if cell is None:
            self.place = None
            self.message = ("info", f"{said}A person has given every cell its class.")
            return
        self.by_class = True
        self.look_at(cell.x, cell.y, move=not self.in_sight(cell.x, cell.y))
        mark = self.draft.marks.get(cell.id)
        what = self.classing.words(self.classing.classes.current(mark.name)) if mark else "no class yet"
        score = f", score {mark.score:.2f}" if mark and mark.score is not None else ""
        self.message = ("info", f"{said}{self.doubtful.left():,} left; this one: {what}{score}")

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
        elif name == "back":
            (self.next_doubtful_class if self.by_class else self.next_uncertain_place)(-1)
        elif name == "size" or (name == "brush" and not TOOLS[self.tool].brush and self.clicks.adjustable):
            self.perform(lambda: self.clicks.resize(1 if value == "+" else -1), "Larger" if value == "+" else "Smaller")
        elif name == "brush":
            self.brush_px = int(
                np.clip(self.brush_px * (1.25 if value == "+" else 0.8) + (value == "+"), 1, MOST_BRUSH_PX)
            )
        elif name == "show":
            order = list(SHOWS)
            self.show = order[(order.index(self.show) + 1) % len(order)]


def is_click(points: tuple[tuple[float, float], ...]) -> bool:
    """Whether a stroke, in screen px, stays in one place."""
    xs, ys = zip(*points, strict=True)
    return max(xs) - min(xs) <= CLICK_PX and max(ys) - min(ys) <= CLICK_PX


def current_session() -> CorrectionSession | None:
    """The correction open in this tab, with all that was drawn on it."""
    session: CorrectionSession | None = st.session_state.get(KEY)
    if session:  # what was drawn a moment ago comes first, whatever was pressed since
        session.take(commands_since(session.surface_key, session.done))
    return session


def open_session(draft: Draft) -> None:
    """Open a draft in this tab; the address then names it, so that a reload finds it again."""
    st.session_state[KEY] = session = CorrectionSession(draft, classes=store().class_set())
    session.clicks.look()
    st.session_state.pop("submitted", None)  # the thanks for the one before


def close_session() -> None:
    """Close what is open; the draft itself stays on disk."""
    current_session()
    st.session_state.pop(KEY, None)
    st.query_params.pop("draft", None)
