"""Cells of small classes, such as platelets: the connected pieces of their own class map.

They are no cells for the cell map, so that no count and no size goes by them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from bccseg.classes import CellClass
from bccseg.imaging.basins import merge_basins
from bccseg.imaging.cell_classes import Classification, join_classes
from bccseg.imaging.instances import max_per_label
from bccseg.imaging.label_image import Labels, border_ids, equivalent_diameter
from bccseg.imaging.resize import resize_to
from bccseg.imaging.runs import Runs

SMALL_WIDTH = (0.1, 0.75)  # of a small cell, in typical diameters of the others
# A map of so few pixels is highest in the middle and falls off early. With this share of its peak and this many typical
# diameters more, boxes of platelets fit best those drawn by hand (median IoU 0.85; 0.5 with the share a half).
EDGE_SHARE, EDGE_WIDTH = 0.3, 0.05
LEAST_CANDIDATE = 0.1  # mean probability of what a rule (`imaging.small_rule`) is asked about
LEAST_TRACE = 0.04  # probability from which on pixels may belong to one piece
COVERED = 0.5  # share of a small cell in others, from which on it is a part of them
NECK = 0.75  # pieces whose neck is narrower than this share of the smaller of two parts are two


def find_small_cells(
    class_maps: NDArray[np.float32],
    classes: tuple[CellClass, ...],
    shape: tuple[int, int],
    diameter_px: float,
    threshold: float,
) -> tuple[Labels, Classification]:
    """The cells of small classes in an image of `shape` (H, W): labels int32, and of which class each is.

    class_maps: (1 + C, h, w). diameter_px: of a typical other cell, in the image; small cells are SMALL_WIDTH of it
    wide. The score is the mean probability inside, without the rim; threshold: what it must be above. (The peak tells
    grains from platelets less well.) What lies in other cells is found too; see `SmallCells.beside`.
    """
    labels, parts = np.zeros(shape, np.int32), [Classification.unknown(0, tuple(one.name for one in classes))]
    for k, one in enumerate(classes):
        if not one.small or not (class_maps[1 + k] > threshold).any():
            continue
        probability = resize_to(class_maps[1 + k], (shape[1], shape[0]))
        pieces, score = _pieces(probability, diameter_px, threshold)
        at = np.flatnonzero(pieces > 0)
        at = at[labels.ravel()[at] == 0]
        labels.ravel()[at] = pieces.ravel()[at] + sum(map(len, parts))
        parts.append(Classification(parts[0].names, np.full(len(score), k, np.int16), score))
    return labels, join_classes(parts)


def _pieces(
    probability: NDArray[np.float32], diameter_px: float, threshold: float
) -> tuple[Labels, NDArray[np.float32]]:
    """Pieces of a map (H, W) in which its mean is above a threshold, and that mean."""
    shape, flat = probability.shape, probability.ravel()
    at, trace = _numbered(np.flatnonzero(probability > LEAST_TRACE), shape[1]).pixels()
    peak = np.zeros(trace.max(initial=0) + 1, np.float32)
    np.maximum.at(peak, trace, flat[at])
    runs = _numbered(at[flat[at] > EDGE_SHARE * peak[trace]], shape[1])
    at, ids = runs.pixels()
    pieces, found = np.zeros(shape, np.int32), int(ids.max(initial=0)) + 1
    pieces.ravel()[at] = ids
    found = _part_at_necks(pieces, runs.boxes(shape[1]), found, SMALL_WIDTH[0] * diameter_px)
    ids = pieces.ravel()[at]
    area = np.bincount(ids, minlength=found)
    width = np.asarray(equivalent_diameter(area)) / diameter_px
    keep = (width >= SMALL_WIDTH[0]) & (width <= SMALL_WIDTH[1])
    mean = np.bincount(ids, weights=flat[at], minlength=found) / np.maximum(area, 1)
    keep &= mean > threshold
    pieces.ravel()[at] = (np.cumsum(keep, dtype=np.int32) * keep)[ids]
    _grow(pieces, round(EDGE_WIDTH * diameter_px))
    return pieces, mean[keep].astype(np.float32)


def _numbered(at: NDArray[np.intp], width: int) -> Runs:
    """Pixels, ascending, as runs whose owners are their 4-connected pieces, from 1."""
    runs = Runs.of(at, at // width + 1)  # an owner a row: none goes on in the next
    runs = runs._replace(owner=np.ones(len(runs.owner), np.int32))
    return runs._replace(owner=(runs.pieces(width) + 1).astype(np.int32))


def _part_at_necks(pieces: Labels, boxes: list[tuple[slice, slice] | None], count: int, least_width: float) -> int:
    """Part pieces, in place, into what hangs together by a neck only; the number of ids then, with the background.

    boxes: of the pieces. least_width: px, of a part. Small cells like to lie in chains.
    """
    for number, box in enumerate(boxes, start=1):
        if box is None or min(s.stop - s.start for s in box) < least_width:
            continue
        mine = np.pad(pieces[box] == number, 1)
        if 2 * least_width**2 > mine.sum():
            continue
        depth = cv2.distanceTransform(mine.astype(np.uint8), cv2.DIST_L2, 5)
        depth = cv2.GaussianBlur(depth, (0, 0), max(0.5, least_width / 4)) * mine
        top = cv2.dilate(depth, np.ones((3, 3), np.uint8))
        peaks, n = ndi.label((depth == top) & (depth >= least_width / 2), structure=np.ones((3, 3)))
        if n < 2:
            continue
        basins = watershed(-depth, peaks, mask=mine)
        steps = np.log(np.maximum(depth, 0.1))
        owner = merge_basins(basins, steps, max_per_label(steps, basins, n), -np.log(NECK), None)
        _, parts = np.unique(owner, return_inverse=True)
        inner = parts[basins][1:-1, 1:-1]
        for part in range(2, inner.max() + 1):
            pieces[box][inner == part] = count
            count += 1
    return count


def _grow(labels: Labels, radius: int) -> None:
    """Grow labels, in place, into the background; of two that meet the later one takes the pixel."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    runs = Runs.along_rows(labels)
    boxes = runs.boxes(labels.shape[1])
    windows = [tuple(slice(max(0, s.start - radius), s.stop + radius) for s in box) for box in boxes if box]
    before = [labels[window].copy() for window in windows]  # a piece grows from what it is now
    for number, (window, old) in enumerate(zip(windows, before, strict=True), start=1):
        grown = cv2.dilate((old == number).astype(np.uint8), disc) > 0
        labels[window][grown & (old == 0)] = number


