"""Pictures of the result: cells outlined or filled on the image."""

from typing import Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb, sequential

from bccseg.imaging.label_image import Labels
from bccseg.io.encode import png

Style = Literal["outline", "fill"]
OUTLINE_COLOUR = (0, 200, 90)  # green: the complement of most stains
# Twelve hues that neighbours tell apart, light enough for dark cells and dark enough for a white field.
PALETTE = np.array(
    [[230, 25, 75], [0, 150, 70], [0, 110, 220], [245, 130, 49], [145, 30, 180], [0, 170, 170],
     [200, 0, 160], [120, 150, 0], [0, 60, 160], [170, 90, 20], [90, 60, 220], [0, 120, 110]], np.uint8,
)  # fmt: skip
# (10, 3), van der Walt and Smith 2015: even in brightness, and told apart when colour-blind.
VIRIDIS = np.array([hex_to_rgb(colour) for colour in sequential.Viridis], np.float64)
UNKNOWN_COLOUR = (128, 128, 128)  # of a measure that a cell does not have


def cell_edges(labels: Labels, width_px: int = 1) -> NDArray[np.bool_]:
    """Pixels of a cell within `width_px` of another cell or of the background: bool (H, W).

    For 1 px that is skimage.segmentation.find_boundaries(mode="inner"), which takes more than twice as long.
    """
    values = labels.astype(np.float32)  # exact up to 16.7 million cells
    kernel = np.ones((2 * width_px + 1, 2 * width_px + 1), np.uint8)
    return (labels > 0) & ((cv2.erode(values, kernel) != values) | (cv2.dilate(values, kernel) != values))


def scale_colours(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours (N, 3) of N values, dark blue the lowest, yellow the highest; NaN is grey."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    low, high = (values[known].min(), values[known].max()) if known.any() else (0.0, 1.0)
    share = np.where(known, (values - low) / (high - low) if high > low else 0.5, 0.0)
    stops = np.linspace(0, 1, len(VIRIDIS))
    colours = np.stack([np.interp(share, stops, VIRIDIS[:, k]) for k in range(3)], axis=1)
    colours[~known] = UNKNOWN_COLOUR
    return np.round(colours).astype(np.uint8)


def cell_colours(count: int, cells: pd.DataFrame | None = None, measure: str | None = None) -> NDArray[np.uint8]:
    """Colour of each id 0..count: by a column of the cell table, or a palette that repeats. (count + 1, 3)."""
    colours = np.zeros((count + 1, 3), np.uint8)
    if measure is not None and cells is not None and len(cells):
        colours[cells["cell_id"].to_numpy()] = scale_colours(cells[measure].to_numpy(np.float64))
    elif count:
        colours[1:] = PALETTE[np.arange(count) % len(PALETTE)]
    return colours


def draw_overlay(
    image: NDArray[np.uint8],
    labels: Labels,
    style: Style = "outline",
    opacity: float = 1.0,
    colours: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """The image with its cells outlined or filled: uint8 (H, W, 3).

    colours: (N + 1, 3) by id, or None for green outlines and many-coloured fills. opacity: 0 to 1.
    """
    if style == "fill":
        area = labels > 0
    else:
        area = cell_edges(labels, max(1, round(max(image.shape[:2]) / 900)))
    if colours is None:
        colours = cell_colours(int(labels.max(initial=0)))
        if style == "outline":
            colours[1:] = OUTLINE_COLOUR
    out = image.copy()
    paint = colours[labels[area]].astype(np.float32)
    out[area] = np.round(image[area] * (1 - opacity) + paint * opacity).astype(np.uint8)
    return out


def draw_numbers(picture: NDArray[np.uint8], cells: pd.DataFrame) -> NDArray[np.uint8]:
    """The picture with each cell's number at its centre, black on a white rim: uint8 (H, W, 3)."""
    out = np.ascontiguousarray(picture.copy())
    size = float(np.clip(cells["equivalent_diameter_px"].median() / 110, 0.3, 3.0)) if len(cells) else 1.0
    thin = max(1, round(size * 1.6))
    for number, x, y in cells[["cell_id", "centroid_x_px", "centroid_y_px"]].itertuples(index=False):
        text = str(int(number))
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thin)
        at = (round(x - width / 2), round(y + height / 2))
        for colour, thick in (((255, 255, 255), thin + 2), ((0, 0, 0), thin)):
            cv2.putText(out, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thick, cv2.LINE_AA)
    return out


def overlay_png(image: NDArray[np.uint8], labels: Labels) -> bytes:
    """The image with green outlines, as PNG."""
    return png(draw_overlay(image, labels))
