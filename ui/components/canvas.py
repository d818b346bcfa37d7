"""A picture to draw one line on: streamlit-drawable-canvas, and its line as two points of the picture.

It keeps its strokes until it is made anew, which serves here: a line is drawn, looked at and drawn again, not a hundred
in a hurry (`draw_surface` and `shapes` are for those).
"""

import math
from collections.abc import Callable
from typing import Any

import streamlit as st

Point = tuple[float, float]
COLOUR, WIDTH_PX = "#d6006c", 2
ORIGIN = {"left": -0.5, "top": -0.5, "center": 0.0, "right": 0.5, "bottom": 0.5}
START = "canvas_starts"  # by key: what the canvas was last told to show; another value empties it


def line_canvas(
    key: str, picture: bytes, size: tuple[int, int], line: tuple[Point, ...], on_change: Callable[[], None]
) -> None:
    """Show a picture to draw a line on; `on_change` is called when there may be another `last_line`.

    key: another one for another picture or size. picture: JPEG. size: (width, height) in screen px, whole numbers.
    line: the one to begin with, in px of the canvas, or none.
    """
    from streamlit_drawable_canvas import st_canvas  # registers itself with the running server

    starts: dict[str, Any] = st.session_state.setdefault(START, {})
    if key not in st.session_state or key not in starts:  # new, or on the page again
        starts[key] = {"objects": [_as_drawn(line)] if len(line) == 2 else []}

    def changed() -> None:
        if len(found := _lines(key)) > 1:  # only the last stays
            st.session_state[START][key] = {"objects": [_as_drawn(drawn_ends(found[-1]))]}
        on_change()

    st_canvas(
        stroke_width=WIDTH_PX, stroke_color=COLOUR, background_image=picture, width=size[0], height=size[1],
        drawing_mode="line", initial_drawing=starts[key], key=key, on_change=changed,
    )  # fmt: skip


def last_line(key: str) -> tuple[Point, ...]:
    """Both ends of the line that was drawn last, in px of the canvas; empty where there is none."""
    found = _lines(key)
    return drawn_ends(found[-1]) if found else ()


def drawn_ends(drawn: dict[str, Any]) -> tuple[Point, Point]:
    """Ends of a Fabric.js line: x1 to y2 are told from its own middle, before it was scaled, flipped or turned."""
    angle = math.radians(drawn.get("angle", 0))
    sx, sy = drawn.get("scaleX", 1), drawn.get("scaleY", 1)
    cos, sin = math.cos(angle), math.sin(angle)
    x = -ORIGIN[drawn.get("originX", "left")] * drawn["width"] * sx
    y = -ORIGIN[drawn.get("originY", "top")] * drawn["height"] * sy
    middle = (drawn["left"] + x * cos - y * sin, drawn["top"] + x * sin + y * cos)
    sx, sy = -sx if drawn.get("flipX") else sx, -sy if drawn.get("flipY") else sy
    ends = ((drawn["x1"] * sx, drawn["y1"] * sy), (drawn["x2"] * sx, drawn["y2"] * sy))
    first, second = ((middle[0] + u * cos - v * sin, middle[1] + u * sin + v * cos) for u, v in ends)
    return first, second


def _lines(key: str) -> list[dict[str, Any]]:
    raw = ((st.session_state.get(key) or {}).get("drawing") or {}).get("raw") or {}
    return [one for one in raw.get("objects") or [] if str(one.get("type", "")).lower() == "line"]


def _as_drawn(line: tuple[Point, ...]) -> dict[str, Any]:
    """As Fabric.js has it."""
    (x0, y0), (x1, y1) = line
    return {
        "type": "Line", "originX": "center", "originY": "center", "left": (x0 + x1) / 2, "top": (y0 + y1) / 2,
        "width": abs(x1 - x0), "height": abs(y1 - y0), "x1": (x0 - x1) / 2, "y1": (y0 - y1) / 2,
        "x2": (x1 - x0) / 2, "y2": (y1 - y0) / 2, "stroke": COLOUR, "strokeWidth": WIDTH_PX,
    }  # fmt: skip
