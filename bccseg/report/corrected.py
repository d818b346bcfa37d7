"""The result of an image after a person has corrected its cells."""

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels, relabel
from bccseg.report.result import Correction, ImageResult, MeasuredImage

MEASURED = ("cells", "summary", "scores", "shape", "hidden", "correction")  # fields that are not taken over


def corrected_result(found: ImageResult, labels: Labels, correction: Correction) -> ImageResult:
    """The cells of `labels`, int32 (H, W), measured anew; ids are numbered 1..N in their order.

    found: what the network found. Cells that nobody touched keep their score and their estimated whole area; those that
    a person drew or changed have neither.
    """
    size = np.bincount(labels.ravel())
    ids = np.flatnonzero(size[1:]) + 1
    same = same_cells(labels, found.labels)[ids]
    untouched = same > 0
    scores = np.full(len(ids), np.nan, np.float32)
    scores[untouched] = found.scores[same[untouched] - 1]
    facts = {f.name: getattr(found, f.name) for f in fields(MeasuredImage) if f.name not in MEASURED}
    result = ImageResult.measure(found.image, relabel(labels, size > 0), scores, correction=correction, **facts)
    before = found.cells.set_index("cell_id")
    for name in [name for name in result.cells if name.startswith("area_full")]:
        result.cells.loc[untouched, name] = before.loc[same[untouched], name].to_numpy()
    hidden = {new: found.hidden[old] for new, old in enumerate(same.tolist(), start=1) if old in found.hidden}
    return replace(result, hidden=hidden)


def same_cells(labels: Labels, others: Labels) -> NDArray[np.int64]:
    """For each id 0..N of `labels` the cell of `others` with exactly the same pixels, 0 without one: int (N + 1,)."""
    size, size_there = np.bincount(labels.ravel()), np.bincount(others.ravel())
    partner = np.zeros(len(size), np.int64)
    partner[labels.ravel()] = others.ravel()  # of one of its pixels; the same of all, or there is none
    shared = np.bincount(labels[others == partner[labels]], minlength=len(size))
    partner[(shared != size) | (size_there[partner] != size) | (size == 0)] = 0
    partner[0] = 0
    return partner
