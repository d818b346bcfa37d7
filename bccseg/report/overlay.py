"""The result as a picture: cells outlined on the image. And the colours that every picture of cells uses."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb, sequential

from bccseg.classes import UNCLASSIFIED, ClassSet
from bccseg.imaging.label_image import Labels
from bccseg.io.encode import png

HIDDEN_COLOUR = (250, 200, 0)
SUBPIXEL_BITS = 4
OUTLINE_COLOUR = (0, 200, 90)  # green: the complement of most stains
# Twelve hues that neighbours tell apart, light enough for dark cells and dark enough for a white field.
PALETTE = np.array(
    [[230, 25, 75], [0, 150, 70], [0, 110, 220], [245, 130, 49], [145, 30, 180], [0, 170, 170],
     [200, 0, 160], [120, 150, 0], [0, 60, 160], [170, 90, 20], [90, 60, 220], [0, 120, 110]], np.uint8,
)  # fmt: skip
# (10, 3), van der Walt and Smith 2015: even in brightness, and told apart when colour-blind.
VIRIDIS = np.array([hex_to_rgb(colour) for colour in sequential.Viridis], np.float64)
UNKNOWN_COLOUR = (128, 128, 128)  # of a measure that a cell does not have
OUTLINES_A_SIDE = 900  # an outline is one of so many parts of the longer side wide, at least 1 px


def cell_edges(labels: Labels, width_px: int = 1) -> NDArray[np.bool_]:
    """Pixels of a cell within `width_px` of another cell or of the background: bool (H, W).

    For 1 px that is skimage.segmentation.find_boundaries(mode="inner"), which takes more than twice as long.
    """
    values = labels.astype(np.float32)  # exact up to 16.7 million cells
    kernel = np.ones((2 * width_px + 1, 2 * width_px + 1), np.uint8)
    return (labels > 0) & ((cv2.erode(values, kernel) != values) | (cv2.dilate(values, kernel) != values))


def draw_overlay(
    image: NDArray[np.uint8],
    labels: Labels,
    hidden: Iterable[NDArray[np.float64]] = (),
    colours: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """The image with its cells outlined, and what others hide of them in thin yellow: uint8 (H, W, 3).

    hidden: whole outlines (K, 2), x, y in px. colours: of the outlines, by id, (N + 1, 3); None: all green.
    """
    out = image.copy()
    width = max(1, round(max(image.shape[:2]) / OUTLINES_A_SIDE))
    rings = [np.round((ring - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32) for ring in hidden]
    cv2.polylines(out, rings, True, HIDDEN_COLOUR, width, cv2.LINE_AA, SUBPIXEL_BITS)
    edges = cell_edges(labels, width)
    out[edges] = OUTLINE_COLOUR if colours is None else colours[labels[edges]]
    return out


def overlay_png(
    image: NDArray[np.uint8],
    labels: Labels,
    hidden: Iterable[NDArray[np.float64]] = (),
    colours: NDArray[np.uint8] | None = None,
) -> bytes:
    """The image with outlines, as PNG; see `draw_overlay`."""
    return png(draw_overlay(image, labels, hidden, colours))


def class_colours(names: Iterable[str]) -> NDArray[np.uint8]:
    """Colour of the class of each cell 1..N, those of unclassified cells grey: uint8 (N + 1, 3)."""
    names = list(names)
    known = {one.name: hex_to_rgb(one.colour) for one in ClassSet().known(set(names) - {UNCLASSIFIED})}
    return np.array([(0, 0, 0), *(known.get(name, UNKNOWN_COLOUR) for name in names)], np.uint8)
