"""A slide at a glance: where cells lie, how densely, and which fields are worth counting.

The rule for fields looks for a monolayer: covered by cells in part, evenly, and in focus. It was tried on drawn slides
only (`benchmarks/slide.py`, tests), where crowded, empty, blurred and uneven parts are known. What it chooses on a real
slide is a proposal that a person should look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from bccseg.imaging.normalise import white_level
from bccseg.imaging.regions import Region
from bccseg.slides.blocks import Window
from bccseg.slides.slide import Slide

OVERVIEW_PX = 2048  # longest side
LEAST_STAIN = 0.06  # optical density, mean of the channels, from which on a pixel may be a cell
COVER = (0.03, 0.10, 0.45, 0.65)  # share of a field that is cell: worth nothing below the first and above the last ...
# ... and everything between the second and third. Above CROWDED_COVER (0.6, `imaging.flags`) a field is not counted.
PARTS = 4  # a field is looked at in 4 x 4 parts, to say how even it is
FIELD_CELLS = 20.0  # side of a field, in cell diameters
FOCUS_CELL_PX = 24.0  # diameter of a cell where sharpness is measured
MOST_LOOKED_AT = 60  # fields whose focus is measured: the best by cover and evenness
LEAST_SCORE = 0.25  # of a field that is offered


@dataclass(frozen=True)
class Overview:
    """A slide made small."""

    picture: NDArray[np.uint8]  # (h, w, 3)
    cell: NDArray[np.float32]  # (h, w), 0 or 1: where cells lie
    downsample: float  # px of level 0 per px


@dataclass(frozen=True)
class Field:
    """A square of a slide, and how good a place it is to count cells; all shares from 0 to 1."""

    window: Window
    cover: float  # share that is cell
    evenness: float  # 1: as much in every part
    focus: float = 0.0  # 1: as sharp as the sharpest tenth of those that were looked at
    score: float = 0.0  # the product of the worth of the three


def look_at(slide: Slide) -> Overview:
    """The overview of a slide, from its coarsest level that is fine enough."""
    downsample = max(1.0, max(slide.shape) / OVERVIEW_PX)
    picture = slide.shrunk(downsample)
    density = np.log(white_level(picture)[None, None] / np.maximum(picture.astype(np.float32), 1)).mean(axis=2)
    density = np.clip(density, 0, None)
    flat = density.min() == density.max()
    threshold = LEAST_STAIN if flat else max(LEAST_STAIN, float(threshold_otsu(density)) * 0.7)  # pale middles, too
    return Overview(picture, (density > threshold).astype(np.float32), downsample)


def fields(overview: Overview, shape: tuple[int, int], side: int) -> list[Field]:
    """Squares of `side` px of level 0 in a grid over a slide of `shape` (H, W), the best by cover and evenness first.

    A slide smaller than a square is one field.
    """
    found = []
    height, width = (min(side, n) for n in shape)
    for top in range(0, shape[0] - height + 1, height):
        for left in range(0, shape[1] - width + 1, width):
            window = slice(top, top + height), slice(left, left + width)
            rows, columns = (
                slice(int(s.start / overview.downsample), max(1, int(s.stop / overview.downsample))) for s in window
            )
            parts = cv2.resize(overview.cell[rows, columns], (PARTS, PARTS), interpolation=cv2.INTER_AREA)
            cover = float(parts.mean())
            evenness = float(np.clip(1 - parts.std() / max(cover, 1e-6), 0, 1))
            found.append(Field(window, cover, evenness, score=worth_of_cover(cover) * evenness))
    return sorted(found, key=lambda one: -one.score)


def worth_of_cover(cover: float) -> float:
    """0 to 1: how good a share of cells is for counting."""
    return float(np.interp(cover, COVER, (0, 1, 1, 0)))


def monolayer(
    slide: Slide, overview: Overview, diameter_px: float, most: int, field_cells: float = FIELD_CELLS
) -> list[Field]:
    """The best fields for counting cells of a diameter, at most `most`, the best first; none where none is good."""
    side = max(64, round(field_cells * diameter_px))
    candidates = [one for one in fields(overview, slide.shape, side) if one.score > 0][:MOST_LOOKED_AT]
    if not candidates:
        return []
    sharpness = np.array([_sharpness(slide, one.window, diameter_px) for one in candidates])
    best = max(float(np.percentile(sharpness, 90)), 1e-9)
    judged = [
        replace(one, focus=float(focus), score=one.score * float(focus))
        for one, focus in zip(candidates, np.clip(sharpness / best, 0, 1), strict=True)
    ]
    return sorted((one for one in judged if one.score >= LEAST_SCORE), key=lambda one: -one.score)[:most]


def _sharpness(slide: Slide, window: Window, diameter_px: float) -> float:
    """Variance of the Laplacian over that of the grey levels, so that contrast does not count as focus (after Pech-
    Pacheco et al. 2000, doi 10.1109/ICPR.2000.903548), in the middle of a field.
    """
    downsample = max(1.0, diameter_px / FOCUS_CELL_PX)
    level = slide.level_for(downsample)
    step = slide.levels[level].downsample
    (top, height), (left, width) = (_middle(span) for span in window)
    part = slide.region(level, int(top / step), int(left / step), max(8, int(height / step)), max(8, int(width / step)))
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = max(8, round(grey.shape[1] * step / downsample)), max(8, round(grey.shape[0] * step / downsample))
    grey = cv2.GaussianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0)  # noise is not focus
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / max(float(grey.var()), 4.0))


def _middle(span: slice) -> tuple[int, int]:
    """Start and length of the middle half."""
    length = span.stop - span.start
    return span.start + length // 4, max(1, length // 2)


def estimated_density(overview: Overview, diameter_px: float, side: int) -> NDArray[np.float32]:
    """Cells per px of level 0 in squares of `side` px: (rows, columns), as the area that is cell over that of a cell.

    Where cells lie on each other it says too few.
    """
    height, width = (max(1, round(n * overview.downsample / side)) for n in overview.cell.shape)
    cover = cv2.resize(overview.cell, (width, height), interpolation=cv2.INTER_AREA)
    return (cover / (np.pi * diameter_px**2 / 4)).astype(np.float32)


def counted_density(centres: NDArray[np.float64], shape: tuple[int, int], side: int) -> NDArray[np.float32]:
    """Cells per px in squares of about `side` px of a slide (H, W): (rows, columns). centres: (N, 2), x, y in px."""
    height, width = (max(1, round(n / side)) for n in shape)
    count, _, _ = np.histogram2d(centres[:, 1], centres[:, 0], (height, width), ((0, shape[0]), (0, shape[1])))
    return (count * (height * width / (shape[0] * shape[1]))).astype(np.float32)


def draw_overview(
    overview: Overview, regions: Sequence[Region] = (), density: NDArray[np.float32] | None = None
) -> NDArray[np.uint8]:
    """The overview with regions outlined, and a density map (rows, columns) in colours over it: uint8 (h, w, 3)."""
    picture = overview.picture.copy()
    if density is not None:
        top = float(np.percentile(density[density > 0], 99)) if (density > 0).any() else 1.0
        level = np.clip(density / top * 255, 0, 255).astype(np.uint8)
        level = cv2.resize(level, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        colours = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
        picture = cv2.addWeighted(picture, 0.4, colours, 0.6, 0)
    thick = max(1, round(max(picture.shape) / 700))
    for region in regions:
        ring = np.round(region.outline / overview.downsample).astype(np.int32)
        colour = (127, 140, 141) if region.kind == "excluded" else (228, 87, 46)
        cv2.polylines(picture, [ring], isClosed=True, color=colour, thickness=thick)
    return picture
