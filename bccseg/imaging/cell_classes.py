"""From class maps to cells: of which class each cell is, and where the cells of small classes lie.

A cell is of the class that its pixels name on average. Small cells, such as platelets, are no cells for the cell map,
so that no count and no size goes by them; they are the connected pieces of their own class map.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.classes import UNCLASSIFIED, CellClass
from bccseg.imaging.label_image import Labels, border_ids, equivalent_diameter, relabel
from bccseg.imaging.resize import resize_labels, resize_to
from bccseg.imaging.runs import Runs

SMALL_WIDTH = (0.2, 0.75)  # of a small cell, in typical diameters of the others
# A map of so few pixels is highest in the middle and falls off early. With this share of its peak and this many typical
# diameters more, boxes of platelets fit best those drawn by hand (median IoU 0.85; 0.5 with the share a half).
EDGE_SHARE, EDGE_WIDTH = 0.3, 0.05
LEAST_TRACE = 0.04  # probability from which on pixels may belong to one piece
COVERED = 0.5  # share of a small cell in others, from which on it is a part of them


@dataclass(frozen=True, eq=False)
class Classification:
    """The classes of N cells, and how sure the network is of each, where a person has not said it."""

    names: tuple[str, ...]  # of all classes, in the order of the class set
    number: NDArray[np.int16]  # (N,): row of `names`, -1 for unclassified cells
    score: NDArray[np.float32]  # (N,): 0 to 1; NaN for unclassified cells and those that a person classified

    @classmethod
    def unknown(cls, count: int, names: tuple[str, ...] = ()) -> "Classification":
        """Of cells of which nothing is known."""
        return cls(names, np.full(count, -1, np.int16), np.full(count, np.nan, np.float32))

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: NDArray[np.integer]) -> "Classification":
        """Those of some cells."""
        return Classification(self.names, self.number[rows], self.score[rows])

    def name_of_each(self) -> list[str]:
        """Name of the class of each cell, UNCLASSIFIED without one."""
        return [*(self.names[k] if k >= 0 else UNCLASSIFIED for k in self.number.tolist())]

    def by_of_each(self) -> list[str]:
        """Who said the class of each cell: "network", "person" or, of unclassified ones, ""."""
        person = np.isnan(self.score)
        return ["" if k < 0 else "person" if by else "network" for k, by in zip(self.number, person, strict=True)]

    def counts(self) -> dict[str, int]:
        """Cells of each class, also of those without any."""
        found = np.bincount(self.number[self.number >= 0], minlength=len(self.names))
        return dict(zip(self.names, found.tolist(), strict=True))


def join_classes(parts: list[Classification]) -> Classification:
    """Those of several pictures, one after the other."""
    return Classification(
        parts[0].names, np.concatenate([p.number for p in parts]), np.concatenate([p.score for p in parts])
    )


def classify_cells(
    labels: Labels, class_maps: NDArray[np.float32] | None, classes: tuple[CellClass, ...]
) -> Classification:
    """The classes of the cells 1..N of labels int32 (H, W).

    class_maps: (1 + C, h, w), "none of them" and each of the C classes, 1 together; None: they are not known. The
    score is the mean of the class inside the cell, over that of all classes together. Small classes are left to
    `find_small_cells`: what looks like one of them is of the next best class, with the low score that this has.
    """
    count, names = int(labels.max(initial=0)), tuple(one.name for one in classes)
    large = np.array([k for k, one in enumerate(classes) if not one.small], np.intp)
    if class_maps is None or not count or not len(large):
        return Classification.unknown(count, names)
    small = resize_labels(labels, class_maps.shape[:0:-1])
    at = np.flatnonzero(small)
    ids = small.ravel()[at]
    total = np.stack([
        np.bincount(ids, weights=values.ravel()[at], minlength=count + 1)[1:] for values in class_maps[1:]
    ])  # fmt: skip
    best = large[total[large].argmax(axis=0)]
    sum_of_all = total.sum(axis=0)
    known = sum_of_all > 0  # a cell may be too thin for a pixel of the maps
    score = total[best, np.arange(count)] / np.where(known, sum_of_all, 1)
    return Classification(
        names, np.where(known, best, -1).astype(np.int16), np.where(known, score, np.nan).astype(np.float32)
    )


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
        free = (pieces > 0) & (labels == 0)
        labels[free] = pieces[free] + sum(map(len, parts))
        parts.append(Classification(parts[0].names, np.full(len(score), k, np.int16), score))
    return labels, join_classes(parts)


def _pieces(
    probability: NDArray[np.float32], diameter_px: float, threshold: float
) -> tuple[Labels, NDArray[np.float32]]:
    """Pieces of a map (H, W) in which its mean is above a threshold, and that mean."""
    found, traces = cv2.connectedComponents((probability > LEAST_TRACE).astype(np.uint8), connectivity=4)
    at = np.flatnonzero(traces)
    at = at[probability.ravel()[at] > EDGE_SHARE * _peaks(probability, traces, at, found)[traces.ravel()[at]]]
    inside = np.zeros(traces.shape, np.uint8)
    inside.ravel()[at] = 1
    found, pieces = cv2.connectedComponents(inside, connectivity=4)
    ids = pieces.ravel()[at]
    area = np.bincount(ids, minlength=found)
    width = np.asarray(equivalent_diameter(area)) / diameter_px
    keep = (width >= SMALL_WIDTH[0]) & (width <= SMALL_WIDTH[1])
    mean = np.bincount(ids, weights=probability.ravel()[at], minlength=found) / np.maximum(area, 1)
    keep &= mean > threshold
    if not keep.any():
        return np.zeros(traces.shape, np.int32), np.zeros(0, np.float32)
    return _grow(relabel(pieces, keep), round(EDGE_WIDTH * diameter_px)), mean[keep].astype(np.float32)


def _grow(labels: Labels, radius: int) -> Labels:
    """Labels grown into the background; an exact distance map of the whole image would take ten times as long."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.where(labels > 0, labels, cv2.dilate(labels.astype(np.uint16), disc)).astype(np.int32)


def _peaks(values: NDArray[np.float32], labels: Labels, at: NDArray[np.intp], count: int) -> NDArray[np.float32]:
    """Largest value in each id below `count`, of the pixels `at`: float32 (count,)."""
    out = np.zeros(count, np.float32)
    np.maximum.at(out, labels.ravel()[at], values.ravel()[at])
    return out


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
        at = np.flatnonzero(labels)
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
