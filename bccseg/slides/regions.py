"""Regions of a slide that are to be counted: all of it, some that were chosen, or outlines from a GeoJSON file.

A cell counts in a region if its centre lies in it (the associated point rule, see `imaging.regions`), and nowhere if it
lies in an excluded one (QuPath's class "Ignore*").
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json
from skimage.measure import approximate_polygon, points_in_poly

from bccseg.errors import SettingsError
from bccseg.imaging.regions import LONGEST_NAME, MOST_CORNERS, Region
from bccseg.slides.blocks import Window

WHOLE_SLIDE = "Whole slide"
EXCLUDED = "ignore*"  # QuPath's class
RASTER_PX = 2000  # longest side of the raster on which areas that overlap are taken
JOIN = "; "  # of the names of the regions of one cell


def whole_slide(shape: tuple[int, int]) -> Region:
    """The one region of a slide (H, W) that is counted as a whole."""
    return rectangle(WHOLE_SLIDE, (slice(0, shape[0]), slice(0, shape[1])))


def rectangle(name: str, window: Window) -> Region:
    """A rectangle, whose cells count by their centres."""
    (top, bottom), (left, right) = ((span.start, span.stop) for span in window)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Region(name=name, kind="polygon", points=corners)


def read_geojson(path: Path) -> tuple[Region, ...]:
    """Polygons of a GeoJSON file in px of level 0, as QuPath exports annotations. Raises SettingsError."""
    try:
        return regions_of(path.read_bytes(), path.name)
    except OSError as error:
        raise SettingsError(f"The regions '{path}' cannot be read ({error.strerror}).") from error


def regions_of(data: bytes, name: str) -> tuple[Region, ...]:
    """The same from the bytes of a file, which messages call `name`. Raises SettingsError."""
    try:
        found = from_json(data)
    except ValueError as error:
        raise SettingsError(f"{name} is no GeoJSON ({error}). Export annotations of QuPath as GeoJSON.") from error
    features = found.get("features", [found]) if isinstance(found, dict) else found
    regions: list[Region] = []
    for feature in features if isinstance(features, list) else []:
        for ring in _rings(feature):
            name, kind = _facts(feature, f"Region {len(regions) + 1}")
            regions.append(Region(name=name, kind="excluded" if kind else "polygon", points=ring))
    if not any(region.kind != "excluded" for region in regions):
        raise SettingsError(f"{name} holds no outline of a region. Draw one in QuPath and export it as GeoJSON.")
    return _distinct(regions)


def _rings(feature: Any) -> list[Any]:
    """Outer outlines of a feature, with as many corners as a region may have."""
    geometry = feature.get("geometry", feature) if isinstance(feature, dict) else None
    if not isinstance(geometry, dict):
        return []
    polygons = {"Polygon": [geometry.get("coordinates")], "MultiPolygon": geometry.get("coordinates")}
    rings = []
    found = polygons.get(str(geometry.get("type")))
    for polygon in found if isinstance(found, list) else []:
        try:
            ring = np.asarray(polygon[0], float)[:, :2]
        except (TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
            raise SettingsError("A region of the GeoJSON file has corners that are no places.") from error
        tolerance = 0.5
        while len(ring) > MOST_CORNERS:
            ring, tolerance = approximate_polygon(ring, tolerance), 2 * tolerance
        if len(ring) > 1 and (ring[0] == ring[-1]).all():
            ring = ring[:-1]
        rings.append(tuple(map(tuple, ring.tolist())))
    return rings


def _facts(feature: Any, otherwise: str) -> tuple[str, bool]:
    """The name of a feature, and whether it is to be left out."""
    found = feature.get("properties")
    properties = found if isinstance(found, dict) else {}
    kind = properties.get("classification") or {}
    kind = str(kind.get("name", "") if isinstance(kind, dict) else kind)
    return str(properties.get("name") or otherwise)[:LONGEST_NAME], kind.lower() == EXCLUDED


def _distinct(regions: list[Region]) -> tuple[Region, ...]:
    """Names told apart by a number where they are the same."""
    taken: set[str] = set()
    out = []
    for region in regions:
        name, k = region.name, 2
        while name in taken:
            name, k = f"{region.name[: LONGEST_NAME - 5]} {k}", k + 1
        taken.add(name)
        out.append(region.replace(name=name))
    return tuple(out)


def counting(regions: Sequence[Region]) -> list[Region]:
    """Those that are not excluded."""
    return [region for region in regions if region.kind != "excluded"]


def members(regions: Sequence[Region], centres: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which cells count in which of the `counting` regions: bool (R, N). centres: (N, 2), x, y of pixel middles."""
    points = np.asarray(centres, float).reshape(-1, 2) + 0.5
    kept = counting(regions)
    out = np.zeros((len(kept), len(points)), bool)
    for k, region in enumerate(kept):
        out[k] = _contains(region, points)
    for region in regions:
        if region.kind == "excluded":
            out &= ~_contains(region, points)
    return out


