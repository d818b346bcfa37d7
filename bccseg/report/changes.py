"""Two labellings of one image, cell by cell: what is the same, what was removed, added, or drawn otherwise; and which
class each cell had and has.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bccseg.classes import UNCLASSIFIED
from bccseg.imaging.label_image import Labels, areas
from bccseg.metrics.class_agreement import ClassAgreement, class_agreement
from bccseg.metrics.matching import match

Kind = Literal["same", "moved", "removed", "added"]


@dataclass(frozen=True)
class CellChanges:
    """What became of each cell."""

    before: dict[int, Kind]  # same, moved or removed, by cell id
    after: dict[int, Kind]  # same, moved or added
    pairs: dict[int, int] = field(default_factory=dict)  # id after of each cell before that is still there

    def count(self, kind: Kind) -> int:
        """Cells of a kind; one that is there on both sides counts once."""
        return Counter((self.before if kind == "removed" else self.after).values())[kind]

    def without(self, before: Collection[int], after: Collection[int]) -> "CellChanges":
        """Those of the other cells; ids of either side."""
        return CellChanges(
            {cell: kind for cell, kind in self.before.items() if cell not in before},
            {cell: kind for cell, kind in self.after.items() if cell not in after},
            {a: b for a, b in self.pairs.items() if a not in before and b not in after},
        )


def cell_changes(before: Labels, after: Labels) -> CellChanges:
    """Cells of labels int32 (H, W) matched at IoU 0.5, as `metrics.agreement` does; "same" is the same to the pixel."""
    old: dict[int, Kind] = dict.fromkeys(_ids(before), "removed")
    new: dict[int, Kind] = dict.fromkeys(_ids(after), "added")
    pairs = {}
    for a, b, iou in match(before, after):
        old[a] = new[b] = "same" if iou == 1 else "moved"
        pairs[a] = b
    return CellChanges(old, new, dict(sorted(pairs.items())))


@dataclass(frozen=True)
class ClassChanges:
    """The classes of the cells that are there on both sides, by id."""

    changed: dict[int, tuple[int, str, str]]  # by id before: id after, class before and after
    agreement: ClassAgreement


def class_changes(
    changes: CellChanges, before: Mapping[int, str], after: Mapping[int, str], order: Sequence[str] = ()
) -> ClassChanges:
    """What became of the classes of matched cells. before, after: name by id, of the cells that are classified."""
    names = [(before.get(a, UNCLASSIFIED), after.get(b, UNCLASSIFIED)) for a, b in changes.pairs.items()]
    changed = {a: (b, old, new) for (a, b), (old, new) in zip(changes.pairs.items(), names, strict=True) if old != new}
    return ClassChanges(changed, class_agreement([old for old, _ in names], [new for _, new in names], order))


def _ids(labels: Labels) -> list[int]:
    return (np.flatnonzero(areas(labels)[1:]) + 1).tolist()
