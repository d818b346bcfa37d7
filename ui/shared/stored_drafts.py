"""From a result to a draft, and back with what a person changed."""

from dataclasses import replace

import numpy as np

from bccseg.annotation.drafts import Draft, DraftInfo, create_draft
from bccseg.annotation.records import now
from bccseg.report.cell_marks import MarkedCells, labels_and_marks
from bccseg.report.corrected import corrected_result
from bccseg.report.recount import with_cut_cells
from bccseg.report.result import Correction
from bccseg.report.stored_result import StoredResult
from bccseg.report.tables import labels_with_small_cells
from ui.shared.storage import store


def begin_draft(stored: StoredResult, study: str = "", study_image: int = 0) -> tuple[Draft, int]:
    """A new draft from the cells of a result, and how many edits were made before. study: whose image it is."""
    result = with_cut_cells(stored.unpack())
    labels, marks = labels_and_marks(result)
    proposal = labels_with_small_cells(with_cut_cells(stored.found.unpack())) if stored.found else None
    info = DraftInfo(
        name=result.name, pixel_size_um=result.pixel_size_um, diameter_px=result.diameter_px, weights=result.weights,
        scores=[round(float(s), 4) for s in np.nan_to_num(result.scores, nan=1.0)],
        rejected=[[round(float(v), 2) for v in row] for row in result.rejected],
        cells=marks, study=study, study_image=study_image,
    )  # fmt: skip
    edits = result.correction.edits if result.correction else 0
    return create_draft(store(), result.image, labels, info, proposal), edits


def corrected(stored: StoredResult, draft: Draft, author: str) -> StoredResult:
    """A result with the cells of its draft."""
    edits = stored.edits_before + len(draft.history.edits)
    if not edits:
        return replace(stored.proposal, draft=draft.id, draft_size=draft.size)
    before = stored.measured.correction
    made = Correction(edits, now().isoformat(timespec="seconds"), author or (before.author if before else ""))
    found = stored.proposal.unpack()
    cells = draft.labels
    if draft.info.cells or draft.marks:  # else nothing is known of any, or it was begun before there were classes
        cells = MarkedCells.of_marks(cells, draft.marks, store().class_set(), found)
    result = corrected_result(found, cells, made)
    packed = StoredResult.pack(result, stored.source)
    before_it = replace(stored.proposal, draft="", draft_size=0)
    return replace(packed, found=before_it, draft=draft.id, edits_before=stored.edits_before, draft_size=draft.size)