def _contains(region: Region, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bool (N,). Half open where a side is level or upright, so that rectangles side by side count each point once."""
    ring = region.outline
    low, high = ring.min(axis=0), ring.max(axis=0)
    inside = ((points >= low) & (points < high)).all(axis=1)
    if not _is_rectangle(ring):
        inside[inside] = points_in_poly(points[inside], ring)
    return inside


def _is_rectangle(ring: NDArray[np.float64]) -> bool:
    return len(ring) == 4 and len(np.unique(ring[:, 0])) == 2 and len(np.unique(ring[:, 1])) == 2


def window_of(region: Region, shape: tuple[int, int], margin: int = 0) -> Window:
    """The window around a region, and `margin` px more, within a slide of `shape` (H, W)."""
    low = np.floor(region.outline.min(axis=0)).astype(int) - margin
    high = np.ceil(region.outline.max(axis=0)).astype(int) + margin
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    return (
        slice(min(max(0, top), shape[0]), min(max(0, bottom), shape[0])),
        slice(min(max(0, left), shape[1]), min(max(0, right), shape[1])),
    )


def covers(region: Region, window: Window, shape: tuple[int, int], margin: float) -> bool:
    """Whether a region reaches a window of a slide (H, W), or comes within `margin` px of it; sure where it does."""
    if _is_rectangle(region.outline):
        near = window_of(region, shape, int(margin) + 1)
        return all(_meet(a, b) for a, b in zip(near, window, strict=True))
    step = max(1.0, max(shape) / RASTER_PX)
    mask = _mask(region, tuple(int(n / step) + 2 for n in shape), step)
    grown = margin + 2 * step
    rows, columns = (slice(max(0, int((s.start - grown) / step)), int((s.stop + grown) / step) + 1) for s in window)
    return bool(mask[rows, columns].any())


def areas_px(regions: Sequence[Region], shape: tuple[int, int]) -> tuple[NDArray[np.float64], float]:
    """Area of each `counting` region within a slide of `shape` (H, W), in px, (R,); and that of all of them together.

    Rectangles that nothing overlaps are exact; all else is taken on a raster of RASTER_PX, within about 0.2 %.
    """
    kept = counting(regions)
    windows = [window_of(region, shape) for region in regions]
    alone = all(not (_meet(a[0], b[0]) and _meet(a[1], b[1])) for k, a in enumerate(windows) for b in windows[k + 1 :])
    if alone and all(_is_rectangle(region.outline) for region in kept):
        exact = [float(np.prod([s.stop - s.start for s in window_of(region, shape)])) for region in kept]
        return np.array(exact), float(sum(exact))
    step = max(1.0, max(shape) / RASTER_PX)
    size = tuple(max(1, round(n / step)) for n in shape)
    scale = shape[0] * shape[1] / (size[0] * size[1])
    masks = {id(region): _mask(region, size, step) for region in regions}
    out = np.zeros(size, bool)
    for region in regions:
        if region.kind == "excluded":
            out |= masks[id(region)]
    each = [masks[id(region)] & ~out for region in kept]
    return np.array([one.sum() * scale for one in each], float), float(np.any(each, axis=0).sum() * scale)


def _meet(a: slice, b: slice) -> bool:
    return a.start < b.stop and b.start < a.stop


def _mask(region: Region, size: tuple[int, ...], step: float) -> NDArray[np.bool_]:
    mask = np.zeros(size, bool)
    small = Region.model_construct(
        name=region.name, kind="polygon", points=tuple((x / step, y / step) for x, y in region.outline)
    )
    window, inside = small.pixels((size[0], size[1]))
    mask[window] = inside
    return mask
