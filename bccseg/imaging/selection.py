"""Which of the objects that a network outlined count as cells; and the others, kept so that this can be changed later.

Outlining is the expensive part, counting is not: with `Candidates`, other answers to "how small may a cell be" and "do
cut cells count" need no network.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.full_outline import FullOutlines
from bccseg.imaging.label_image import Labels, areas, border_ids, equivalent_diameter, outside_frame, relabel
from bccseg.imaging.runs import Runs
from bccseg.imaging.small_cells import SmallCells


class Selection(NamedTuple):
    """The objects that count as cells."""

    labels: Labels  # int32 (H, W): the cells, numbered 1..N
    rows: NDArray[np.intp]  # (N,): which of the objects they are, from 0
    rejected: NDArray[np.intp]  # (K,): objects that are large enough, but too uncertain
    in_frame: int  # cells in the counting frame, cut ones too: what a density goes by


def select_cells(labels: Labels, sure: NDArray[np.bool_], settings: SegmentSettings, diameter_px: float) -> Selection:
    """Leave out specks (`min_cell_percent` of `diameter_px`), objects that are not `sure` and, if asked for, cut cells.

    labels: int32 (H, W), objects 1..M. sure: bool (M,). A cell cut by the border is measured by what is left of it, so
    it is held to half the size.
    """
    border = border_ids(labels)
    width = np.asarray(equivalent_diameter(areas(labels))) / diameter_px * 100  # percent
    needed = np.full(len(width), float(settings.min_cell_percent))
    needed[border] /= 2
    keep = width >= needed
    keep[0] = False
    rejected = np.flatnonzero(keep[1:] & ~sure)
    keep[1:] &= sure
    in_frame = int(keep.sum() - keep[outside_frame(labels)].sum())
    if settings.drop_border_cells:
        keep[border] = False
    return Selection(relabel(labels, keep), np.flatnonzero(keep[1:]), rejected, in_frame)


def middles(labels: Labels, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Centres of mass of some objects, x and y in px, (0, 0) the corner of the image: float64 (K, 2)."""
    index = np.full(int(labels.max(initial=0)) + 1, -1)
    index[rows + 1] = np.arange(len(rows))
    runs = Runs.along_rows(labels)
    runs = runs.take(index[runs.owner] >= 0)
    owner, (y, first) = index[runs.owner], np.divmod(runs.start, max(1, labels.shape[1]))
    size = np.maximum(np.bincount(owner, weights=runs.length, minlength=len(rows)), 1)
    middle = (first + (runs.length - 1) / 2, y)
    total = [np.bincount(owner, weights=at * runs.length, minlength=len(rows)) for at in middle]
    return np.stack([of / size for of in total], axis=1) + 0.5


@dataclass(frozen=True, eq=False)
class Candidates:
    """All M objects of an image. Those that count are in its labels; of the others the pixels are here, as runs."""

    scores: NDArray[np.float32]  # (M,), 0 to 1; NaN for those that a person drew
    sure: NDArray[np.bool_]  # (M,): certain enough to be a cell
    whole: FullOutlines  # of the M
    rows: NDArray[np.intp]  # (N,): those that are cells 1..N of the labels
    start: NDArray[np.int64]  # (R,): first pixel of each run, counted along the rows of the image
    length: NDArray[np.int64]  # (R,)
    owner: NDArray[np.int32]  # (R,): object 1..M of each run
    classes: Classification | None = None  # of the M; None: the network tells none
    small: SmallCells | None = None  # found by the class maps alone, also where other objects lie

    @classmethod
    def of(
        cls,
        labels: Labels,
        rows: NDArray[np.intp],
        scores: NDArray[np.float32],
        sure: NDArray[np.bool_],
        whole: FullOutlines,
        classes: Classification | None = None,
        small: SmallCells | None = None,
    ) -> "Candidates":
        """Of labels int32 (H, W) with all M objects, when `rows` of them are cells."""
        left_out = np.ones(len(scores) + 1, bool)
        left_out[0] = False
        left_out[rows + 1] = False
        runs = Runs.along_rows(labels)
        at, owner = runs.take(left_out[runs.owner]).pixels()
        return cls(scores, sure, whole, rows, *Runs.of(at, owner), classes, small)

    def restore(self, labels: Labels) -> Labels:
        """Labels with all M objects, from those that hold the cells alone: int32 (H, W)."""
        everything = np.concatenate([[0], self.rows + 1]).astype(np.int32)[labels]
        at, owner = Runs(self.start, self.length, self.owner).pixels()
        everything.ravel()[at] = owner
        return everything


def small_cells_beside(
    small: SmallCells | None,
    chosen: Selection,
    labels: Labels,
    sure: NDArray[np.bool_],
    settings: SegmentSettings,
    diameter_px: float,
) -> SmallCells | None:
    """The small cells outside of those that `select_cells` has chosen, and of cut ones that it has left out."""
    if small is None:
        return None
    if not settings.drop_border_cells:
        return small.beside(chosen.labels)
    others = select_cells(labels, sure, settings.replace(drop_border_cells=False), diameter_px)
    return small.beside(others.labels, off_border=True)
