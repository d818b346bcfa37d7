"""What all annotation files come to: objects with an outline and a class, and how they are drawn as labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from bccseg.classes import CellClass
from bccseg.config import MIN_PIECE_PX
from bccseg.errors import DataError
from bccseg.imaging.label_image import Labels, Mask, areas, relabel
from bccseg.imaging.part_mask import box_window, ellipse_depth

Ring = NDArray[np.float64]  # (K, 2): x, y; the centre of the top left pixel is (0.5, 0.5)
MOST_POINTS = 100_000  # of one ring
FARTHEST = 1e7  # coordinate; more is no place in an image


@dataclass(frozen=True, eq=False)
class PlacedMask:
    """Pixels of one object in the smallest window of an image that holds them: hundreds of them fit the memory."""

    size: tuple[int, int]  # (H, W) of the image
    window: tuple[slice, slice]
    pixels: Mask  # (h, w)

    @classmethod
    def of(cls, mask: Mask) -> "PlacedMask":
        """From a mask (H, W)."""
        rows, cols = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        ends = [(line[0], line[-1] + 1) if len(line) else (0, 0) for line in (rows, cols)]
        window = slice(*map(int, ends[0])), slice(*map(int, ends[1]))
        return cls(mask.shape, window, mask[window].copy())


@dataclass(frozen=True, eq=False)
class AnnotatedObject:
    """One object of a file, by one of: `parts`, `box`, `mask`."""

    name: str = ""  # of its class, as the file has it; empty without one
    parts: tuple[tuple[Ring, ...], ...] = ()  # of each part the outline, then its holes
    box: NDArray[np.float64] | None = None  # left, top, right, bottom
    mask: PlacedMask | None = None
    relative: bool = False  # coordinates are shares of the image's width and height, not px
    by: Literal["network", "person"] = "person"  # who says of which class it is
    score: float | None = None  # how sure the network is of that, 0 to 1


@dataclass
class AnnotatedImage:
    """The objects of one image."""

    file_name: str  # as the annotations name the image; its folders may be those of another machine
    objects: list[AnnotatedObject] = field(default_factory=list)
    size: tuple[int, int] | None = None  # (H, W) as the file says
    predicted: bool = False  # by a network, and nobody has looked at it


@dataclass
class AnnotationFile:
    """What one file holds."""

    images: list[AnnotatedImage] = field(default_factory=list)
    classes: dict[str, CellClass] = field(default_factory=dict)  # colours and the like, by the file's names


def draw_objects(objects: Sequence[AnnotatedObject], shape: tuple[int, int]) -> tuple[Labels, list[AnnotatedObject]]:
    """Labels int32 (H, W), and the objects that the ids 1..N are, in their order.

    A box becomes its inscribed ellipse. Where objects overlap, the smaller one lies in front; each keeps its largest
    4-connected piece, as cells of the collection have one. What is left with less than MIN_PIECE_PX is dropped.
    """
    drawn = [_pixels(one, shape) for one in objects]
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(drawn)), key=lambda k: -int(drawn[k][1].sum())):
        window, inside = drawn[k]
        labels[window][inside] = k + 1
    labels = _largest_pieces(labels, len(objects))
    keep = np.bincount(labels.ravel(), minlength=len(objects) + 1) >= MIN_PIECE_PX
    return relabel(labels, keep), [one for one, kept in zip(objects, keep[1:], strict=True) if kept]


def _pixels(one: AnnotatedObject, shape: tuple[int, int]) -> tuple[tuple[slice, slice], Mask]:
    """A window of an image (H, W), and the object's pixels there."""
    if one.mask is not None:
        if one.mask.size != shape:
            raise DataError(f"A mask in the annotations is {one.mask.size[1]} x {one.mask.size[0]} px, "
                            f"the image {shape[1]} x {shape[0]} px.")  # fmt: skip
        return one.mask.window, one.mask.pixels
    scale = np.array(shape[::-1], np.float64) if one.relative else np.ones(2)
    if one.box is not None:
        box = one.box * np.tile(scale, 2)
        window = box_window(box, shape)
        centred = (box - 0.5)[None]  # of pixel centres, as `ellipse_depth` counts
        return window, ellipse_depth(centred, window)[0] <= 1
    rings = [[ring * scale for ring in part if len(ring) > 2] for part in one.parts if part and len(part[0]) > 2]
    if not rings:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    outer = np.concatenate([part[0] for part in rings])
    window = box_window(np.concatenate([outer.min(axis=0), outer.max(axis=0)]), shape)
    size = window[0].stop - window[0].start, window[1].stop - window[1].start
    corner = np.array([window[1].start, window[0].start])
    inside = np.zeros(size, bool)
    for part in rings:
        inside |= fill_rings([ring - corner for ring in part], size)
    return window, inside


