"""A correction under way, kept on disk stroke by stroke, so that a reload or a crash loses at most the last one.

    drafts/<id>/draft.json, image.png, base.png, proposal.png, log.jsonl, submission.json

The log has a line an edit, undo or redo. A draft is private to those who know its id, which is long and random;
the image joins the collection only when the draft is submitted.
"""

import hashlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bccseg.annotation.disk import disk_errors, read_png, read_record
from bccseg.annotation.edits import Edit
from bccseg.annotation.history import History
from bccseg.annotation.records import (
    VERSION_ID,
    Details,
    Record,
    RejectedObject,
    Version,
    new_id,
    now,
    origin,
    validate_id,
)
from bccseg.annotation.review import last_by_author
from bccseg.annotation.store import LabelStore
from bccseg.classes import CellMarks
from bccseg.errors import EditError, StoreError
from bccseg.files import write_atomically, write_once
from bccseg.imaging.label_image import Labels, median_diameter, without
from bccseg.io.encode import png
from bccseg.io.label_files import labels_png
from bccseg.metrics.agreement import agreement, expected_error_share

DRAFT_ID = re.compile(r"[0-9a-f]{32}")
DEFAULT_DIAMETER_PX = 50.0
STALE = "This draft was changed in another window. Reload the page to go on from there."
GONE = "That draft is not here any more: it was submitted or discarded."
_appending = threading.Lock()


class DraftInfo(Record):
    """What a draft started from: draft.json."""

    title = "data of a draft"

    name: str  # of the image, as it was uploaded
    created: str = ""
    pixel_size_um: float | None = None
    diameter_px: float = DEFAULT_DIAMETER_PX  # typical cell
    weights: str = ""  # that made the proposal; empty if a person did
    image: str | None = None  # id, where the image is in the collection already
    parent: str | None = None  # version it goes on from
    scores: list[float] = Field(default_factory=list)  # of the base, by cell id
    rejected: list[RejectedObject] = Field(default_factory=list, alias="places")
    cells: CellMarks = Field(default_factory=dict)  # classes of the base
    study: str = ""  # id, where the image is one of a study; its numbers follow the draft
    study_image: int = 0


class Submission(Record):
    """submission.json: which version a draft becomes, noted before it is saved."""

    title = "data of a submission"

    version: str = Field(pattern=f"^{VERSION_ID.pattern}$")
    log_size: int  # with these edits


class LogLine(Record):
    """A line of log.jsonl: an edit, or that one was undone or redone."""

    title = "data of a step"

    edit: Edit | None = None
    undo: Literal[1] | None = None
    redo: Literal[1] | None = None
    command: int | None = None  # of the drawing surface; see `Draft.command`

    def replay(self, history: History) -> None:
        """Take this step. Raises EditError, or StoreError if the line has none."""
        if self.edit:
            history.apply(self.edit)
        elif self.undo:
            history.undo()
        elif self.redo:
            history.redo()
        else:
            raise StoreError("A step is an edit, undo or redo.")


