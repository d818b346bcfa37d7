"""Words on pictures, in the font that Pillow brings with it, so that they look the same on every computer."""

import numpy as np
from PIL import ImageDraw, ImageFont

MICRO = "µμ"  # the sign and the Greek letter; the font has neither
DESCENT = 0.38  # of a µ, as a part of the height of its u

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font_of(size_px: int) -> Font:
    """The font in that size."""
    return ImageFont.load_default(size_px)


def text_box(text: str, font: Font) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of words written at (0, 0), in px."""
    left, top, right, bottom = font.getbbox(_plain(text))
    extra = DESCENT * _u(font)[1] if any(c in MICRO for c in text) else 0
    return round(left), round(top), round(right), round(bottom + extra)


def write(
    drawing: ImageDraw.ImageDraw, at: tuple[float, float], text: str, font: Font, colour: tuple[int, ...]
) -> None:
    """Write words with their origin at x, y; a µ is a u with its left stem drawn down."""
    drawing.text(at, _plain(text), fill=colour, font=font)
    bottom, height, stem, start = _u(font)
    for k, letter in enumerate(text):
        if letter in MICRO:
            x, y = at[0] + font.getlength(_plain(text[:k])) + start, at[1] + bottom
            drawing.rectangle((x, y - height / 2, x + stem - 1, y + DESCENT * height), fill=colour)


def _plain(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, MICRO), "u"))


def _u(font: Font) -> tuple[float, float, float, float]:
    """Of a u: where it ends below, its height, the width of its left stem, and where that begins."""
    mask = font.getmask("u")
    values = np.asarray(mask, np.uint8).reshape(mask.size[1], mask.size[0])
    across = np.flatnonzero(values[len(values) // 3] > 127)
    stem = int(np.flatnonzero(np.diff(across, append=across[-1] + 2) > 1)[0]) + 1
    left, top, _, bottom = font.getbbox("u")
    return bottom, bottom - top, stem, left + int(across[0])
