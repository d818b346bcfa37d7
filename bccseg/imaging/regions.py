"""Regions drawn on an image, each with a name, and which cells count in each. The rules are unbiased: regions laid side
by side count each cell once, whatever its size.

* A *counting frame* (rectangle): a cell counts that lies in it, wholly or in part, and does not touch its left or top
  edge, nor the left edge's line further down or the right edge's further up (Gundersen 1977,
  doi 10.1111/j.1365-2818.1977.tb00062.x; mirrored, so that the image itself as a frame is `outside_frame`).
* A *polygon*: a cell counts whose centre lies in it (the associated point rule; Miles 1978, doi
  10.1111/j.1365-2818.1978.tb00101.x).
* *Excluded*: cells with their centre in it count in no region, and its area belongs to none.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import from_json
from skimage.draw import polygon2mask
from skimage.measure import points_in_poly

from bccseg.errors import SettingsError
from bccseg.imaging.label_image import Labels, outside_frame
from bccseg.imaging.outlines import polygon_area
from bccseg.schema import Schema

RegionKind = Literal["frame", "polygon", "excluded"]
Point = tuple[float, float]  # x, y in px of the image; the top left pixel reaches from 0 to 1
Window = tuple[slice, slice]  # rows, columns

MOST_REGIONS, MOST_CORNERS, LONGEST_NAME = 50, 500, 60
DECIMALS = 2  # of a corner's place
RULES: dict[RegionKind, str] = {
    "frame": "counting frame: cells that touch its left or top edge are out",
    "polygon": "cells whose centre lies in it",
    "excluded": "cells whose centre lies in it count nowhere",
}


def _clean(name: object) -> object:
    return " ".join("".join(c if c.isprintable() else " " for c in name).split()) if isinstance(name, str) else name


class Region(Schema):
    """A region of an image. Raises SettingsError for one without a name or an area."""

    title = "data of a region"

    name: Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=LONGEST_NAME)]
    kind: RegionKind
    points: tuple[Point, ...] = Field(max_length=MOST_CORNERS)  # a frame's top left and bottom right; or corners

    @field_validator("points")
    @classmethod
    def _fits(cls, points: tuple[Point, ...], info: ValidationInfo) -> tuple[Point, ...]:
        corners = np.asarray(points, float).round(DECIMALS)
        if not np.isfinite(corners).all():
            raise ValueError("its corners are no places")
        if info.data.get("kind") == "frame":
            if len(corners) != 2:
                raise ValueError("a frame has two corners")
            corners = np.array([corners.min(axis=0), corners.max(axis=0)])
            area = float(np.prod(corners[1] - corners[0]))
        elif len(corners) < 3:
            raise ValueError("an outline has three corners or more")
        else:
            area = abs(polygon_area(corners))
        if area < 1:
            raise ValueError("a region is 1 px² or larger")
        return tuple((x, y) for x, y in corners.tolist())

    @property
    def outline(self) -> NDArray[np.float64]:
        """Its corners in order, not closed: float64 (K, 2), x, y in px."""
        if self.kind != "frame":
            return np.array(self.points, float)
        (x0, y0), (x1, y1) = self.points
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)

    def pixels(self, shape: tuple[int, int]) -> tuple[Window, NDArray[np.bool_]]:
        """The pixels whose middle lies in it, of an image of `shape` (H, W): a window, and bool of its size."""
        ring = self.outline - 0.5  # of pixel middles
        last = (shape[1], shape[0])
        low = np.clip(np.ceil(ring.min(axis=0)), 0, last).astype(int)
        high = np.clip(np.ceil(ring.max(axis=0)), low, last).astype(int)
        window = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
        size = (window[0].stop - window[0].start, window[1].stop - window[1].start)
        if self.kind == "frame":
            return window, np.ones(size, bool)
        return window, polygon2mask(size, (ring - low)[:, ::-1]) if min(size) > 0 else np.zeros(size, bool)


def read_regions(text: str | bytes) -> tuple[Region, ...]:
    """The regions that `write_regions` wrote; none from nothing. Raises SettingsError."""
    try:
        found = from_json(text) if text else []
    except ValueError as error:
        raise SettingsError(f"These regions cannot be read: they are no JSON ({error}).") from error
    if not isinstance(found, list):
        raise SettingsError("These are no regions: a JSON list is needed.")
    return tuple(Region.from_dict(one) for one in found[:MOST_REGIONS])


def write_regions(regions: Sequence[Region]) -> str:
    """Regions as a JSON list; "" for none."""
    return json.dumps([region.to_dict() for region in regions], ensure_ascii=False) if regions else ""


def counted_in(
    regions: Sequence[Region], labels: Labels, ids: NDArray[np.integer], centres: NDArray[np.float64]
) -> list[NDArray[np.bool_]]:
    """For each region, in order, which of the cells `ids` (N,) of labels int32 (H, W) count in it: bool (N,).

    centres: x, y of each cell's centre in px, (N, 2), as `centroid_x_px` says: (0, 0) is the middle of the top left
    pixel. Of an excluded region: the cells it takes from all others.
    """
    points = np.asarray(centres, float).reshape(-1, 2) + 0.5
    in_it = [
        _in_frame(region, labels, ids) if region.kind == "frame" else points_in_poly(points, region.outline)
        for region in regions
    ]
    left = ~excluded_cells(regions, centres)
    return [inside if r.kind == "excluded" else inside & left for r, inside in zip(regions, in_it, strict=True)]


def excluded_cells(regions: Sequence[Region], centres: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which cells have their centre, (N, 2) as for `counted_in`, in an excluded region: bool (N,)."""
    points = np.asarray(centres, float).reshape(-1, 2) + 0.5
    out = np.zeros(len(points), bool)
    for region in regions:
        if region.kind == "excluded":
            out |= points_in_poly(points, region.outline)
    return out


def _in_frame(region: Region, labels: Labels, ids: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Cells in the frame that lie wholly to the right of or below its left and top edges and their lines.

    What is left of the frame, and what is above it and not beyond its right edge, is out of bounds: frames side by
    side, taken by columns, then count a cell in the first one that it reaches. What the left or top edge of the image
    cuts is out as in `outside_frame`, so that the counts of frames that make up the image add up to its own.
    """
    (rows, columns), _ = region.pixels(labels.shape)
    size = int(max(labels.max(initial=0), ids.max(initial=0))) + 1
    reached, out = np.zeros(size, bool), np.zeros(size, bool)
    reached[labels[rows, columns]] = True
    out[outside_frame(labels)] = True
    out[labels[:, : columns.start]] = True
    out[labels[: rows.start, : columns.stop]] = True
    return (reached & ~out)[ids]


def areas_px(regions: Sequence[Region], shape: tuple[int, int]) -> tuple[NDArray[np.int64], int]:
    """Pixels of each region within an image of `shape` (H, W), without what is excluded: int64 (R,); and how many are
    excluded in all.
    """
    out = np.zeros(shape if any(region.kind == "excluded" for region in regions) else (0, 0), bool)
    for region in regions:
        if region.kind == "excluded":
            window, inside = region.pixels(shape)
            out[window] |= inside
    sizes = []
    for region in regions:
        window, inside = region.pixels(shape)
        sizes.append(int((inside & ~out[window]).sum() if out.size and region.kind != "excluded" else inside.sum()))
    return np.array(sizes, np.int64), int(out.sum())
