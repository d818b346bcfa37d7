"""Edit commands on label images, as they are stored with a version.

The same commands on the same labels always give the same labels. Rules that hold after every edit:
each cell is one 4-connected piece; a cell only ever grows into background, so no neighbour loses a pixel;
ids are never used twice.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, field_validator
from scipy import ndimage as ndi

from bccseg.annotation.geometry import (
    Point,
    Window,
    join_windows,
    line_pixels,
    outline_mask,
    stroke_mask,
    window_around,
)
from bccseg.config import MIN_PIECE_PX
from bccseg.errors import EditError
from bccseg.imaging.label_image import Labels, Mask
from bccseg.schema import Schema

MIN_PIECE_SHARE = 0.03  # ... or below this share of the cell
MAX_POINTS, MAX_COORDINATE, MAX_RADIUS_PX = 20_000, 200_000, 500
OUTSIDE = "That stroke lies far outside the image. Draw it again."
MAX_GAP = 0.25  # merging bridges gaps up to this many cell diameters


class Edit(Schema):
    """One command. `points` are (x, y) in px of the image; `radius_px` is the brush's, where there is one.

    Coordinates are rounded to hundredths of a pixel, so that what is applied is what is stored. Raises EditError.
    """

    model_config = ConfigDict(extra="ignore")
    error = EditError
    title = "data of an edit"

    kind: str
    points: tuple[Point, ...]
    radius_px: float = 0.0
    cell_class: str = ""  # of "classify", which takes the class away if it is empty, and of new cells
    more: tuple[Point, ...] = ()  # of "classify": a point in each further cell, wherever they lie

    @field_validator("kind")
    @classmethod
    def _check_kind(cls, kind: str) -> str:
        if kind not in EDITS:
            raise EditError(f"There is no tool called '{kind}'.")
        return kind

    @field_validator("points")
    @classmethod
    def _check_points(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        if not 1 <= len(points) <= MAX_POINTS:
            raise EditError("That stroke is empty or far too long. Draw it again.")
        if not (np.abs(points) <= MAX_COORDINATE).all():  # nor is it true of NaN
            raise EditError(OUTSIDE)
        return tuple((round(x, 2), round(y, 2)) for x, y in points)

    @field_validator("more")
    @classmethod
    def _check_more(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        return cls._check_points(points) if points else ()

    @field_validator("radius_px")
    @classmethod
    def _check_radius(cls, radius_px: float) -> float:
        if not 0 <= radius_px <= MAX_RADIUS_PX:
            raise EditError(OUTSIDE)
        return round(radius_px, 2)


@dataclass(frozen=True)
class Patch:
    """What an edit changed: the labels of `window` before and after."""

    window: Window
    before: Labels
    after: Labels
    next_id: int  # the first id that is free afterwards


def apply_edit(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """Change `labels` (int32 (H, W)) in place; new cells are numbered from `next_id`.

    Raises EditError, with nothing changed, if the command has no effect where it was drawn.
    """
    return EDITS[edit.kind](labels, edit, next_id)


def _patch(labels: Labels, window: Window, after: Labels, next_id: int, otherwise: str) -> Patch:
    before = labels[window].copy()
    if (before == after).all():
        raise EditError(otherwise)
    labels[window] = after
    return Patch(window, before, after.astype(np.int32), next_id)


def _window_of(labels: Labels, ids: NDArray[np.integer], margin: int = 2) -> Window:
    chosen = np.zeros(int(labels.max()) + 1, bool)
    chosen[ids] = True
    mask = chosen[labels]
    sides = []
    for axis, size in enumerate(labels.shape):
        there = np.flatnonzero(mask.any(axis=1 - axis))
        sides.append(slice(max(0, int(there[0]) - margin), min(size, int(there[-1]) + 1 + margin)))
    return tuple(sides)


def _cells_under(labels: Labels, edit: Edit) -> NDArray[np.integer]:
    """Ids below the line through the points, in the order they are met, each once."""
    pixels = line_pixels(edit.points, labels.shape)
    met = labels[pixels[:, 0], pixels[:, 1]]
    ids, first = np.unique(met, return_index=True)
    ids = ids[np.argsort(first)]
    return ids[ids > 0]


def _largest(mask: Mask) -> Mask:
    pieces, count = ndi.label(mask)
    if count < 2:
        return mask
    return pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))


def _split_cell(sub: Labels, cell: int, pieces: Labels, next_id: int) -> int:
    """Give each large enough piece of a cell an id (the largest keeps the old one), nearest pieces the rest.

    pieces: 0 outside the cell and where it was cut; returns the next free id. Changes `sub` in place.
    """
    size = np.bincount(pieces.ravel())
    size[0] = 0
    enough = size >= max(MIN_PIECE_PX, MIN_PIECE_SHARE * size.sum())
    enough[np.argmax(size)] = True
    enough[0] = False
    number = np.zeros(len(size), np.int32)
    for piece in sorted(np.flatnonzero(enough), key=lambda k: -size[k]):
        number[piece] = cell if size[piece] == size.max() and cell not in number else next_id
        next_id += int(number[piece] == next_id)
    sub[sub == cell] = 0
    kept = number[pieces]
    sub[kept > 0] = kept[kept > 0]
    return next_id


def _add(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """A new cell inside a closed outline. It takes background only."""
    window = window_around(edit.points, 1, labels.shape)
    after = labels[window].copy()
    inside = outline_mask(edit.points, window) if after.size and len(edit.points) > 2 else np.zeros(after.shape, bool)
    new = _largest(inside & (after == 0))
    if new.sum() < MIN_PIECE_PX:
        raise EditError("There is no room for a cell there: cells that are there already keep their pixels.")
    after[new] = next_id
    return _patch(labels, window, after, next_id + 1, "")


def _paint(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """The brush adds background to the cell it starts in, or the first it meets."""
    met = _cells_under(labels, edit)
    if not len(met):
        raise EditError("Start inside the cell that should grow.")
    cell = int(met[0])
    window = window_around(edit.points, edit.radius_px + 1, labels.shape)
    window = join_windows(window, _window_of(labels, met[:1]))
    after = labels[window].copy()
    own = after == cell
    pieces, _ = ndi.label(own | (stroke_mask(edit.points, edit.radius_px, window) & (after == 0)))
    after[pieces == pieces[own][0]] = cell
    return _patch(labels, window, after, next_id, "There is no background under that stroke to add to the cell.")


def _erase(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """The brush makes background. A cell that falls apart becomes several."""
    window = window_around(edit.points, edit.radius_px + 1, labels.shape)
    hit = stroke_mask(edit.points, edit.radius_px, window) if labels[window].size else np.zeros((0, 0), bool)
    ids = np.unique(labels[window][hit])
    ids = ids[ids > 0]
    if not len(ids):
        raise EditError("There is no cell under that stroke.")
    whole = join_windows(window, _window_of(labels, ids))
    after = labels[whole].copy()
    rows, cols = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(window, whole, strict=True))
    after[rows, cols][hit] = 0
    for cell in ids:
        pieces, count = ndi.label(after == cell)
        if count > 1:
            next_id = _split_cell(after, int(cell), pieces, next_id)
    return _patch(labels, whole, after, next_id, "There is no cell under that stroke.")


def _reach_out(labels: Labels, points: list[Point], cell_px: float) -> list[Point]:
    """The line, made longer at an end that stops inside a cell, up to that cell's edge if it is near."""
    for end in (0, -1):
        x, y = points[end]
        row, col = int(np.floor(y)), int(np.floor(x))
        if not (0 <= row < labels.shape[0] and 0 <= col < labels.shape[1]) or labels[row, col] == 0:
            continue
        back = next(
            (p for p in (points[1:] if end == 0 else points[-2::-1]) if np.hypot(x - p[0], y - p[1]) >= 3), None
        )
        if back is None:
            continue
        length = np.hypot(x - back[0], y - back[1])
        step = ((x - back[0]) / length, (y - back[1]) / length)
        tip = (x + step[0] * cell_px / 2, y + step[1] * cell_px / 2)
        pixels = line_pixels([(x, y), tip], labels.shape)
        left = np.flatnonzero(labels[pixels[:, 0], pixels[:, 1]] != labels[row, col])
        if len(left) or len(pixels) < cell_px / 2 - 1:  # out of the cell, or of the image
            stop = pixels[left[0]] if len(left) else pixels[-1]
            points.insert(0 if end == 0 else len(points), (float(stop[1]) + 0.5, float(stop[0]) + 0.5))
    return points


