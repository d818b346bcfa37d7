"""A picture to draw regions on. It zooms and reshapes in the browser without the server; what a hand changes is kept
there, numbered, until Python has taken it.

Made for few shapes that stay and are moved, resized and named; `draw_surface` is for strokes that become cells.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from bccseg.imaging.regions import LONGEST_NAME, MOST_CORNERS, Point, Region
from ui.components.region_lines import image_view_js, region_data, region_lines_js

HERE = Path(__file__).parent
LOOK = HERE.parent / "viewer" / "viewer.css"  # bar, buttons and stage as in the viewer
MOST_WAITING, LARGEST_PX = 2_000, 1e6
Act = Literal["put", "delete"]


@dataclass(frozen=True)
class ShapeCommand:
    """Something a hand did to the shapes of an image."""

    number: int  # ascending
    act: Act  # put: draw or change the region of that name
    place: str  # the image
    points: tuple[Point, ...]  # px of the image
    name: str = ""
    kind: str = ""
    is_new: bool = False  # put: a region of that name is another one


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, css, js = ((HERE / f"shapes.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    parts = "".join((HERE / name).read_text(encoding="utf-8") for name in ("geometry.js", "words.js"))
    css = LOOK.read_text(encoding="utf-8") + css
    return st.components.v2.component(
        "bccseg_shapes", html=html, css=css, js=region_lines_js() + image_view_js() + parts + js
    )


def shapes(
    key: str,
    place: str,
    look: str,
    picture: Callable[[], bytes],
    size: tuple[int, int],
    done: int,
    *,
    regions: Sequence[Region] = (),
    pixel_size_um: float | None = None,
    frames: bool = True,
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Show a picture to draw on; `on_change` is called when there may be `shape_commands`.

    place: the image; another one begins anew. look: changes with the picture. picture: JPEG, of any size; asked for
    only where the browser says it has not got it. size: (H, W) of the image, whose px all points are in. done: number
    of the last command whose effect is in `regions`. frames: whether rectangles are counting frames; else regions.
    """
    name = f"{place} {look}"
    has = ((st.session_state.get(key) or {}).get("waiting") or {}).get("has")
    _component()(
        key=key,
        data={
            "place": place, "key": name, "image": None if has == name else _data_url(picture()),
            "width": size[1], "height": size[0], "done": done, "um": pixel_size_um,
            "frames": frames, **region_data(regions),
        },
        on_waiting_change=on_change, height="content",
    )  # fmt: skip


def shape_commands(key: str, done: int) -> list[ShapeCommand]:
    """What the picture with this key has sent after command `done`, in order. What is not understood is left out."""
    sent = (st.session_state.get(key) or {}).get("waiting") or {}
    found = [read_command(entry) for entry in list(sent.get("commands") or [])[:MOST_WAITING]]
    return sorted((c for c in found if c and c.number > done), key=lambda c: c.number)


def read_command(entry: Any) -> ShapeCommand | None:
    """A command as the browser sent it; None for anything else."""
    try:
        act, place = str(entry["act"]), str(entry["place"])
        number = int(entry["number"])
        points = tuple((float(x), float(y)) for x, y in (entry.get("points") or [])[:MOST_CORNERS])
        name, kind = str(entry.get("name", ""))[:LONGEST_NAME], str(entry.get("kind", ""))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return None
    numbers = [v for point in points for v in point]
    if act not in ("put", "delete") or not all(abs(v) < LARGEST_PX for v in numbers):
        return None
    return ShapeCommand(number, act, place, points, name, kind, bool(entry.get("new")))


def _data_url(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
