"""What one visitor has: results, failures, the running job. Never shared between visitors."""

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from bccseg.io.archive import Entry
from ui.shared.predictors import predictor_cache
from ui.shared.segmentation_job import Job
from ui.shared.settings import Chosen
from ui.shared.stored_result import StoredResult

KEY = "session"


@dataclass
class VisitorState:
    """State of one browser tab."""

    results: list[StoredResult] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)  # name, reason
    sources: list[Entry] = field(default_factory=list)  # files as uploaded, to segment them again
    job: Job | None = None
    uploads: int = 0  # a new number empties the uploader
    used: Chosen | None = None  # the settings the results were made with
    renewing: bool = False  # the job exchanges results that are there

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self.job is not None and not self.job.finished.is_set()

    def start(self, entries: list[Entry], chosen: Chosen) -> None:
        """Segment further files."""
        self.sources.extend(entries)
        taken = {r.measured.stem.lower() for r in self.results}
        self._segment(entries, chosen, taken, self.results.append)

    def again(self, chosen: Chosen) -> None:
        """Segment all files again with other settings. What there is stays until the new is there; images that a person
        has corrected stay as they are.
        """
        self.failures = []
        self._segment(self.sources, chosen, set(), self._exchange)
        self.renewing = True

    def _segment(
        self, entries: list[Entry], chosen: Chosen, taken: set[str], keep: Callable[[StoredResult], None]
    ) -> None:
        self.used, self.renewing = chosen, False
        self.job = Job(
            entries,
            chosen.settings,
            chosen.pixel_size_um,
            predictor_cache().request(chosen.weights, chosen.device),
            taken,
            keep,
            lambda name, reason: self.failures.append((name, reason)),
        ).start()

    def _exchange(self, new: StoredResult) -> None:
        """Put a result in the place of the one that was made of the same file."""
        for k, old in enumerate(self.results):
            if old.measured.stem == new.measured.stem:
                if not old.found:
                    self.results[k] = new
                return
        self.results.append(new)

    def stop(self) -> None:
        """Stop the job. Results that were being made again are then of different settings."""
        if self.job:
            self.job.stop()
        if self.renewing:
            self.used = None

    def clear(self) -> None:
        """Forget everything of this visit."""
        self.stop()
        self.results, self.failures, self.sources, self.job, self.used = [], [], [], None, None


def visitor_state() -> VisitorState:
    """The state of this visitor."""
    return st.session_state.setdefault(KEY, VisitorState())
