"""A line along a burnt-in scale bar or between marks of a stage micrometer: how long it is, to parts of a pixel."""

import math

import streamlit as st

from bccseg.errors import SettingsError
from bccseg.imaging.calibration import BY_HAND_PX, SNAPPED_PX, UNITS_UM, Measured, measure_line, read_length_um
from bccseg.imaging.line_ends import Snap, snap_line
from bccseg.imaging.resize import resize
from bccseg.io.encode import jpeg
from bccseg.report.line_ends import end_view
from bccseg.report.result import ImageResult
from bccseg.report.stored_result import StoredResult
from ui.components.canvas import last_line, line_canvas
from ui.components.hotkeys import hotkeys
from ui.segment.region_edits import place_of
from ui.shared.errors import plain
from ui.shared.widget_state import restore, save

LINES = "lines_drawn"  # by image: both ends in px of it, or none, and screen px an image px
ROOM = "line_room_px"  # as wide as the browser said last
WIDEST_PX, HIGHEST_PX, MOST_ZOOM = 1000, 720, 2.0  # of the picture that is drawn on
REACH_SCREEN_PX, REACH_PX = 12, 3  # how far from the hand an end is looked for; at least so far in the image
HAND_SCREEN_PX = 1.0  # how well a hand places an end
AROUND_PX = 12  # at least so much of the image is shown around each end
END_WIDTH_PX = 168  # of that on the screen: two stand beside one another on a phone
SNAPS: dict[Snap, str] = {"bar": "the ends of a bar", "micrometer": "the lines of a micrometer", "none": "nothing"}
Ends = tuple[tuple[float, float], ...]
Line = tuple[Ends, float]


def measure_along_line(kept: StoredResult, result: ImageResult) -> tuple[Measured, float] | None:
    """Ask for a line and its length; the pixel size and the length in µm once both are there."""
    st.caption("Draw along the scale bar in the picture, or between two marks of a stage micrometer as far apart as "
               "possible, and type how long that is.")  # fmt: skip
    for key, default in (("bar_length", ""), ("bar_unit", next(iter(UNITS_UM))), ("bar_snap", next(iter(SNAPS)))):
        if key not in st.session_state:  # another tab was shown; else what is being typed would be overwritten
            restore(key, default)
    with st.container(horizontal=True, vertical_alignment="bottom", key="line_length"):
        text = st.text_input("Length of the line", width=150, key="bar_length", placeholder="as it says",
                             on_change=save, args=("bar_length",))  # fmt: skip
        unit = st.selectbox("Unit", list(UNITS_UM), key="bar_unit", width=100, on_change=save, args=("bar_unit",))
        snap = st.selectbox("Ends snap to", list(SNAPS), format_func=SNAPS.__getitem__, key="bar_snap", width=240,
                            on_change=save, args=("bar_snap",),
                            help="Looks for the exact place near where each end was put.")  # fmt: skip
    place = place_of(kept)
    _draw(place, result)
    ends, scale = _drawn(place)
    if len(ends) < 2:
        return None
    reach = max(REACH_PX, REACH_SCREEN_PX / scale)
    start, end, found = snap_line(result.image, ends[0], ends[1], snap, reach)
    by_hand = max(BY_HAND_PX, HAND_SCREEN_PX / scale)
    errors = (SNAPPED_PX if found[0] else by_hand, SNAPPED_PX if found[1] else by_hand)
    st.markdown(f"The line is **{math.dist(start, end):.1f} px** long, ± {math.hypot(*errors):.2g} px.")
    _show_ends(result, (start, end), found, max(AROUND_PX, reach))
    if snap != "none" and not all(found):
        missed = "Neither end" if not any(found) else "One end"
        st.caption(f":material/info: {missed} has anything to snap to nearby; it stays where you put it.")
    try:
        length_um = read_length_um(text or "", unit)
    except SettingsError as error:
        st.error(plain(str(error), 200))
        return None
    if not length_um:
        st.caption("Now type its length.")
        return None
    measured = measure_line(start, end, length_um, errors)
    if measured is None:
        st.error("No microscope has such pixels. Is the length right, and its unit?")
        return None
    return measured, length_um


def _draw(place: str, result: ImageResult) -> None:
    """The picture, as wide as there is room, with the line that was drawn last."""
    room = hotkeys("line_room", {}, lambda _: None) or st.session_state.get(ROOM, 0)  # 0 until the browser has told
    with st.container(key="line_place"):  # what is below stays where it is when the canvas appears
        if room:
            st.session_state[ROOM] = room
            _show_canvas(place, result, room)


def _show_canvas(place: str, result: ImageResult, room: int) -> None:
    height, width = result.shape
    zoom = min(MOST_ZOOM, min(room, WIDEST_PX) / width, HIGHEST_PX / height)
    picture = resize(result.image, zoom)
    size = picture.shape[1], picture.shape[0]
    key = f"line_canvas_{place}_{size[0]}"
    across, down = size[0] / width, size[1] / height
    line = tuple((x * across, y * down) for x, y in _drawn(place)[0])

    def take() -> None:
        ends = tuple((x / across, y / down) for x, y in last_line(key))
        if len(ends) == 2 and math.dist(*ends) < 2:  # a slip of the hand
            return
        st.session_state.setdefault(LINES, {})[place] = (ends, zoom)

    line_canvas(key, jpeg(picture), size, line, take)


def _show_ends(result: ImageResult, ends: Ends, found: tuple[bool, bool], around_px: float) -> None:
    """Both ends enlarged."""
    with st.container(horizontal=True, key="line_ends"):
        for k, (title, snapped) in enumerate(zip(("Start", "End"), found, strict=True)):
            view = end_view(result.image, ends[k], ends[1 - k], around_px)
            st.image(view, f"{title}: {'snapped' if snapped else 'as drawn'}", width=END_WIDTH_PX)


def _drawn(place: str) -> Line:
    return st.session_state.get(LINES, {}).get(place, ((), 1.0))
