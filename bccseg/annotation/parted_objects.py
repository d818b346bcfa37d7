"""A label image of the collection, in which everything has an id, parted into cells and what is none."""

from typing import NamedTuple

import numpy as np

from bccseg.classes import CellClass, CellMarks, ClassSet, ImageClasses
from bccseg.config import MIN_PIECE_PX
from bccseg.errors import BccsegError
from bccseg.imaging.label_image import Labels, areas, relabel
from bccseg.io.truth import join_others


class PartedObjects(NamedTuple):
    """What a label image holds, parted by what is a cell."""

    cells: Labels  # int32 (H, W), 1..N
    others: Labels  # int32 (H, W), 1..K: what is no cell
    marks: CellMarks  # of the cells 1..N, and of the others as N + 1..N + K

    @property
    def objects(self) -> Labels:
        """Everything, by the ids of the marks."""
        return join_others(self.cells, self.others)


def part_objects(labels: Labels, marks: CellMarks, classes: ClassSet, least_px: int = MIN_PIECE_PX) -> PartedObjects:
    """Part labels int32 (H, W). What is smaller than `least_px` is left out: readers of files take it for no cell."""
    there = areas(labels) >= least_px
    there[0] = False
    is_other = np.zeros(len(there), bool)
    is_other[[cell for cell in classes.uncounted(marks) if cell < len(there)]] = True
    order = np.concatenate([np.flatnonzero(there & ~is_other), np.flatnonzero(there & is_other)])
    numbered = {new: marks[old] for new, old in enumerate(order.tolist(), start=1) if old in marks}
    return PartedObjects(relabel(labels, there & ~is_other), relabel(labels, there & is_other), numbered)


def image_classes(marks: CellMarks, classes: ClassSet) -> ImageClasses:
    """The content of classes/<stem>.json for marks by present names.

    People outlined every cell, so that the background is of no class but, maybe, a small one.
    """
    there = tuple(one for one in classes.known(mark.name for mark in marks.values()) if _is_valid(one))
    return ImageClasses(
        classes=there,
        cells={cell: mark.name for cell, mark in marks.items()},
        complete=tuple(one.name for one in classes.classes if one.counted and not one.small),
    )


def _is_valid(one: CellClass) -> bool:
    """Whether files can have a class: a name from elsewhere may be of any form."""
    try:
        return CellClass.from_dict(one.to_dict()) == one
    except BccsegError:
        return False
