"""The pixel size, measured on a scale bar or stage micrometer that is in the picture."""

import math
import zlib

import streamlit as st

from bccseg.errors import SettingsError
from bccseg.imaging.pixel_size import read_um
from bccseg.imaging.resize import resize
from bccseg.io.encode import jpeg
from bccseg.report.result import ImageResult
from ui.components.canvas import drawn_points
from ui.shared.errors import plain
from ui.shared.settings import set_pixel_size

MOST_PX = 700  # longer side of the picture that is drawn on


def measure_scale_bar(result: ImageResult) -> None:
    """Draw along the bar, type its length, and the pixel size is known."""
    # Only where it is asked for: the canvas draws the page again when it appears, and clicks of that moment are lost.
    if not st.toggle("Measure the pixel size on a scale bar", key="bar_open"):
        return
    st.caption("Draw a line along the bar, or between two marks of a stage micrometer, and type how long that is.")
    shrink = min(1.0, MOST_PX / max(result.shape))
    length_px = _drawn_length(result, shrink)
    text = st.text_input("Length of the line (µm)", width=240, key="bar_length", placeholder="as the bar says")
    try:
        length_um = read_um(text or "", "no length. Type how long the line is in µm, such as 10 or 2,5.")
    except SettingsError as error:
        st.error(plain(str(error), 200))
        return
    if length_px is None or not length_um:
        return
    pixel = length_um / length_px
    st.markdown(f"The line is {length_px:.0f} px long: one pixel is **{pixel:.4g} µm** (± {100 / length_px:.1f} %).")
    st.button("Use this pixel size", type="primary", on_click=set_pixel_size, args=(pixel,), key="bar_use")


def _drawn_length(result: ImageResult, shrink: float) -> float | None:
    """Length of the last line that was drawn, in px of the image."""
    from streamlit_drawable_canvas import st_canvas  # registers itself with the running server

    picture = resize(result.image, shrink)
    height, width = picture.shape[:2]
    drawing = st_canvas(
        stroke_width=2, stroke_color="#ffd500", background_image=jpeg(picture), width=width, height=height,
        drawing_mode="line", key=f"bar_{zlib.crc32(result.stem.encode())}",
    )  # fmt: skip
    lines = [drawn for drawn in (drawing.json_data or {}).get("objects", []) if drawn.get("type", "").lower() == "line"]
    if not lines:
        return None
    (x0, y0), (x1, y1) = drawn_points(lines[-1])
    length = math.hypot((x1 - x0) * result.shape[1] / width, (y1 - y0) * result.shape[0] / height)
    return length if length >= 1 else None
