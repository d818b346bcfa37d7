"""The picture that people draw on. What a hand does is kept in the browser, numbered, until Python has taken it; in
the tab's own storage, so that a reload in between loses no stroke.

streamlit-drawable-canvas could not be kept for this: it has to be made anew to lose the strokes whose effect is shown,
and what is drawn in that moment is gone. Here nothing is made anew, and a stroke stays in sight until the picture with
its effect is there.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from bccseg.report.viewport import View

HERE = Path(__file__).parent
NAME = "bccseg_draw_surface"
MOST_POINTS, MOST_WAITING = 20_000, 2_000
LARGEST_SCREEN_PX, MOST_NAME = 8192, 200


@dataclass(frozen=True)
class Command:
    """Something a hand did on the picture."""

    number: int  # ascending
    act: str  # draw, class, next, pan, zoom, brush, size or take
    view: View  # that it was done on
    points: tuple[tuple[float, float], ...]  # screen px; of a stroke, or the point a zoom is about
    tool: str = ""
    # Of a zoom or brush: steps; of a stroke: brush diameter, px of the image; of a class: 1 if it is for what `points`
    # name, 2 if for what is ringed, else 0.
    value: float = 0.0
    name: str = ""  # of a class, or of the one that was in hand when a stroke was made


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, css, js = ((HERE / f"draw_surface.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(NAME, html=html, css=css, js=js)


def draw_surface(
    key: str,
    photograph: Callable[[], bytes],
    marks: bytes,
    view: View,
    done: int,
    *,
    tool: str,
    colour: str,
    brush_px: int,
    corners: bool,
    ring: tuple[float, float, float] | None = None,
    adjust: tuple[float, float, float] | None = None,
    keys: dict[str, tuple[str, str, int]] | None = None,
    classes: dict[str, tuple[str, str]] | None = None,
    hand: tuple[str, str] = ("", ""),
    place: int = 0,
    next_key: str = "",
) -> None:
    """Show `view` to draw on: a JPEG of the image, and over it a PNG of its cells, of the same size. See
    `commands_since` for what comes back. The photograph is sent only where the browser says it has none of this view.

    done: number of the last command whose effect the marks show. brush_px: diameter in px of the image, 0 for a tool
    without one. corners: outlines by clicking corner after corner. ring: circle (x, y, radius in screen px) around what
    is to be looked at. adjust: one around a cell whose size the wheel changes. keys: tool, colour and brush by key; a
    stroke that follows a key at once is of its tool, before the page has heard of it. classes: name and colour by key.
    With the tool "class" a key gives its class to what was just outlined, else to what the ring is around, unless the
    pointer has moved since, else to the cell under the pointer. hand: name and colour of the class in hand. place: a
    number that changes when another place is ringed. next_key: asks for the next place.
    """
    shown = [view.left, view.top, view.width, view.height, view.screen_width, view.screen_height]
    name = f"{key} {shown}"
    has = ((st.session_state.get(key) or {}).get("waiting") or {}).get("has")
    _component()(
        key=key,
        data={
            "key": key, "name": name, "photograph": None if has == name else _data_url("image/jpeg", photograph()),
            "marks": _data_url("image/png", marks), "view": shown, "done": done, "tool": tool, "colour": colour,
            "brush": brush_px, "corners": corners, "ring": ring, "adjust": adjust, "keys": keys or {},
            "classes": classes or {}, "hand": hand, "place": place, "next": next_key,
        },
        on_waiting_change=lambda: None, height="content",
    )  # fmt: skip


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def commands_since(key: str, done: int) -> list[Command]:
    """What the surface with this key has sent after command `done`, in order. What is not understood is left out."""
    sent = (st.session_state.get(key) or {}).get("waiting") or {}
    found = [read_command(entry) for entry in list(sent.get("commands") or [])[:MOST_WAITING]]
    return sorted((c for c in found if c and c.number > done), key=lambda c: c.number)


def read_command(entry: Any) -> Command | None:
    """A command as the browser sent it; None for anything else."""
    try:
        left, top, width, height, across, down = (int(v) for v in entry["view"])
        points = tuple((float(x), float(y)) for x, y in entry["points"][:MOST_POINTS])
        number, act, value = int(entry["number"]), str(entry["act"]), float(entry.get("value", 0))
        tool, name = str(entry.get("tool", ""))[:MOST_NAME], str(entry.get("name", ""))[:MOST_NAME]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    plausible = min(left, top) >= 0 < min(width, height, across, down) <= max(across, down) <= LARGEST_SCREEN_PX
    if not (plausible and points and all(abs(v) < 10 * LARGEST_SCREEN_PX for p in (*points, (value,)) for v in p)):
        return None
    return Command(number, act, View(left, top, width, height, across, down), points, tool, value, name)
