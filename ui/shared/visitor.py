"""What one browser has: uploads, results, the running job, settings. Its tabs share it; no other browser sees it."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bccseg.errors import StoreError
from bccseg.io.archive import Entry, unique
from bccseg.io.packing import from_json, to_json
from bccseg.report.stored_result import StoredResult
from ui.shared.limits import Allowance, limits_in_force
from ui.shared.predictors import predictor_cache
from ui.shared.segmentation_job import Job, WaitingFile
from ui.shared.settings import Chosen
from ui.shared.visit_files import VisitFiles
from ui.shared.visit_record import Visit


@dataclass(eq=False)
class VisitorState:
    """State of one browser; of one tab, where the browser keeps nothing."""

    results: list[StoredResult] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)  # name, reason
    sources: list[Entry] = field(default_factory=list)  # files that are done, to segment them again
    waiting: list[WaitingFile] = field(default_factory=list)  # files that are not
    job: Job | None = None
    used: Chosen | None = None  # the settings the results were made with
    renewing: bool = False  # the job exchanges results that are there
    sidebar: dict[str, Any] = field(default_factory=dict)  # the settings as they were last seen, by key
    drafts: list[str] = field(default_factory=list)  # ids of corrections begun in this browser, the last one first
    files: VisitFiles | None = None  # where it is kept; None: nowhere
    when_changed: Callable[["VisitorState"], None] | None = None
    trouble: str = ""  # why the last change could not be kept
    left_out: int = 0  # images for which there was no room
    allowance: Allowance = field(default_factory=Allowance)
    turn: str = field(default_factory=lambda: secrets.token_hex(8))  # its turns in the worker go by this
    lock: Any = field(default_factory=threading.RLock)
    _disk: Any = field(default_factory=threading.Lock)  # held while writing; never taken while `lock` is held
    _age: int = 0  # how often everything was cleared
    _kept: Visit = field(default_factory=Visit)
    _loaded: bool = False

    @property
    def jobs(self) -> int:
        """Batches that are running or wait for those before."""
        job, count = self.job, 0
        while job is not None and not job.finished.is_set():
            job, count = job.after, count + 1
        return count

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self.job is not None and not self.job.finished.is_set()

    # --- segmenting

    def start(self, entries: list[Entry], chosen: Chosen) -> None:
        """Segment further files; after those that are being segmented. What is too much is told among the failures."""
        with self.lock:
            entries, refused = self.allowance.admit(
                entries, limits_in_force(), images=len(self.results) + sum(w.left for w in self.waiting),
                waiting=[w.entry for w in self.waiting], jobs=self.jobs,
            )  # fmt: skip
            self.failures += refused
            if refused and not entries:
                self.changed()
                return
            new = [WaitingFile(entry) for entry in entries]
            self.waiting += new
            self._segment(new, chosen, self._add)

    def segment_rest(self, chosen: Chosen) -> None:
        """Go on with what was left when a job was stopped, or the server."""
        with self.lock:
            if self.waiting and not self.busy:
                self._segment(list(self.waiting), chosen, self._add)

    def again(self, chosen: Chosen) -> None:
        """Segment all files again with other settings. What there is stays until the new is there; images that a person
        has corrected stay as they are.
        """
        with self.lock:
            if self.busy:  # clicked twice
                return
            self.failures = []
            self._segment([WaitingFile(entry) for entry in self.sources], chosen, self._exchange, renew=True)

    def _segment(
        self, files: list[WaitingFile], chosen: Chosen, keep: Callable[[StoredResult], None], *, renew: bool = False
    ) -> None:
        age = self._age

        def noted(change: Callable[..., None]) -> Callable[..., None]:
            def note(*values: Any) -> None:
                with self.lock:
                    if age == self._age:  # else: cleared since
                        change(*values)
                self.changed()

            return note

        def ended(file: WaitingFile) -> None:
            self.waiting = [w for w in self.waiting if w is not file]

        def one_done(file: WaitingFile, inner: Entry) -> None:
            file.done += 1
            self.sources.append(inner)

        steps = {} if renew else {"on_file": noted(one_done), "on_end": noted(ended)}
        self.used, self.renewing = chosen, renew
        self.job = Job(
            files,
            chosen.settings,
            chosen.pixel_size_um,
            predictor_cache().request(chosen.weights, chosen.device),
            set if renew else lambda: {r.measured.stem.lower() for r in self.results},
            noted(keep),
            noted(lambda name, reason: self.failures.append((name, reason))),
            visitor=self.turn,
            after=self.job if self.busy else None,
            **steps,
        ).start()
        self.changed()

    def _add(self, new: StoredResult) -> None:
        self.results.append(new)

    def _exchange(self, new: StoredResult) -> None:
        """Put a result in the place of the one that was made of the same file."""
        for k, old in enumerate(self.results):
            if old.measured.stem == new.measured.stem:
                if not old.found:
                    self.results[k] = new.with_regions(old.measured.regions)
                return
        self.results.append(new)

    def stop(self) -> None:
        """Stop the job. Results that were being made again are then of different settings."""
        if self.job:
            self.job.stop()
        if self.renewing:
            self.used = None
        self.changed()

    def clear(self) -> None:
        """Forget everything, here and on the disk. Corrections that were begun are drafts; they stay."""
        self.stop()
        with self.lock:
            self._age += 1
            self.results, self.failures, self.sources, self.waiting = [], [], [], []
            self.job, self.used, self.renewing, self.trouble, self.left_out = None, None, False, "", 0
        with self._disk:
            try:
                if self.files:
                    self.files.delete()
            except StoreError as error:
                self.trouble = str(error)
            self._kept = Visit(sidebar=self.sidebar)  # settings alone are kept when they change again
        self.changed()

    # --- keeping

    def changed(self) -> None:
        """Let it be kept soon, beside the page."""
        if self.when_changed:
            self.when_changed(self)

    def note_settings(self, values: dict[str, Any]) -> None:
        """The settings as they are now, by key; the first ones seen are no change."""
        if not self.sidebar and not self._kept.sidebar:
            self._kept.sidebar = values
        if values != self.sidebar:
            self.sidebar = values
            self.changed()

    def note_draft(self, draft: str) -> None:
        """A correction was begun or opened in this browser."""
        if self.drafts[:1] != [draft]:
            self.drafts = [draft, *(d for d in self.drafts if d != draft)]
            self.changed()

    def save(self) -> None:
        """Write what has changed. A disk that refuses is told in `trouble`, and tried again at the next change."""
        with self._disk:
            with self.lock:
                now = self._visit()
            if self.files is None or not self._loaded or now.same_as(self._kept):
                return
            try:
                self.left_out = self.files.save(now)
                self._kept, self.trouble = now, ""
            except StoreError as error:
                self.trouble = f"{error} What you see stays until this page is closed: download it."

    def _visit(self) -> Visit:
        waiting = [WaitingFile(w.entry, w.done) for w in self.waiting]
        return Visit(
            list(self.sources), waiting, list(self.results), list(self.failures),
            to_json(self.used) if self.used else None, dict(self.sidebar), list(self.drafts),
        )  # fmt: skip

    def load(self) -> None:
        """Once: take up what is on the disk."""
        with self.lock:
            if self._loaded or self.files is None:
                return
            found = self.files.load()
            self.sources, self.waiting, self.results, self.failures = (
                list(found.sources), list(found.waiting), list(found.results), list(found.failures),
            )  # fmt: skip
            self.sidebar, self.drafts = dict(found.sidebar), list(found.drafts)
            self._kept, self._loaded = found, True
            try:
                self.used = from_json(Chosen, found.used) if found.used else None
            except StoreError:  # of another version: the page offers to segment again
                self.used = None

    def keep_in(self, files: VisitFiles, when_changed: Callable[["VisitorState"], None]) -> None:
        """From now on keep what there is in a folder that is still empty."""
        with self.lock:
            self.files, self.when_changed, self._loaded = files, when_changed, True
        self.changed()

    def absorb(self, other: "VisitorState") -> None:
        """Take over what a tab had before it was known to which browser it belongs. Its job has ended."""
        with self.lock:
            taken = {r.measured.stem.lower() for r in self.results}
            for r in other.results:
                self.results.append(replace(r, measured=replace(r.measured, stem=unique(r.measured.stem, taken))))
            self.sources += other.sources
            self.waiting += other.waiting
            self.failures += other.failures
            self.used = other.used if not self.used or other.used == self.used else None
        self.changed()
