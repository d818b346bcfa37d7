"""What one visitor has: results, failures, the running job. Never shared between visitors."""

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

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self.job is not None and not self.job.finished.is_set()

    def start(self, entries: list[Entry], chosen: Chosen) -> None:
        """Segment further files."""
        self.sources.extend(entries)
        self.used = chosen
        self.job = Job(
            entries,
            chosen.settings,
            chosen.pixel_size_um,
            predictor_cache().request(chosen.weights, chosen.device),
            {r.measured.stem.lower() for r in self.results},
            self.results.append,
            lambda name, reason: self.failures.append((name, reason)),
        ).start()

    def again(self, chosen: Chosen) -> None:
        """Segment all files again with other settings."""
        entries = self.sources
        self.clear()
        self.start(entries, chosen)

    def clear(self) -> None:
        """Forget everything of this visit."""
        if self.job:
            self.job.stop()
        self.results, self.failures, self.sources, self.job, self.used = [], [], [], None, None


def visitor_state() -> VisitorState:
    """The state of this visitor."""
    return st.session_state.setdefault(KEY, VisitorState())
