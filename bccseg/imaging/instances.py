"""Probability maps to cells: one peak of the distance map a cell, holes filled, specks dropped."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from bccseg.config import Thresholds
from bccseg.imaging.basins import merge_basins
from bccseg.imaging.label_image import Labels, Mask, areas, relabel
from bccseg.imaging.resize import resize_labels
from bccseg.imaging.runs import Runs
from bccseg.imaging.votes import keep_largest_pieces, split_by_votes

SMOOTHING = 0.02  # Gaussian on the distance map, in cell diameters
GROWTH_SHARE = 0.4  # labels are grown to this share of the cell threshold, then cut at full resolution


class ProbabilityMaps(NamedTuple):
    """What a network predicts for a picture: float32 (h, w), 0 to 1 where nothing else is said."""

    cell: NDArray[np.float32]  # inside any cell
    distance: NDArray[np.float32] | None = None  # to the cell's own edge, 1 at its innermost point; None: binary head
    way: NDArray[np.float32] | None = None  # (2, h, w), y and x, in training diameters: to the centre of the cell
    spread: NDArray[np.float32] | None = None  # (3, h, w): logarithm of the cell's covariance, see `imaging.cell_shape`
    classes: NDArray[np.float32] | None = None  # (1 + C, h, w): "none of them", then each class; 1 together
    features: tuple[NDArray[np.float32], ...] | None = None  # where asked for: see `cell_features.pool_features`


def split_by_distance(
    distance: NDArray[np.float32], mask: Mask, thresholds: Thresholds, diameter_px: float, *, typical: bool = True
) -> tuple[Labels, NDArray[np.float32]]:
    """Split a distance map into basins, one a cell: int32 (H, W), and the peak of each, float32 (N,).

    Every peak of at least `marker_threshold` floods its surroundings (watershed: Meyer 1994, doi
    10.1016/0165-1684(94)90060-4). Then neighbours whose saddle lies less than `marker_depth` below the
    lower peak are one cell, highest saddle first: the dynamics of the peaks (Grimaud 1992, doi
    10.1117/12.60650), as an h-maxima transform would give, but several times faster. The depth that is asked for
    goes by the size of what would be one cell (DEPTH_FACTOR), if `diameter_px` is `typical` of the cells.
    """
    smooth = cv2.GaussianBlur(distance, (0, 0), max(0.5, SMOOTHING * diameter_px))
    top = cv2.dilate(smooth, np.ones((3, 3), np.uint8))
    peaks, count = ndi.label((smooth == top) & (smooth >= thresholds.marker_threshold), structure=np.ones((3, 3)))
    if count == 0:
        return np.zeros(distance.shape, np.int32), np.zeros(0, np.float32)
    basins = watershed(-smooth, peaks, mask=mask).astype(np.int32)
    height = max_per_label(smooth, basins, count)
    area = np.bincount(basins.ravel(), minlength=count + 1) / (np.pi * (diameter_px / 2) ** 2)
    owner = merge_basins(basins, smooth, height, thresholds.marker_depth, area if typical else None)
    left, number = np.unique(owner, return_inverse=True)  # left[0] is the background
    return number.astype(np.int32)[basins], height[left[1:]]


def max_per_label(values: NDArray[np.float32], labels: Labels, count: int) -> NDArray[np.float32]:
    """Largest value in each id 0..count; 0 for the background: float32 (count + 1,)."""
    inside = labels > 0
    out = np.zeros(count + 1, np.float32)
    np.maximum.at(out, labels[inside], values[inside])
    return out


def distance_from_mask(mask: Mask, diameter_px: float) -> NDArray[np.float32]:
    """Stand-in distance map, 0 to 1, for networks with the binary head: distance to the mask's edge in
    typical cell radii.
    """
    edt = cv2.distanceTransform(np.pad(mask, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.clip(edt / (diameter_px / 2), 0, 1)


def separate_cells(
    maps: ProbabilityMaps, thresholds: Thresholds, diameter_px: float, shape: tuple[int, int], *, typical: bool = True
) -> tuple[Labels, NDArray[np.float32]]:
    """Cells at full resolution from maps (h, w) at working resolution.

    diameter_px: of a cell in the maps; typical: whether it is known to be, and not only tried. shape: (H, W) of the
    image. Returns labels int32 (H, W)
    and a score 0 to 1 of each cell, float32 (N,): mean cell probability inside times the height of its peak. No
    cells: N = 0.
    """
    cell, distance, inside = maps.cell, maps.distance, maps.cell > thresholds.cell_threshold
    if distance is None:
        distance = distance_from_mask(inside, diameter_px)
    room = cell > GROWTH_SHARE * thresholds.cell_threshold
    if maps.way is None:
        grown, peak = split_by_distance(distance, room, thresholds, diameter_px, typical=typical)
    else:
        grown, peak = split_by_votes(maps.way, room, cell, diameter_px, thresholds.vote_depth, typical=typical)
    if len(peak) == 0:
        return np.zeros(shape, np.int32), np.zeros(0, np.float32)
    score = mean_per_label(cell, np.where(inside, grown, 0), len(peak)) * np.clip(peak, 0, 1)
    labels = upsample_labels(grown, cell, thresholds.cell_threshold, shape)
    return clean_labels(labels, score)


def mean_per_label(values: NDArray[np.float32], labels: Labels, count: int) -> NDArray[np.float32]:
    """Mean value in each id 1..count, 0 for ids without pixels: float32 (count,)."""
    inside = np.flatnonzero(labels > 0)
    ids = labels.ravel()[inside]
    total = np.bincount(ids, weights=values.ravel()[inside], minlength=count + 1)[1:]
    size = np.bincount(ids, minlength=count + 1)[1:]
    return (total / np.maximum(1, size)).astype(np.float32)


def upsample_labels(grown: Labels, cell: NDArray[np.float32], threshold: float, shape: tuple[int, int]) -> Labels:
    """Labels at `shape`: outer edges from the interpolated cell map, edges between cells from `grown`."""
    if grown.shape == shape:
        return np.where(cell > threshold, grown, 0).astype(np.int32)
    size = (shape[1], shape[0])
    nearest = resize_labels(grown, size)
    nearest *= cv2.resize(cell, size, interpolation=cv2.INTER_LINEAR) > threshold
    return nearest


def clean_labels(labels: Labels, score: NDArray[np.float32]) -> tuple[Labels, NDArray[np.float32]]:
    """Each cell in one piece (its largest) and without holes; ids 1..N; the scores that remain."""
    labels = keep_largest_pieces(labels)
    fill_holes(labels)
    present = areas(labels) > 0
    present[0] = False
    return relabel(labels, present), score[np.flatnonzero(present) - 1]


def fill_holes(labels: Labels) -> None:
    """Fill, in place, background enclosed by one single cell. Gaps between several cells stay."""
    height, width = labels.shape
    runs = Runs.along_rows(labels == 0)
    if not len(runs.start):
        return
    pieces = runs.pieces(width)
    row, first = np.divmod(runs.start, width)
    at_border = (row == 0) | (row == height - 1) | (first == 0) | (first + runs.length == width)
    enclosed = np.ones(pieces.max() + 1, bool)
    enclosed[pieces[at_border]] = False
    flat, of_hole = labels.ravel(), enclosed[pieces]
    at, hole = runs._replace(owner=(pieces + 1).astype(np.int32)).take(of_hole).pixels()
    around = np.stack([flat[at + step] for step in (-width, -1, 1, width)])
    low, high = np.full(len(enclosed) + 1, np.iinfo(np.int32).max), np.zeros(len(enclosed) + 1, np.int32)
    np.minimum.at(low, hole, np.where(around > 0, around, low[0]).min(axis=0))
    np.maximum.at(high, hole, around.max(axis=0))
    single = low[hole] == high[hole]  # one cell and no other lies around the whole of it
    flat[at[single]] = high[hole[single]]