def fill_rings(rings: Sequence[Ring], shape: tuple[int, int]) -> Mask:
    """Pixels, bool (H, W), whose centres lie inside an odd number of closed rings: holes are rings in a ring.

    Each row's crossings are counted from the left, which takes a thirtieth of the time of `skimage.draw.polygon`.
    """
    height, width = shape
    crossings = np.zeros(height * (width + 1), np.int64)
    for ring in rings:
        here = ring - 0.5
        there = np.roll(here, -1, axis=0)
        rows = np.sort(np.ceil(np.clip([here[:, 1], there[:, 1]], 0, height)).astype(np.intp), axis=0)
        first, last = rows  # of each side; without the last
        count = last - first
        side = np.repeat(np.arange(len(ring)), count)
        row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[side]
        (x0, y0), (x1, y1) = here[side].T, there[side].T
        x = x0 + (row - y0) * (x1 - x0) / (y1 - y0)
        column = np.ceil(np.clip(x, 0, width)).astype(np.intp)
        crossings += np.bincount(row * (width + 1) + column, minlength=len(crossings))
    return np.cumsum(crossings.reshape(height, width + 1), axis=1)[:, :width] % 2 == 1


def _largest_pieces(labels: Labels, count: int) -> Labels:
    """The labels with the largest 4-connected piece of each id only."""
    pieces = label(labels, connectivity=1, background=0)
    size = areas(pieces)
    owner = np.zeros(len(size), np.int64)
    owner[pieces.ravel()] = labels.ravel()
    size[0] = 0
    order = np.argsort(-size, kind="stable")
    largest = np.full(count + 1, -1)
    for piece in order[::-1]:
        largest[owner[piece]] = piece
    keep = np.zeros(len(size), bool)
    keep[largest[1:][largest[1:] > 0]] = True
    return np.where(keep[pieces], labels, 0).astype(np.int32)


def class_counts(images: Iterable[AnnotatedImage]) -> dict[str, int]:
    """How many objects have each of the file's class names; those without one are not counted."""
    counts: dict[str, int] = {}
    for image in images:
        for one in image.objects:
            if one.name:
                counts[one.name] = counts.get(one.name, 0) + 1
    return counts


def as_ring(points: Any, what: str) -> Ring:
    """Points of a file as a ring (K, 2). Raises DataError."""
    try:
        ring = np.array(points, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{what} has an outline that is not made of x and y.") from error
    if ring.ndim == 1 and len(ring) % 2 == 0:
        ring = ring.reshape(-1, 2)
    if ring.ndim != 2 or ring.shape[1] < 2 or len(ring) > MOST_POINTS or not (np.abs(ring) <= FARTHEST).all():
        raise DataError(f"{what} has an outline that is not made of x and y.")
    return ring[:, :2]


def as_box(values: Any, what: str) -> NDArray[np.float64]:
    """Left, top, right, bottom from left, top, width, height. Raises DataError."""
    ring = as_ring(values, what)
    if ring.shape != (2, 2) or (ring[1] <= 0).any():
        raise DataError(f"{what} has a box that is not x, y, width, height.")
    return np.concatenate([ring[0], ring[0] + ring[1]])


def as_share(value: Any) -> float | None:
    """A number from 0 to 1, None for anything else."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if good else None


def as_text(value: Any) -> str:
    """A name of a file: one line, not endless; empty for anything but a text or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())[:200]