def _cut(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """Each cell that the line crosses becomes two; the line's own pixels go to the nearer piece."""
    met = _cells_under(labels, edit)
    if not len(met):
        raise EditError("There is no cell under that line.")
    size = max(float(np.sqrt(4 / np.pi * (labels == cell).sum())) for cell in met[:8])
    line = line_pixels(_reach_out(labels, list(edit.points), size), labels.shape)
    window = _window_of(labels, met)
    after = labels[window].copy()
    cutting = np.zeros(labels.shape, bool)
    cutting[line[:, 0], line[:, 1]] = True
    cutting, first = cutting[window], next_id
    for cell in met:
        own = after == cell
        pieces, count = ndi.label(own & ~cutting)
        enough = np.bincount(pieces.ravel())[1:] >= max(MIN_PIECE_PX, MIN_PIECE_SHARE * own.sum())
        if count < 2 or enough.sum() < 2:
            continue
        pieces[np.isin(pieces, 1 + np.flatnonzero(~enough))] = 0
        nearest = ndi.distance_transform_edt(pieces == 0, return_distances=False, return_indices=True)
        next_id = _split_cell(after, int(cell), _without_crumbs(np.where(own, pieces[tuple(nearest)], 0)), next_id)
    return _patch(labels, window, after, next_id, _uncut(next_id == first))


def _without_crumbs(pieces: Labels) -> Labels:
    """Pieces without the crumbs that nearest-pixel filling may leave apart from their piece."""
    out = np.zeros_like(pieces)
    for piece in range(1, int(pieces.max()) + 1):
        out[_largest(pieces == piece)] = piece
    return out


def _uncut(nothing: bool) -> str:  # noqa: FBT001
    return "The line must go right across a cell. Start and end outside it." if nothing else ""


def _merge(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """The cells that a stroke crosses become one, the gap between them filled with background pixels."""
    met = _cells_under(labels, edit)
    if len(met) < 2:
        raise EditError("Draw from one cell into another to make them one.")
    size = [(labels == cell).sum() for cell in met]
    largest = int(met[int(np.argmax(size))])
    reach = max(2, int(MAX_GAP * np.sqrt(4 / np.pi * max(size))))
    window = _window_of(labels, met, margin=reach + 2)
    after = labels[window].copy()
    cells, room = np.isin(after, met), after == 0
    for radius in sorted({2, *np.linspace(2, reach, 5).astype(int)}):
        disc = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1]) <= radius
        closed = ndi.binary_erosion(ndi.binary_dilation(cells, disc), disc, border_value=1)
        union = cells | (closed & room)
        pieces, _ = ndi.label(union)
        together = np.unique(pieces[cells])
        if len(together) == 1:
            after[pieces == together[0]] = largest
            return _patch(labels, window, after, next_id, "These cells are one already.")
    raise EditError("These cells are too far apart to be one, or another cell lies between them.")