class Draft:
    """One image with its history of edits; every change is on disk when the call returns."""

    def __init__(self, folder: Path, info: DraftInfo, image: NDArray[np.uint8], base: Labels, proposal: Labels) -> None:
        self.folder, self.info, self.image, self.base, self.proposal = folder, info, image, base, proposal
        self.history = History(base, info.cells)
        # Number of the last command of the drawing surface that is in the log: a browser that was reloaded before it
        # had an answer sends its commands again, and each must be done once.
        self.command = 0
        self._size = 0  # of the log, as this object knows it

    @property
    def id(self) -> str:
        """Name of the draft, for `open_draft`."""
        return self.folder.name

    @property
    def labels(self) -> Labels:
        """The labels as they are now, int32 (H, W)."""
        return self.history.labels

    @property
    def marks(self) -> CellMarks:
        """The classes of the cells as they are now."""
        return self.history.marks

    @property
    def size(self) -> int:
        """Bytes of the log that this object knows: grows with every edit, undo and redo."""
        return self._size

    @property
    def stale(self) -> bool:
        """Whether somebody else has written the log since, in another window."""
        path = self.folder / "log.jsonl"
        return path.exists() and path.stat().st_size != self._size

    def apply(self, edit: Edit) -> None:
        """Make an edit and keep it. Raises EditError or StoreError, with nothing changed."""
        self.history.apply(edit)
        self._keep(LogLine(edit=edit), self.history.undo)

    def undo(self) -> Edit:
        """Take the last edit back. Raises EditError, StoreError."""
        edit = self.history.undo()
        self._keep(LogLine(undo=1), self.history.redo)
        return edit

    def redo(self) -> Edit:
        """Make the last edit that was taken back again. Raises EditError, StoreError."""
        edit = self.history.redo()
        self._keep(LogLine(redo=1), self.history.undo)
        return edit

    def _keep(self, line: LogLine, take_back: Callable[[], object]) -> None:
        line = line.replace(command=self.command or None)
        data = line.model_dump_json(exclude_none=True).encode() + b"\n"
        path = self.folder / "log.jsonl"
        try:
            with _appending, disk_errors("Saving this edit"), path.open("ab") as log:
                if log.tell() != self._size:
                    raise StoreError(STALE)
                try:
                    log.write(data)
                    log.flush()
                    os.fsync(log.fileno())
                except OSError:
                    log.truncate(self._size)
                    raise
            self._size += len(data)
        except StoreError:
            take_back()
            raise

    def replay(self) -> None:
        """Bring the history to where the log on disk ends. Raises StoreError with the number of a damaged line."""
        path = self.folder / "log.jsonl"
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:  # a line that was being written when the process was killed
            with path.open("r+b") as log:
                log.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                step = LogLine.from_json(line)
                step.replay(self.history)
            except (StoreError, EditError) as error:
                raise StoreError(f"{path.name} cannot be read. Line {number}: {error}") from error
            self.command = max(self.command, step.command or 0)
        self._size = len(whole)

    def submit(self, store: LabelStore, author: str, comment: str, licence: str, account: str = "") -> Version:
        """Add the correction to the collection, with the proposal it started from; the draft is then done. account: of
        the author, where people log in.

        Submitting again what was submitted already, because the server was killed before the draft was gone, gives the
        version that is there. Raises StoreError, and the draft stays.
        """
        if not self.folder.exists():  # in another window, as the next
            raise StoreError(GONE)
        if self.stale:  # what was drawn there would be lost with the draft
            raise StoreError(STALE)
        info = self.info
        image = store.add_image(
            self.image, info.name, pixel_size_um=info.pixel_size_um, added_by=author, licence=licence
        ).id
        parent = info.parent or self._save_proposal(store, image, author, licence)
        submission = self._submission()
        if there := next((v for v in store.versions(image) if v.id == submission), None):
            self.discard()
            return there
        others = [v for v in last_by_author(store.versions(image)) if v.author != author]
        classes = store.class_set()
        before, after = (
            without(labels, classes.uncounted(marks))
            for labels, marks in ((self.base, info.cells), (self.labels, self.marks))
        )
        version = store.save_version(
            image, self.labels, version_id=submission, author=author, account=account, status="submitted",
            parent=parent, weights=info.weights, comment=comment, licence=licence,
            agreement=asdict(agreement(before, after)),
            disagreement=max((1 - agreement(store.cell_labels(v), after).f1 for v in others), default=None),
            details=Details(edits=[edit.to_dict() for edit in self.history.edits], cells=self.marks),
        )  # fmt: skip
        self.discard()
        return version

    def _submission(self) -> str:
        """Id of the version that this draft becomes with these edits. It is on disk before the version is."""
        path = self.folder / "submission.json"
        with disk_errors("Submitting"):
            for _ in range(2):
                made = Submission(version=new_id(now()), log_size=self._size)
                write_once(path, made.to_json())
                noted = read_record(Submission, path)
                if noted.log_size == self._size:
                    return noted.version
                path.unlink(missing_ok=True)  # of an attempt before the last edits
        raise StoreError(STALE)

    def _save_proposal(self, store: LabelStore, image: str, author: str, licence: str) -> str:
        """Id of the version the draft started from; the same proposal is kept once."""
        same = hashlib.sha256(labels_png(self.base)).hexdigest()
        for version in store.versions(image):
            if version.status == "proposal" and version.sha256 == same:
                return version.id
        info = self.info
        return store.save_version(
            image, self.base, author=info.weights or author, status="proposal", weights=info.weights,
            licence=licence, details=Details(scores=info.scores, rejected=info.rejected, cells=info.cells),
            uncertainty=expected_error_share(np.asarray(info.scores), len(info.rejected)) if info.weights else None,
        ).id  # fmt: skip

    def discard(self) -> None:
        """Delete the draft and its files."""
        with suppress(OSError):
            (self.folder / "draft.json").unlink()  # first: without it there is no draft, even if this ends half-way
        shutil.rmtree(self.folder, ignore_errors=True)


