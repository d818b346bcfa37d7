"""A line along a burnt-in scale bar or between marks of a stage micrometer: how long it is, to parts of a pixel."""

import streamlit as st

from bccseg.errors import SettingsError
from bccseg.imaging.calibration import BY_HAND_PX, SNAPPED_PX, UNITS_UM, Measured, measure_line, read_length_um
from bccseg.imaging.line_ends import Snap, snap_line
from bccseg.imaging.resize import resize
from bccseg.io.encode import jpeg
from bccseg.report.result import ImageResult
from bccseg.report.stored_result import StoredResult
from ui.components.shapes import shape_commands, shapes
from ui.segment.region_edits import place_of
from ui.shared.errors import plain

SURFACE, LINES = "line_surface", "lines_drawn"  # the drawing surface; by image: command, ends, screen px an image px
MOST_PX = 4096  # longer side of the picture that is drawn on
REACH_SCREEN_PX, REACH_PX = 12, 3  # how far from the hand an end is looked for; at least so far in the image
HAND_SCREEN_PX = 1.0  # how well a hand places an end
SNAPS: dict[Snap, str] = {"bar": "the ends of a bar", "micrometer": "the lines of a micrometer", "none": "nothing"}
Line = tuple[int, tuple[tuple[float, float], ...], float]


def measure_along_line(kept: StoredResult, result: ImageResult) -> tuple[Measured, float] | None:
    """Ask for a line and its length; the pixel size and the length in µm once both are there."""
    st.caption("Draw along the scale bar in the picture, or between two marks of a stage micrometer as far apart as "
               "possible, and type how long that is.")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", key="line_length"):
        text = st.text_input("Length of the line", width=150, key="bar_length", placeholder="as it says")
        unit = st.selectbox("Unit", list(UNITS_UM), key="bar_unit", width=100)
        snap = st.selectbox("Ends snap to", list(SNAPS), format_func=SNAPS.__getitem__, key="bar_snap", width=240,
                            help="Looks for the exact place near where each end was put.")  # fmt: skip
    place = place_of(kept)
    number, ends, scale = _drawn(place)
    found, shown = (False, False), ends
    if len(ends) == 2:
        reach = max(REACH_PX, REACH_SCREEN_PX / scale)
        start, end, found = snap_line(result.image, ends[0], ends[1], snap, reach)
        shown = (start, end)
    shapes(
        SURFACE, place, "image", lambda: _picture(result), result.shape, number, line=shown,
        pixel_size_um=result.pixel_size_um, on_change=lambda: _take(place),
    )  # fmt: skip
    if len(shown) < 2:
        return None
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
    by_hand = max(BY_HAND_PX, HAND_SCREEN_PX / scale)
    errors = (SNAPPED_PX if found[0] else by_hand, SNAPPED_PX if found[1] else by_hand)
    measured = measure_line(shown[0], shown[1], length_um, errors)
    if measured is None:
        st.error("No microscope has such pixels. Is the length right, and its unit?")
        return None
    return measured, length_um


def _drawn(place: str) -> Line:
    return st.session_state.get(LINES, {}).get(place, (0, (), 1.0))


def _take(place: str) -> None:
    """The last line that was drawn; for use as a callback."""
    commands = [c for c in shape_commands(SURFACE, _drawn(place)[0]) if c.act == "line" and c.place == place]
    if commands:
        last = commands[-1]
        ends = last.points if len(last.points) == 2 else ()
        st.session_state.setdefault(LINES, {})[place] = (last.number, ends, last.scale)


def _picture(result: ImageResult) -> bytes:
    return jpeg(resize(result.image, min(1.0, MOST_PX / max(result.shape))))