def cells_meant(labels: Labels, edit: Edit) -> NDArray[np.integer]:
    """Ids of the cells under the first point, or, with an outline, of those that lie mostly inside it; and of those
    that each of the further points lies in.
    """
    if edit.more:
        ids = cells_meant(labels, edit.replace(more=()))
        return np.unique(np.concatenate([ids, _cells_at(labels, edit.more)]))
    ids = _cells_under(labels, Edit(kind="delete", points=edit.points[:1]))
    if len(edit.points) > 2:
        window = window_around(edit.points, 1, labels.shape)
        inside = outline_mask(edit.points, window) if labels[window].size else np.zeros((0, 0), bool)
        covered = np.bincount(labels[window][inside], minlength=int(labels.max()) + 1)
        within = np.flatnonzero(2 * covered > np.bincount(labels.ravel()))
        ids = within[within > 0]
    return ids


def _cells_at(labels: Labels, points: tuple[Point, ...]) -> NDArray[np.integer]:
    """Ids of the cells that single points lie in, ascending."""
    columns, rows = np.floor(points).astype(np.int64).T
    inside = (rows >= 0) & (rows < labels.shape[0]) & (columns >= 0) & (columns < labels.shape[1])
    ids = np.unique(labels[rows[inside], columns[inside]])
    return ids[ids > 0]