def create_draft(
    store: LabelStore, image: NDArray[np.uint8], labels: Labels, info: DraftInfo, proposal: Labels | None = None
) -> Draft:
    """Start to correct labels int32 (H, W) of an image uint8 (H, W, 3). Raises StoreError."""
    folder = store.root / "drafts" / secrets.token_hex(16)
    info = info.replace(created=now().isoformat())
    with disk_errors("Starting the correction"):
        folder.mkdir(parents=True)
        write_atomically(folder / "image.png", png(image))
        write_atomically(folder / "base.png", labels_png(labels))
        if proposal is not None:
            write_atomically(folder / "proposal.png", labels_png(proposal))
        write_atomically(folder / "draft.json", info.to_json())
    return Draft(folder, info, image, labels, labels if proposal is None else proposal)


def open_draft(store: LabelStore, draft: str) -> Draft:
    """The draft of that id, every edit in force. Raises StoreError if there is none."""
    folder = store.root / "drafts" / validate_id(DRAFT_ID, draft, "a draft")
    if not (folder / "draft.json").is_file():
        raise StoreError(GONE)
    try:
        info = read_record(DraftInfo, folder / "draft.json")
        image = np.ascontiguousarray(read_png(folder / "image.png", cv2.IMREAD_COLOR)[..., ::-1])
        base = _read_labels(folder / "base.png")
        proposal = _read_labels(folder / "proposal.png") if (folder / "proposal.png").exists() else base
        if not image.shape[:2] == base.shape == proposal.shape:
            raise StoreError("Its image and labels are not of one size.")
        found = Draft(folder, info, image, base, proposal)
        found.replay()
    except (StoreError, OSError) as error:
        raise StoreError(f"That draft cannot be opened. {error}") from error
    return found


def draft_info(store: LabelStore, draft: str) -> DraftInfo | None:
    """What a draft started from; None if there is no such draft."""
    try:
        return read_record(DraftInfo, store.root / "drafts" / validate_id(DRAFT_ID, draft, "a draft") / "draft.json")
    except StoreError:
        return None


def log_size(store: LabelStore, draft: str) -> int | None:
    """Bytes of a draft's log, see `Draft.size`; None if there is no such draft."""
    if draft_info(store, draft) is None:
        return None
    path = store.root / "drafts" / draft / "log.jsonl"
    return path.stat().st_size if path.exists() else 0


def _read_labels(path: Path) -> Labels:
    return read_png(path, cv2.IMREAD_UNCHANGED).astype(np.int32)


def draft_from_version(store: LabelStore, version: Version) -> Draft:
    """Go on from a version of the collection; the network's own proposal, if there is one, comes along."""
    info = store.image_info(version.image)
    labels, root = store.labels(version), origin(version, store.versions(version.image))
    proposal = store.labels(root) if root.status == "proposal" and root.id != version.id else None
    details = store.details(root)
    start = DraftInfo(
        name=info.name, pixel_size_um=info.pixel_size_um,
        diameter_px=median_diameter(labels) or DEFAULT_DIAMETER_PX,
        weights=version.weights, image=version.image, parent=version.id,
        scores=details.scores if root.id == version.id else [], rejected=details.rejected,
        cells=store.details(version).cells,
    )  # fmt: skip
    return create_draft(store, store.image(version.image), labels, start, proposal)
