"""Two labellings of one image, cell by cell: what is the same, what was removed, added, or drawn otherwise."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bccseg.imaging.label_image import Labels, areas
from bccseg.metrics.matching import match

Kind = Literal["same", "moved", "removed", "added"]


@dataclass(frozen=True)
class CellChanges:
    """What became of each cell."""

    before: dict[int, Kind]  # same, moved or removed, by cell id
    after: dict[int, Kind]  # same, moved or added

    def count(self, kind: Kind) -> int:
        """Cells of a kind; one that is there on both sides counts once."""
        return Counter((self.before if kind == "removed" else self.after).values())[kind]


def cell_changes(before: Labels, after: Labels) -> CellChanges:
    """Cells of labels int32 (H, W) matched at IoU 0.5, as `metrics.agreement` does; "same" is the same to the pixel."""
    old: dict[int, Kind] = dict.fromkeys(_ids(before), "removed")
    new: dict[int, Kind] = dict.fromkeys(_ids(after), "added")
    for a, b, iou in match(before, after):
        old[a] = new[b] = "same" if iou == 1 else "moved"
    return CellChanges(old, new)


def _ids(labels: Labels) -> list[int]:
    return (np.flatnonzero(areas(labels)[1:]) + 1).tolist()