def _classify(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """No pixel changes; `History` keeps the classes."""
    if not len(cells_meant(labels, edit)):
        raise EditError("There is no cell there to classify.")
    nothing = labels[:0, :0]
    return Patch((slice(0, 0), slice(0, 0)), nothing, nothing, next_id)


def _delete(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """The cells under the first point, or in the outline."""
    ids = cells_meant(labels, edit)
    if not len(ids):
        raise EditError("There is no cell there to delete.")
    window = _window_of(labels, ids, margin=0)
    after = labels[window].copy()
    after[np.isin(after, ids)] = 0
    return _patch(labels, window, after, next_id, "")


def _chosen(labels: Labels, edit: Edit) -> NDArray[np.integer]:
    """Cells under a stroke, or at a single point in a hole the cell around it."""
    ids = _cells_under(labels, edit)
    if len(ids):
        return ids
    row, col = (int(np.floor(v)) for v in reversed(edit.points[0]))
    if 0 <= row < labels.shape[0] and 0 <= col < labels.shape[1]:
        pockets, _ = ndi.label(labels == 0)
        pocket = pockets == pockets[row, col]
        edge = pocket[0].any() or pocket[-1].any() or pocket[:, 0].any() or pocket[:, -1].any()
        around = np.unique(labels[ndi.binary_dilation(pocket) & ~pocket])
        if not edge and len(around) == 1:
            return around
    raise EditError("There is no cell there. Click on the cell itself.")


def _fill(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """Background that one cell encloses becomes part of it."""
    ids = _chosen(labels, edit)
    window = _window_of(labels, ids)
    after = labels[window].copy()
    for cell in ids:
        own = after == cell
        pieces, _ = ndi.label(own | (ndi.binary_fill_holes(own) & (after == 0)))
        after[pieces == pieces[own][0]] = cell  # not what a neighbour inside the ring encloses in turn
    return _patch(labels, window, after, next_id, "That cell has no holes.")


def _smooth(labels: Labels, edit: Edit, next_id: int) -> Patch:
    """A rounder outline: the cell blurred by a twentieth of its diameter and cut at one half."""
    ids = _chosen(labels, edit)
    window = _window_of(labels, ids, margin=4)
    after = labels[window].copy()
    room = after == 0
    for cell in ids:
        own = after == cell
        sigma = max(1.0, 0.05 * float(np.sqrt(4 / np.pi * own.sum())))
        soft = ndi.gaussian_filter(own.astype(np.float32), sigma, mode="nearest") > 0.5
        smooth = _largest(soft & (own | (room & (after == 0))))
        if smooth.sum() >= MIN_PIECE_PX:
            after[own] = 0
            after[smooth] = cell
    return _patch(labels, window, after, next_id, "That outline is smooth already.")


EDITS: dict[str, Callable[[Labels, Edit, int], Patch]] = {
    "add": _add, "paint": _paint, "erase": _erase, "cut": _cut, "merge": _merge, "delete": _delete, "fill": _fill,
    "smooth": _smooth, "classify": _classify,
}  # fmt: skip
