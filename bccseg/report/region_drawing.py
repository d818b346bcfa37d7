"""Regions as lines on a picture, with their names."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bccseg.imaging.regions import Region
from bccseg.report.lettering import font_of, text_box, write

# A counting frame is drawn as in stereology: out is what touches the solid line, in what touches the dashed one.
OUT_COLOUR, IN_COLOUR = (220, 30, 50), (0, 140, 70)
POLYGON_COLOUR, EXCLUDED_COLOUR = (20, 90, 230), (225, 110, 0)
CASING, PLATE = (255, 255, 255), (20, 20, 28, 190)
WIDTH_SHARE, TEXT_SHARE, LEAST_TEXT_PX = 1 / 500, 0.02, 11  # of the longer and the shorter side
DASH, GAP, HATCH = 6, 4, 10  # line widths
BITS = 4  # of a pixel, for cv2


def region_colour(region: Region) -> tuple[int, int, int]:
    """The colour of its name, and of the line around a polygon."""
    return {"frame": IN_COLOUR, "polygon": POLYGON_COLOUR, "excluded": EXCLUDED_COLOUR}[region.kind]


def draw_regions(image: NDArray[np.uint8], regions: Sequence[Region], scale: float = 1.0) -> NDArray[np.uint8]:
    """A copy of an image uint8 (H, W, 3) with the regions on it. scale: px of this image for one of the regions'."""
    out = image.copy()
    if not regions:
        return out
    width = max(1, round(max(image.shape[:2]) * WIDTH_SHARE))
    for region in regions:
        ring = region.outline * scale
        if region.kind == "excluded":
            _hatch(out, ring, width)
        _lines(out, region, ring, width + 2, CASING)
        _lines(out, region, ring, width, None)
    return _names(out, regions, scale)


def _lines(out: NDArray[np.uint8], region: Region, ring: NDArray, width: int, colour: tuple[int, ...] | None) -> None:
    sides = list(zip(ring, np.roll(ring, -1, axis=0), strict=True))
    for k, (start, end) in enumerate(sides):  # of a frame: top, right, bottom, left
        is_in = region.kind == "frame" and k in (1, 2)
        own = IN_COLOUR if is_in else OUT_COLOUR if region.kind == "frame" else region_colour(region)
        pieces = _dashes(start, end, width) if is_in or region.kind == "excluded" else [(start, end)]
        for a, b in pieces:
            cv2.line(out, _px(a), _px(b), colour or own, width, cv2.LINE_AA, BITS)


def _px(at: NDArray) -> tuple[int, int]:
    x, y = np.round((np.clip(at, -1e5, 1e5) - 0.5) * 2**BITS).astype(int)
    return int(x), int(y)


def _dashes(start: NDArray, end: NDArray, width: int) -> list[tuple[NDArray, NDArray]]:
    length = float(np.linalg.norm(end - start))
    count = max(1, round(length / ((DASH + GAP) * width)))
    way, share = (end - start) / count, DASH / (DASH + GAP)
    return [(start + k * way, start + (k + share) * way) for k in range(count)]


def _hatch(out: NDArray[np.uint8], ring: NDArray, width: int) -> None:
    """Thin diagonal lines inside."""
    inside = np.zeros(out.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.round(ring - 0.5).astype(np.int32)], 1)
    y, x = np.ogrid[: out.shape[0], : out.shape[1]]
    lines = ((x + y) % (HATCH * width) < max(1, width // 2)) & (inside > 0)
    out[lines] = EXCLUDED_COLOUR


def _names(out: NDArray[np.uint8], regions: Sequence[Region], scale: float) -> NDArray[np.uint8]:
    """Each at the upper left corner of its region, inside the picture."""
    height, width = out.shape[:2]
    font = font_of(max(LEAST_TEXT_PX, round(min(height, width) * TEXT_SHARE)))
    picture = Image.fromarray(out)
    drawing = ImageDraw.Draw(picture, "RGBA")
    for region in regions:
        left, top, right, bottom = text_box(region.name, font)
        pad = max(2, (bottom - top) // 3)
        corner = region.outline.min(axis=0) * scale
        x = min(max(0, math.ceil(corner[0]) + pad), max(0, width - (right - left) - 2 * pad))
        y = min(max(0, math.ceil(corner[1]) + pad), max(0, height - (bottom - top) - 2 * pad))
        box = (x, y, x + right - left + 2 * pad, y + bottom - top + 2 * pad)
        drawing.rounded_rectangle(box, pad, fill=PLATE)
        drawing.rectangle((x, y, x + max(2, pad // 2), box[3]), fill=region_colour(region))
        write(drawing, (x + pad + max(2, pad // 2) - left, y + pad - top), region.name, font, CASING)
    return np.asarray(picture)
