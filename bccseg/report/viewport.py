"""A window of an image, drawn at a size of the screen's: what a person looks at while correcting."""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.resize import resize, resize_labels
from bccseg.report.class_colours import ClassColours
from bccseg.report.overlay import OUTLINE_COLOUR, PALETTE

Show = Literal["image", "outlines", "filled", "classes", "proposal", "changes"]
ZOOMS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # screen px an image px, beyond the whole image
PROPOSAL_COLOUR, ADDED_COLOUR, REMOVED_COLOUR, MOVED_COLOUR = (255, 140, 0), (0, 170, 90), (220, 30, 60), (60, 110, 255)
FILL = 0.5  # of the opacity of lines
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
SHARP_FROM = 3.0  # at this zoom single pixels are shown


@dataclass(frozen=True)
class View:
    """Which part of an image is shown, and at which size. All whole numbers, so that nothing is off by a share."""

    left: int  # of the window, image px
    top: int
    width: int
    height: int
    screen_width: int
    screen_height: int

    @property
    def zoom(self) -> tuple[float, float]:
        """Screen px an image px, across and down; they differ by rounding only."""
        return self.screen_width / self.width, self.screen_height / self.height

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that are shown."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """A point of the screen in image px; pixel (r, c) is the square from (c, r) to (c + 1, r + 1)."""
        across, down = self.zoom
        return self.left + x / across, self.top + y / down

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """A point of the image in screen px."""
        across, down = self.zoom
        return (x - self.left) * across, (y - self.top) * down

    def moved(self, across: float, down: float, shape: tuple[int, int]) -> "View":
        """The window moved by image px, kept inside an image (H, W)."""
        left = round(min(max(0, self.left + across), shape[1] - self.width))
        top = round(min(max(0, self.top + down), shape[0] - self.height))
        return replace(self, left=left, top=top)


def make_view(
    shape: tuple[int, int], zoom: float | None, middle: tuple[float, float] | None, room: tuple[int, int]
) -> View:
    """The window around `middle` (x, y) of an image (H, W) that fills `room` (width, height) screen px.

    zoom: screen px an image px; None, or one that would show more than the image, shows the whole image.
    """
    (height, width), (across, down) = shape, room
    whole = min(across / width, down / height)
    zoom = max(zoom or whole, whole)
    w, h = min(width, max(1, round(across / zoom))), min(height, max(1, round(down / zoom)))
    x, y = middle or (width / 2, height / 2)
    left, top = round(min(max(0, x - w / 2), width - w)), round(min(max(0, y - h / 2), height - h))
    return View(left, top, w, h, max(1, round(w * zoom)), max(1, round(h * zoom)))


@dataclass(frozen=True)
class Marks:
    """What is drawn over a photograph: a layer of few colours, small enough to be sent after each stroke."""

    index: NDArray[np.uint8]  # (screen_height, screen_width), row of `colours`
    colours: NDArray[np.uint8]  # (N, 4), red, green, blue, opacity; the first is nothing


def draw_marks(
    view: View,
    labels: Labels,
    base: Labels,
    show: Show = "outlines",
    opacity: float = 0.9,
    classes: ClassColours | None = None,
) -> Marks:
    """The cells of a view. base: the labels before correction, for "proposal" and "changes". classes: colours of the
    outlines, and with "classes" of the cells; the proposal has none.
    """
    size = (view.screen_width, view.screen_height)
    now = resize_labels(labels[view.window], size) if show != "proposal" else np.zeros(size[::-1], np.int32)
    before = resize_labels(base[view.window], size) if show in ("proposal", "changes") else now
    index = np.zeros(now.shape, np.uint8)
    rows: list[tuple[int, ...]] = [(0, 0, 0, 0)]
    if show == "filled":
        rows += [(*colour, round(255 * FILL * opacity)) for colour in PALETTE]
        np.copyto(index, ((now - 1) % len(PALETTE) + 1).astype(np.uint8), where=now > 0)
    elif show == "changes":
        rows += [(*colour, round(255 * 0.6 * opacity)) for colour in (ADDED_COLOUR, REMOVED_COLOUR, MOVED_COLOUR)]
        index[(now > 0) & (before == 0)] = 1
        index[(now == 0) & (before > 0)] = 2
        index[(now > 0) & (before > 0) & (now != before)] = 3
    if show == "image":
        return Marks(index, np.array(rows, np.uint8))
    number = _class_numbers(now, classes) if classes and show != "proposal" else None
    if number is not None and classes and show == "classes":
        np.copyto(index, number - 1 + np.uint8(len(rows) - 1), where=number > 1)
        rows += _rows(classes, FILL * opacity)
    edges = _edges(before if show == "proposal" else now)
    line = len(rows)
    rows.append((*(PROPOSAL_COLOUR if show == "proposal" else OUTLINE_COLOUR), round(255 * opacity)))
    if number is not None and classes:
        at = np.flatnonzero(edges)
        own, beside = number.ravel()[at], cv2.dilate(number, CROSS).ravel()[at]
        index.ravel()[at] = np.where(own > 0, own, beside) + np.uint8(line - 1)
        rows += _rows(classes, opacity)
    else:
        index[edges] = line
    return Marks(index, np.array(rows, np.uint8))


def _class_numbers(labels: Labels, classes: ClassColours) -> NDArray[np.uint8]:
    """0 is background, 1 a cell without a class, 2 and up the rows of `classes`."""
    lookup = np.ones(max(int(labels.max(initial=0)) + 1, len(classes.row)), np.uint8)
    lookup[: len(classes.row)] += classes.row
    lookup[0] = 0
    return np.take(lookup, labels)


def _rows(classes: ClassColours, opacity: float) -> list[tuple[int, ...]]:
    return [
        (*colour, round(255 * strength * opacity))
        for colour, strength in zip(classes.colours.tolist(), classes.strength, strict=True)
    ]


def draw_photograph(view: View, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the view shows of the image alone: uint8 (screen_height, screen_width, 3)."""
    small = view.screen_width < view.width
    how = cv2.INTER_AREA if small else cv2.INTER_NEAREST if view.zoom[0] >= SHARP_FROM else cv2.INTER_CUBIC
    size = (view.screen_width, view.screen_height)
    return cv2.resize(np.ascontiguousarray(image[view.window]), size, interpolation=how)


def overview(image: NDArray[np.uint8], labels: Labels, side: int) -> NDArray[np.uint8]:
    """The whole image with its cells tinted, at most `side` px wide and high: uint8 (h, w, 3)."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    out = resize(image, scale).copy()
    _blend(out, resize_labels(labels, (out.shape[1], out.shape[0])) > 0, np.array(OUTLINE_COLOUR), 0.25)
    return out


def _edges(labels: Labels) -> NDArray[np.bool_]:
    """A line two px wide around every cell, one on each side where cells touch.

    skimage.segmentation.find_boundaries(mode="thick") gives the same in ten times the time, too long for each stroke.
    """
    edge = np.zeros(labels.shape, bool)
    down, across = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    return edge


def _blend(picture: NDArray[np.uint8], where: NDArray[np.bool_], colour: NDArray, opacity: float) -> None:
    """Paint in place: colour (3,) or (H, W, 3)."""
    paint = colour if colour.ndim == 1 else colour[where]
    picture[where] = np.round(picture[where] * (1 - opacity) + paint * opacity).astype(np.uint8)