@dataclass(frozen=True, eq=False)
class SmallCells:
    """K cells of small classes in an image (H, W), as runs of pixels."""

    start: NDArray[np.int64]  # (R,): first pixel of each run, counted along the rows of the image
    length: NDArray[np.int64]  # (R,)
    owner: NDArray[np.int32]  # (R,): cell 1..K of each run
    classes: Classification  # of the K

    @classmethod
    def of(cls, labels: Labels, classes: Classification) -> "SmallCells":
        """From labels int32 (H, W) that hold nothing else."""
        at = np.flatnonzero(labels > 0)
        return cls(*Runs.of(at, labels.ravel()[at]), classes)

    def __len__(self) -> int:
        return len(self.classes)

    def labels(self, shape: tuple[int, int]) -> Labels:
        """Labels 1..K in an image of `shape` (H, W): int32."""
        out = np.zeros(shape, np.int32)
        at, owner = Runs(self.start, self.length, self.owner).pixels()
        out.ravel()[at] = owner
        return out

    def beside(self, labels: Labels, *, off_border: bool = False) -> "SmallCells":
        """Those outside of the cells of `labels` int32 (H, W), and of them only what is outside.

        off_border: only those that the border of the image does not cut.
        """
        at, owner = Runs(self.start, self.length, self.owner).pixels()
        free = labels.ravel()[at] == 0
        size = np.bincount(owner, minlength=len(self) + 1)
        keep = np.bincount(owner[free], minlength=len(self) + 1) > (1 - COVERED) * size
        if off_border:
            keep[border_ids(self.labels(labels.shape))] = False
        keep[0] = False
        free &= keep[owner]
        number = np.cumsum(keep, dtype=np.int32)[owner[free]]
        return SmallCells(*Runs.of(at[free], number), self.classes.take(np.flatnonzero(keep[1:])))
