"""From class maps to cells: of which class each cell is.

A cell is of the class that its pixels name on average. Small cells, such as platelets, are in `imaging.small_cells`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import UNCLASSIFIED, CellClass
from bccseg.imaging.label_image import Labels
from bccseg.imaging.resize import resize_labels


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
    at = np.flatnonzero(small > 0)
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
