"""Drafts at a glance: what tells one from another in a list."""

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bccseg.annotation.drafts import DRAFT_ID, open_draft
from bccseg.annotation.records import image_id
from bccseg.annotation.store import LabelStore
from bccseg.imaging.label_image import count_cells, without
from bccseg.report.viewport import overview

CHANGING = ("draft.json", "log.jsonl")  # files of a draft, of which the log is written at every edit


@dataclass(frozen=True)
class DraftSummary:
    """One draft as it is now."""

    id: str
    name: str  # of the image
    image: str  # its id: drafts of one image have the same
    begun: datetime
    changed: datetime  # by the last edit, undo or redo
    edits: int  # in force
    cells: int
    change: int  # cells more than where it began
    parent: str | None  # version of the collection that it goes on from
    picture: NDArray[np.uint8]  # (h, w, 3), the cells as they are now tinted


def sweep_drafts(store: LabelStore, days: float) -> int:
    """Delete drafts that nobody has changed for so many days; returns how many."""
    gone, oldest = 0, time.time() - days * 86400
    for folder in (store.root / "drafts").glob("*"):
        times = [path.stat().st_mtime for name in CHANGING if (path := folder / name).exists()]
        if DRAFT_ID.fullmatch(folder.name) and times and max(times) < oldest:
            shutil.rmtree(folder, ignore_errors=True)
            gone += 1
    return gone


def summarise_draft(store: LabelStore, draft: str, side_px: int = 96) -> DraftSummary:
    """A draft at a glance, with a picture of at most `side_px`. Raises StoreError if it cannot be opened."""
    found = open_draft(store, draft)
    log, record = found.folder / "log.jsonl", found.folder / "draft.json"
    changed = datetime.fromtimestamp((log if log.exists() else record).stat().st_mtime, UTC)
    classes = store.class_set()
    cells, before = (
        count_cells(without(labels, classes.uncounted(marks)))
        for labels, marks in ((found.labels, found.marks), (found.base, found.info.cells))
    )
    return DraftSummary(
        id=draft, name=found.info.name, image=image_id(found.image),
        begun=datetime.fromisoformat(found.info.created) if found.info.created else changed, changed=changed,
        edits=len(found.history.edits), cells=cells, change=cells - before,
        parent=found.info.parent, picture=overview(found.image, found.labels, side_px),
    )  # fmt: skip
