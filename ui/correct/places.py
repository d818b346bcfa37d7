"""What is worth a look on an image: cells that may be wrong, and classes that nobody is sure of."""

from dataclasses import dataclass

import numpy as np

from bccseg.annotation.drafts import Draft
from bccseg.annotation.edits import Edit
from bccseg.classes import CellMarks
from bccseg.imaging.flags import BLURRED, SEVERAL, flag_cells
from bccseg.imaging.label_image import Labels, areas, without
from bccseg.imaging.measure import measure_cells

UNCERTAIN_BELOW = 0.9  # cells with a lower score are worth a look
MIN_PLACES = 5  # so many are offered in any case
PLACE_WORDS = {SEVERAL: "this may be several cells", BLURRED: "this cell is out of focus"}
ROW = 1.5  # diameters; cells without a score are gone through as one reads, in rows as high as this


@dataclass(frozen=True)
class UncertainPlace:
    """A place worth a look, in px of the image: a flagged cell, or one the network was unsure of."""

    x: float
    y: float
    uncertainty: float  # 0 to 1
    text: str


def find_uncertain_places(draft: Draft, none: set[int]) -> list[UncertainPlace]:
    """Flagged cells, then what the network was least sure of. none: ids of the base that are no cells."""
    info, labels = draft.info, without(draft.base, none)
    cells = measure_cells(labels, draft.image)
    where = cells.set_index("cell_id")[["centroid_x_px", "centroid_y_px"]]
    flags = dict(zip(cells["cell_id"], flag_cells(cells, labels, draft.image), strict=True))
    flagged = [UncertainPlace(*(where.loc[k] + 0.5), 1, PLACE_WORDS[flag]) for k, flag in flags.items() if flag]
    scores = sorted((s, k) for k, s in enumerate(info.scores, start=1) if k in where.index and not flags[k])
    uncertain = [(s, k) for n, (s, k) in enumerate(scores) if s < UNCERTAIN_BELOW or n < MIN_PLACES]
    found = [UncertainPlace(*(where.loc[k] + 0.5), 1 - s, f"cell with score {s:.2f}") for s, k in uncertain]
    found += [UncertainPlace(x, y, s, f"left out, score {s:.2f}: a cell?") for x, y, s in info.rejected]
    return flagged + sorted(found, key=lambda place: -place.uncertainty)


@dataclass(frozen=True)
class DoubtfulCell:
    """A cell whose class a person has not confirmed."""

    id: int
    x: float  # of a pixel of it, near its middle; px of the image
    y: float


class DoubtfulClasses:
    """The cells of a draft whose class no person has given, the most doubtful first; one after the other."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.current: DoubtfulCell | None = None
        self._order: list[int] = []
        self._of: tuple[int, Edit | None] = (-1, None)  # edits of shape that `_order` is of: how many, the last

    def step(self, by: int) -> DoubtfulCell | None:
        """The next one (1), or the one before (-1), also if it has been classified since; None if there is none."""
        order = self._sorted()
        at = order.index(self.current.id) if self.current and self.current.id in order else -1 if by > 0 else 0
        for k in range(1, len(order) + 1):
            cell = order[(at + by * k) % len(order)]
            if self._is_doubtful(cell) or by < 0:
                self.current = DoubtfulCell(cell, *point_inside(self.draft.labels, cell))
                return self.current
        self.current = None
        return None

    def is_current(self, point: tuple[float, float]) -> bool:
        """Whether a point of the image lies in the cell that is looked at."""
        (height, width), column, row = self.draft.labels.shape, int(point[0]), int(point[1])
        inside = 0 <= row < height and 0 <= column < width
        return inside and self.current is not None and int(self.draft.labels[row, column]) == self.current.id

    def left(self) -> int:
        """How many there are."""
        return sum(self._is_doubtful(cell) for cell in self._sorted())

    def _is_doubtful(self, cell: int) -> bool:
        mark = self.draft.marks.get(cell)
        return mark is None or mark.by != "person"

    def _sorted(self) -> list[int]:
        shapes = [edit for edit in self.draft.history.edits if edit.kind != "classify"]
        of = len(shapes), shapes[-1] if shapes else None
        if of[0] != self._of[0] or of[1] is not self._of[1]:
            self._of = of
            marks = {cell: mark for cell, mark in self.draft.marks.items() if mark.by == "network"}
            self._order = by_doubt(self.draft.labels, marks, self.draft.info.diameter_px)
        return self._order


def by_doubt(labels: Labels, marks: CellMarks, diameter_px: float) -> list[int]:
    """Ids of the cells of labels int32 (H, W): those without a mark, as one reads, then those of the lowest score."""
    size = areas(labels)
    ids = np.flatnonzero(size[1:]) + 1
    rows, columns = np.nonzero(labels)
    owner = labels[rows, columns]
    y, x = (np.bincount(owner, weights=at, minlength=len(size))[ids] / size[ids] for at in (rows, columns))
    score = np.array([-1.0 if k not in marks else marks[k].score or 0.0 for k in ids.tolist()])
    return ids[np.lexsort((x, y // (ROW * diameter_px), score))].tolist()


def point_inside(labels: Labels, cell: int) -> tuple[float, float]:
    """The middle of the pixel of a cell that is nearest to its centroid: x, y."""
    rows, columns = np.nonzero(labels == cell)
    nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    return float(columns[nearest]) + 0.5, float(rows[nearest]) + 0.5
