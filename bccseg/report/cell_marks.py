"""Classes of a result's cells on their way into a label image that people edit, and back.

In a label image that is edited everything has an id, platelets too, and what each is stands beside it as marks. A
result has cells in its labels, small cells such as platelets beside them, and nothing of what is no cell.
"""

from dataclasses import dataclass

import numpy as np

from bccseg.classes import CellMark, CellMarks, ClassSet
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.label_image import Labels, areas, relabel
from bccseg.imaging.small_cells import SmallCells
from bccseg.report.recount import candidates_of
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.tables import labels_with_small_cells

DECIMALS = 4


def labels_and_marks(result: ImageResult) -> tuple[Labels, CellMarks]:
    """Labels int32 (H, W) of the cells that count, small ones after the others, and what is known of each."""
    marks: CellMarks = {}
    small = result.small_cells.classes if result.small_cells is not None else None
    for first, known in ((1, result.classes), (1 + len(result.scores), small)):
        told = [] if known is None else zip(known.name_of_each(), known.number.tolist(), known.score, strict=True)
        for cell, (name, number, score) in enumerate(told, start=first):
            if number >= 0:
                sure = None if np.isnan(score) else round(float(score), DECIMALS)
                marks[cell] = CellMark(name=name, by="person" if sure is None else "network", score=sure)
    return labels_with_small_cells(result), marks


@dataclass(frozen=True, eq=False)
class MarkedCells:
    """Labels that people have edited, parted by what is a cell."""

    labels: Labels  # int32 (H, W): N cells, by the ids they had
    classes: Classification | None  # of the N, in the order of their ids; None: nothing is known of any
    small: SmallCells | None  # None: no small class is known

    @classmethod
    def of_result(cls, result: ImageResult) -> "MarkedCells":
        """All that a corrected result has, also what does not count."""
        of = candidates_of(result)
        return cls(of.restore(result.labels), of.classes, of.small)

    @classmethod
    def of_marks(cls, labels: Labels, marks: CellMarks, classes: ClassSet, found: MeasuredImage) -> "MarkedCells":
        """Of labels int32 (H, W) with everything that has an id. Classes are called as in `found`, what the network
        found, where that knows them; what is not a cell is left out.
        """
        of = candidates_of(found)
        known = of.classes or (of.small.classes if of.small is not None else None)
        first = known.names if known else ()
        present = {name: present_name(name, classes, first) for name in {mark.name for mark in marks.values()}}
        no_cell = {one.name for one in classes.classes if not one.counted}
        used = set(present.values()) - no_cell
        in_order = [one.name for one in classes.classes if one.name in used]
        names = tuple(dict.fromkeys([*first, *in_order, *sorted(used)]))
        small_names = {present_name(one.name, classes, first) for one in classes.classes if one.small}
        if of.small is not None:
            small_names |= set(of.small.classes.name_of_each())

        there = areas(labels) > 0
        there[0] = False
        cells, small, told = there.copy(), np.zeros_like(there), Classification.unknown(len(there), names)
        for cell, mark in marks.items():
            if cell >= len(there) or not there[cell]:
                continue
            name = present[mark.name]
            if name in no_cell:
                cells[cell] = False
                continue
            small[cell] = name in small_names
            cells[cell] = not small[cell]
            told.number[cell] = names.index(name)
            told.score[cell] = np.nan if mark.by == "person" else 1.0 if mark.score is None else mark.score
        pieces = None
        if of.small is not None or small.any():
            pieces = SmallCells.of(relabel(labels, small), told.take(np.flatnonzero(small)))
        return cls(
            np.where(cells[labels], labels, 0).astype(np.int32),
            told.take(np.flatnonzero(cells)) if names else None,
            pieces,
        )


def present_name(name: str, classes: ClassSet, known: tuple[str, ...]) -> str:
    """What a result calls a class: as its weights do, where they know it by any name; else as the class set does."""
    one = classes.find(name)
    if one is None:
        return name
    return next((n for n in (name, one.name, *one.formerly) if n in known), one.name)
