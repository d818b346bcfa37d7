"""The scale bar of a picture: a round length, where the pixel size is known."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bccseg.report.lettering import font_of, text_box, write

ROUND = (1, 2, 5)  # and these times powers of ten
MOST_SHARE = 0.22  # of the picture's width
THICK_SHARE, MARGIN_SHARE, TEXT_SHARE = 0.008, 0.025, 0.03  # of the picture's shorter side
LEAST_TEXT_PX = 11
MM = 1000.0
WHITE, PLATE = (255, 255, 255), (20, 20, 28, 190)  # PLATE lies behind the bar, as behind the legend on the screen


class ScaleBar(NamedTuple):
    """A bar of a round length."""

    um: float
    px: float  # of the picture that it is drawn on
    text: str  # such as "20 µm"


def scale_bar(width_px: float, pixel_size_um: float | None) -> ScaleBar | None:
    """The longest bar of 1, 2 or 5 times a power of ten µm that takes no more than a fifth or so of `width_px`.

    None where the pixel size, in µm of the picture that is `width_px` wide, is not known.
    """
    if not pixel_size_um or not math.isfinite(pixel_size_um) or pixel_size_um <= 0 or width_px < 1:
        return None
    most = width_px * pixel_size_um * MOST_SHARE
    power = 10.0 ** math.floor(math.log10(most))
    um = max(step for step in ROUND if step * power <= most * (1 + 1e-9)) * power
    return ScaleBar(um, um / pixel_size_um, length_words(um))


def length_words(um: float) -> str:
    """A round length as people write it: "500 nm", "20 µm", "1 mm"."""
    for limit, unit, factor in ((1.0, "nm", 1e-3), (MM, "µm", 1.0), (math.inf, "mm", MM)):
        if um < limit * (1 - 1e-9):
            return f"{um / factor:.4g} {unit}"
    return ""


def draw_scale_bar(image: NDArray[np.uint8], pixel_size_um: float | None, magnify: float = 1.0) -> NDArray[np.uint8]:
    """A copy of an image uint8 (H, W, 3) with a scale bar in its lower right corner, white on dark.

    pixel_size_um: of this image; None, or an image too small for it, leaves the picture as it is. magnify: of text and
    thickness, for pictures that are printed small.
    """
    height, width = image.shape[:2]
    bar = scale_bar(width, pixel_size_um)
    side = min(height, width) * magnify
    margin, thick = max(2, round(side * MARGIN_SHARE)), max(2, round(side * THICK_SHARE))
    font = font_of(max(LEAST_TEXT_PX, round(side * TEXT_SHARE)))
    if bar is None:
        return image.copy()
    long = round(bar.px)
    left, top, right, bottom = text_box(bar.text, font)
    inner = max(long, right - left)
    plate_width, plate_height = inner + 2 * margin, bottom - top + thick + round(2.4 * margin)
    if plate_width + margin > width or plate_height + margin > height:
        return image.copy()
    picture = Image.fromarray(image)
    x, y = width - margin - plate_width, height - margin - plate_height
    drawing = ImageDraw.Draw(picture, "RGBA")
    drawing.rounded_rectangle((x, y, x + plate_width - 1, y + plate_height - 1), max(2, margin // 2), fill=PLATE)
    middle = x + plate_width / 2
    write(drawing, (middle - (right - left) / 2 - left, y + 0.7 * margin - top), bar.text, font, WHITE)
    first, above = x + (plate_width - long) // 2, y + plate_height - round(0.8 * margin) - thick
    drawing.rectangle((first, above, first + long - 1, above + thick - 1), fill=WHITE)
    return np.asarray(picture)
