"""Probability maps to cells: find one marker a cell, flood from the markers, fill holes, drop specks."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.measure import label
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from bccseg.config import SegmentSettings
from bccseg.imaging.labels import Labels, Mask, areas, equivalent_diameter, relabel

SMOOTHING = 0.02  # Gaussian on the distance map, in cell diameters
SKIRT = 0.4  # labels are grown to this share of the cell threshold, then cut at full resolution


def find_markers(distance: NDArray[np.float32], settings: SegmentSettings, diameter_px: float) -> NDArray[np.int32]:
    """One marker a hill of the distance map: int32 (H, W).

    Peaks that rise at least `marker_depth` over the saddle to a higher one (h-maxima, Soille 2003,
    doi 10.1007/978-3-662-05088-0, section 6.3.4), and at least to `marker_threshold`.
    """
    depth = settings.marker_depth
    smooth = cv2.GaussianBlur(distance, (0, 0), max(0.5, SMOOTHING * diameter_px))
    dome = smooth - reconstruction(np.maximum(smooth - depth, 0), smooth, method="dilation").astype(np.float32)
    markers, count = ndi.label(dome > 0.02 * depth, structure=np.ones((3, 3)))
    if count == 0:
        return markers.astype(np.int32)
    ids = np.arange(1, count + 1)
    deep_enough = ndi.maximum(dome, markers, ids) >= 0.98 * depth
    high_enough = ndi.maximum(smooth, markers, ids) >= settings.marker_threshold
    return relabel(markers, np.concatenate([[False], deep_enough & high_enough]))


def distance_from_mask(mask: Mask, diameter_px: float) -> NDArray[np.float32]:
    """Stand-in distance map, 0 to 1, for networks with the binary head: distance to the mask's edge in
    typical cell radii."""
    edt = cv2.distanceTransform(np.pad(mask, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.clip(edt / (diameter_px / 2), 0, 1)


def separate(
    cell: NDArray[np.float32],
    distance: NDArray[np.float32] | None,
    settings: SegmentSettings,
    diameter_px: float,
    shape: tuple[int, int],
) -> tuple[Labels, NDArray[np.float32]]:
    """Cells at full resolution from maps at working resolution.

    cell, distance: float32 (h, w), 0 to 1; distance None for the binary head. diameter_px: typical cell
    in the maps. shape: (H, W) of the image. Returns labels int32 (H, W) and a score 0 to 1 of each cell,
    float32 (N,): mean cell probability inside times the height of its peak. No cells: N = 0.
    """
    skirt = cell > SKIRT * settings.cell_threshold
    if distance is None:
        distance = distance_from_mask(cell > settings.cell_threshold, diameter_px)
    markers = find_markers(distance, settings, diameter_px)
    count = int(markers.max(initial=0))
    if count == 0:
        return np.zeros(shape, np.int32), np.zeros(0, np.float32)
    grown = watershed(-distance, markers, mask=skirt)
    score = _scores(grown, cell, distance, settings.cell_threshold, count)
    labels = enlarge(grown, cell, settings.cell_threshold, shape)
    return tidy(labels, score)


def _scores(
    grown: Labels, cell: NDArray[np.float32], distance: NDArray[np.float32], threshold: float, count: int
) -> NDArray[np.float32]:
    inside = np.where(cell > threshold, grown, 0).ravel()
    total = np.bincount(inside, weights=cell.ravel(), minlength=count + 1)[1:]
    size = np.bincount(inside, minlength=count + 1)[1:]
    peak = ndi.maximum(distance, grown, np.arange(1, count + 1))
    return (total / np.maximum(1, size) * np.clip(peak, 0, 1)).astype(np.float32)


def enlarge(grown: Labels, cell: NDArray[np.float32], threshold: float, shape: tuple[int, int]) -> Labels:
    """Labels at `shape`: outer edges from the interpolated cell map, edges between cells from `grown`."""
    if grown.shape == shape:
        return np.where(cell > threshold, grown, 0).astype(np.int32)
    size = (shape[1], shape[0])
    nearest = cv2.resize(grown.astype(np.float32), size, interpolation=cv2.INTER_NEAREST_EXACT)
    inside = cv2.resize(cell, size, interpolation=cv2.INTER_LINEAR) > threshold
    return np.where(inside, nearest, 0).astype(np.int32)


def tidy(labels: Labels, score: NDArray[np.float32]) -> tuple[Labels, NDArray[np.float32]]:
    """Each cell in one piece (its largest) and without holes; ids 1..N; the scores that remain."""
    pieces = label(labels, connectivity=1, background=0)
    size = np.bincount(pieces.ravel())
    owner = np.zeros(len(size), np.int32)
    owner[pieces.ravel()] = labels.ravel()
    size[0] = 0
    order = np.lexsort((-size, owner))  # by cell, largest piece first
    first = np.ones(len(order), bool)
    first[1:] = owner[order][1:] != owner[order][:-1]
    keep = np.zeros(len(size), bool)
    keep[order[first]] = True
    keep[0] = False
    labels = np.where(keep[pieces], labels, 0).astype(np.int32)
    fill_holes(labels)
    present = areas(labels) > 0
    present[0] = False
    return relabel(labels, present), score[np.flatnonzero(present) - 1]


def fill_holes(labels: Labels) -> None:
    """Fill, in place, background enclosed by one single cell. Gaps between several cells stay."""
    holes = label(labels == 0, connectivity=1, background=0)
    count = int(holes.max(initial=0))
    open_sky = np.unique(np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]]))
    if count == 0 or count + 1 == len(open_sky):
        return
    lowest, highest = np.full(count + 1, np.iinfo(np.int32).max), np.zeros(count + 1, np.int64)
    for a, b in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        for hole, cell in ((holes[a], labels[b]), (holes[b], labels[a])):
            edge = (hole > 0) & (cell > 0)
            np.minimum.at(lowest, hole[edge], cell[edge])
            np.maximum.at(highest, hole[edge], cell[edge])
    fill = np.where(lowest == highest, highest, 0)
    fill[open_sky] = 0
    fill[0] = 0
    inside = holes > 0
    labels[inside] = fill[holes[inside]]


def select_cells(
    labels: Labels, score: NDArray[np.float32], settings: SegmentSettings, diameter_px: float, border: NDArray
) -> tuple[Labels, NDArray[np.float32]]:
    """Drop specks (`min_cell_percent` of `diameter_px`) and, if asked for, the cells whose ids are in `border`.

    A cell cut by the border is measured by what is left of it, so it is held to half the size.
    """
    width = equivalent_diameter(areas(labels)) / diameter_px * 100  # percent
    needed = np.full(len(width), settings.min_cell_percent)
    needed[border] /= 2
    keep = width >= needed
    keep[0] = False
    if settings.drop_border_cells:
        keep[border] = False
    return relabel(labels, keep), score[np.flatnonzero(keep) - 1]
