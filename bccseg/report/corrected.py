"""The result of an image after a person has corrected its cells."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.full_outline import FullOutlines, no_outlines
from bccseg.imaging.label_image import Labels, relabel
from bccseg.report.cell_marks import MarkedCells
from bccseg.report.recount import all_labels, candidates_of, count_cells
from bccseg.report.result import Correction, ImageResult


def corrected_result(found: ImageResult, cells: Labels | MarkedCells, correction: Correction) -> ImageResult:
    """The cells of labels int32 (H, W) measured anew; ids are numbered 1..N in their order.

    found: what the network found, and whether cut cells count; all others count, whatever their size. Cells that
    nobody touched keep their score and estimated whole area; those that a person drew or changed have none. Classes
    are those of the marks; with labels alone, untouched cells keep theirs, and the others have none.
    """
    marked = cells if isinstance(cells, MarkedCells) else None
    labels = cells.labels if isinstance(cells, MarkedCells) else cells
    size = np.bincount(labels.ravel())
    ids = np.flatnonzero(size[1:]) + 1
    of = candidates_of(found)
    same = same_cells(labels, all_labels(found))[ids]  # objects 1..M of the network
    untouched = same > 0
    scores = np.full(len(ids), np.nan, np.float32)
    scores[untouched] = of.scores[same[untouched] - 1]
    whole = no_outlines(len(ids))
    for values, known in zip(whole, of.whole, strict=True):
        values[untouched] = known[same[untouched] - 1]
    classes = marked and marked.classes
    if not marked and of.classes is not None:
        classes = Classification.unknown(len(ids), of.classes.names)
        classes.number[untouched] = of.classes.number[same[untouched] - 1]
        classes.score[untouched] = of.classes.score[same[untouched] - 1]
    result = count_cells(
        found, relabel(labels, size > 0), scores, np.ones(len(ids), bool), FullOutlines(*whole), found.settings,
        classes, marked.small if marked else of.small, correction=correction,
    )  # fmt: skip
    return _keep_whole_areas(result, found, same[candidates_of(result).rows])


def _keep_whole_areas(result: ImageResult, found: ImageResult, same: NDArray[np.int64]) -> ImageResult:
    """Whole areas as they were, also where what hid a cell is gone. same: object of the network of each cell, or 0."""
    id_there = np.zeros(len(candidates_of(found).scores) + 1, np.int64)
    id_there[candidates_of(found).rows + 1] = np.arange(len(found.scores)) + 1
    before = id_there[same]  # id of each cell in what the network found; 0 where it did not count there
    there = before > 0
    for name in [name for name in result.cells if name.startswith("area_full")]:
        result.cells.loc[there, name] = found.cells[name].to_numpy()[before[there] - 1]
    hidden = {new: found.hidden[old] for new, old in enumerate(before.tolist(), start=1) if old in found.hidden}
    kept = {new: ring for new, ring in result.hidden.items() if not there[new - 1]}
    return replace(result, hidden=dict(sorted({**hidden, **kept}.items())))


def same_cells(labels: Labels, others: Labels) -> NDArray[np.int64]:
    """For each id 0..N of `labels` the cell of `others` with exactly the same pixels, 0 without one: int (N + 1,)."""
    size, size_there = np.bincount(labels.ravel()), np.bincount(others.ravel())
    partner = np.zeros(len(size), np.int64)
    partner[labels.ravel()] = others.ravel()  # of one of its pixels; the same of all, or there is none
    shared = np.bincount(labels[others == partner[labels]], minlength=len(size))
    partner[(shared != size) | (size_there[partner] != size) | (size == 0)] = 0
    partner[0] = 0
    return partner
