"""What one browser has, on disk: its files as uploaded, its results, its settings. No Streamlit in here.

    visits/<sha256 of the browser's token>/visit.json     what there is, in order; written last
    visits/<...>/files/<sha256>                           files as they came, each once
    visits/<...>/results/<id>.npz                         results without pixels, with packed labels

The token is long and random and never leaves the browser but to this server, which keeps a hash of it: a listing of
the disk opens nobody's visit.
"""

import hashlib
import logging
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bccseg.annotation.disk import disk_errors, read_record
from bccseg.config import VISIT_MB
from bccseg.errors import ImageError, StoreError
from bccseg.files import write_atomically, write_once
from bccseg.io.archive import Entry
from bccseg.io.packing import pack, unpack
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.stored_result import StoredResult
from ui.shared.segmentation_job import WaitingFile
from ui.shared.visit_record import KeptFile, KeptResult, Visit, VisitRecord

log = logging.getLogger("bccseg")

TOKEN = re.compile(r"[0-9a-f]{64}")
RECORD = "visit.json"


@dataclass(frozen=True)
class Packed:
    """What a results file holds."""

    measured: MeasuredImage
    labels: bytes  # int32, zlib


class VisitFiles:
    """The folder of one browser. Not safe for several threads at once: the visit has a lock."""

    def __init__(self, folder: Path, most_mb: float = VISIT_MB) -> None:
        self.folder, self.most_bytes = folder, most_mb * 1e6
        self._known: dict[int, tuple[object, str]] = {}  # what is on disk already: object by its id, and its name
        self._left_out: dict[int, bytes] = {}  # files for which there was no room

    def save(self, visit: Visit) -> int:
        """Bring the disk to what there is; returns how many of the oldest images found no room. Raises StoreError,
        and what was saved before is still there.
        """
        with disk_errors("Keeping your images for later"):
            for name in ("files", "results"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            fits = [stored for stored in visit.results if id(stored.source) not in self._left_out]
            record = VisitRecord(
                sources=[self._file(entry) for entry in visit.sources if id(entry.data) not in self._left_out],
                waiting=[
                    self._file(w.entry).replace(done=w.done)
                    for w in visit.waiting if id(w.entry.data) not in self._left_out
                ],
                results=[self._result(stored) for stored in fits],
                failures=visit.failures, used=visit.used, sidebar=visit.sidebar, drafts=visit.drafts,
            )  # fmt: skip
            record = self._within_limit(record)
            write_atomically(self.folder / RECORD, record.to_json())
            named = {kept.sha256 for kept in [*record.sources, *record.waiting, *record.results]}
            files = [e.data for e in visit.sources] + [w.entry.data for w in visit.waiting]
            self._left_out = {id(d): d for d in files if d and self._name(d) not in named}
            self._tidy(record)
        return len(visit.results) - len(record.results) + len(visit.waiting) - len(record.waiting)

    def load(self) -> Visit:
        """What is there; empty without a folder. Results that cannot be read wait to be segmented again."""
        if not (self.folder / RECORD).is_file():
            return Visit()
        try:
            record = read_record(VisitRecord, self.folder / RECORD)
        except StoreError as error:  # nothing is deleted: the next save writes beside it
            log.warning("a visit cannot be read: %s", error)
            return Visit()
        with suppress(OSError):
            (self.folder / RECORD).touch()  # it was looked at: its days begin anew
        read: dict[str, bytes] = {}
        sources = [entry for kept in record.sources if (entry := self._entry(kept, read))]
        waiting = [WaitingFile(entry, kept.done) for kept in record.waiting if (entry := self._entry(kept, read))]
        results = []
        for kept in record.results:
            try:
                results.append(self._stored(kept, read))
            except (StoreError, OSError) as error:
                log.warning("a result of a visit cannot be read: %s", error)
                again = next((e for e in sources if e.data and self._name(e.data) == kept.sha256), None)
                if again and all(w.entry is not again for w in waiting):
                    waiting.append(WaitingFile(again))
        lost = {id(w.entry) for w in waiting}
        return Visit(
            [e for e in sources if id(e) not in lost], waiting, results, record.failures, record.used, record.sidebar,
            record.drafts,
        )  # fmt: skip

    def delete(self) -> None:
        """Remove everything. Raises StoreError if the disk refuses."""
        self._known.clear()
        self._left_out.clear()
        with disk_errors("Deleting what was kept"):
            (self.folder / RECORD).unlink(missing_ok=True)  # first: without it there is no visit
            if self.folder.exists():
                shutil.rmtree(self.folder)

    # --- writing

    def _name(self, data: bytes) -> str:
        known = self._known.get(id(data))
        if known is None:
            known = self._known[id(data)] = (data, hashlib.sha256(data).hexdigest())
        return known[1]

    def _data(self, data: bytes) -> str:
        name = self._name(data)
        write_once(self.folder / "files" / name, data)
        return name

    def _file(self, entry: Entry) -> KeptFile:
        if entry.error:
            return KeptFile(name=entry.name, problem=str(entry.error))
        return KeptFile(name=entry.name, sha256=self._data(entry.data))

    def _result(self, stored: StoredResult) -> KeptResult:
        found = self._measures(stored.found) if stored.found else None
        return KeptResult(
            name=stored.measured.name, sha256=self._data(stored.source), result=self._measures(stored), found=found,
            draft=stored.draft, edits_before=stored.edits_before, draft_size=stored.draft_size,
        )  # fmt: skip

    def _measures(self, stored: StoredResult) -> str:
        known = self._known.get(id(stored.measured))  # `replace` of the other fields keeps this object
        if known is None or not (self.folder / "results" / f"{known[1]}.npz").exists():
            name = secrets.token_hex(16)
            packed = pack(Packed(stored.measured, stored.labels))
            write_atomically(self.folder / "results" / f"{name}.npz", packed)
            known = self._known[id(stored.measured)] = (stored.measured, name)
        return known[1]

    def _within_limit(self, record: VisitRecord) -> VisitRecord:
        """Without the oldest images, as many as are beyond the limit; if that is not enough, without what waits."""
        size = {path: path.stat().st_size for path in self.folder.glob("*/*")}
        while sum(size.get(path, 0) for path in self._paths(record)) > self.most_bytes:
            if not record.sources and not record.results:
                return record.replace(waiting=[])
            oldest = (record.results or record.sources)[0].sha256  # with all pages of its file
            record = record.replace(
                results=[r for r in record.results if r.sha256 != oldest],
                sources=[s for s in record.sources if s.sha256 != oldest],
            )
        return record

    def _paths(self, record: VisitRecord) -> set[Path]:
        files = {k.sha256 for k in [*record.sources, *record.waiting, *record.results] if k.sha256}
        results = {name for r in record.results for name in (r.result, r.found) if name}
        return {self.folder / "files" / n for n in files} | {self.folder / "results" / f"{n}.npz" for n in results}

    def _tidy(self, record: VisitRecord) -> None:
        """Remove what the record does not name any more, and forget the objects."""
        wanted = self._paths(record)
        for path in self.folder.glob("*/*"):
            if path not in wanted:
                path.unlink(missing_ok=True)
        names = {path.stem for path in wanted}
        self._known = {key: known for key, known in self._known.items() if known[1] in names}

    # --- reading

    def _bytes(self, name: str, read: dict[str, bytes]) -> bytes:
        if name not in read:
            data = (self.folder / "files" / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != name:
                raise StoreError("A file of a visit is damaged.")
            read[name] = data
            self._known[id(data)] = (data, name)
        return read[name]

    def _entry(self, kept: KeptFile, read: dict[str, bytes]) -> Entry | None:
        if not kept.sha256:
            return Entry(kept.name, error=ImageError(kept.problem))
        try:
            return Entry(kept.name, self._bytes(kept.sha256, read))
        except (StoreError, OSError) as error:
            log.warning("a file of a visit cannot be read: %s", error)
            return None

    def _stored(self, kept: KeptResult, read: dict[str, bytes]) -> StoredResult:
        source = self._bytes(kept.sha256, read)
        found = StoredResult(*self._packed(kept.found, source)) if kept.found else None
        return StoredResult(*self._packed(kept.result, source), found, kept.draft, kept.edits_before, kept.draft_size)

    def _packed(self, name: str, source: bytes) -> tuple[MeasuredImage, bytes, bytes]:
        packed = unpack(Packed, (self.folder / "results" / f"{name}.npz").read_bytes())
        if not expected_columns() <= set(packed.measured.cells):
            raise StoreError("A result is of an earlier version.")
        self._known[id(packed.measured)] = (packed.measured, name)
        return packed.measured, source, packed.labels


@cache
def expected_columns() -> frozenset[str]:
    """Columns that every table of cells has."""
    blank = ImageResult.measure(
        np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.int32), np.zeros(0, np.float32), name="", stem="",
        diameter_px=1.0,
    )  # fmt: skip
    return frozenset(blank.cells)


def folder_of(root: Path, token: str) -> Path:
    """Folder of the browser with this token. Raises StoreError if it is none."""
    if not TOKEN.fullmatch(token):
        raise StoreError("That is not the token of a browser.")
    return root / hashlib.sha256(token.encode()).hexdigest()
