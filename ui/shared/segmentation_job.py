"""Segmenting in a thread of its own, so that the page stays alive and stop stops. No Streamlit in here."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError, Stopped
from bccseg.io.archive import Entry, count_files, expand
from ui.shared.predictors import LoadedPredictor
from ui.shared.stored_result import StoredResult

log = logging.getLogger("bccseg")


@dataclass
class Job:
    """One batch of files. The page reads the fields; only the thread writes them."""

    entries: list[Entry]
    settings: SegmentSettings
    pixel_size_um: float | None
    loaded: "Future[LoadedPredictor]"
    taken: set[str]  # file stems in use
    on_result: Callable[[StoredResult], None]
    on_failure: Callable[[str, str], None]
    total: int = 0
    done: int = 0
    current: str = ""
    share: float = 0.0  # of the current picture
    error: str = ""
    stopped: bool = False
    started: float = field(default_factory=time.monotonic)
    finished: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Job":
        """Begin in the background."""
        self.total = sum(count_files(entry.data) for entry in self.entries)
        threading.Thread(target=self._run, name="bccseg-job", daemon=True).start()
        return self

    def stop(self) -> None:
        """Ask it to stop; it does within one tile of one picture."""
        self._stop.set()

    @property
    def progress(self) -> float:
        """Finished share of the batch, 0 to 1."""
        return min(1.0, (self.done + self.share) / max(1, self.total))

    @property
    def seconds_left(self) -> float | None:
        """Time left at the pace so far; None before there is one."""
        elapsed = time.monotonic() - self.started
        return elapsed * (1 - self.progress) / self.progress if self.progress > 0.02 and elapsed > 1 else None

    def _run(self) -> None:
        try:
            while not self.loaded.done():  # loading may take a while; stop works meanwhile
                self._tell(0.0)
                wait([self.loaded], timeout=0.1)
            predictor = self.loaded.result().predictor
            self.started = time.monotonic()
            for entry in self.entries:
                for inner in expand(entry.name, entry.data):
                    self._segment(inner, predictor)
        except Stopped:
            self.stopped = True
        except BccsegError as error:
            self.error = str(error)
        except Exception:
            log.exception("segmentation failed")
            self.error = "Something went wrong inside bccseg; the server's log says what. Try again."
        finally:
            self.finished.set()

    def _segment(self, inner: Entry, predictor: object) -> None:
        from bccseg.inference.batch import Failure, segment_entries

        self.current, self.share = inner.name, 0.0
        self._tell(0.0)
        for outcome in segment_entries([inner], predictor, self.settings, self.pixel_size_um, self._tell, self.taken):
            if isinstance(outcome, Failure):
                self.on_failure(outcome.name, outcome.reason)
            else:
                self.on_result(StoredResult.pack(outcome, inner.data))
            self._tell(0.0)
        self.done += 1
        self.share = 0.0

    def _tell(self, share: float) -> None:
        self.share = share
        if self._stop.is_set():
            raise Stopped("Stopped.")
