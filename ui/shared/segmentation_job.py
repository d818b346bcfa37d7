"""Segmenting beside the page, which stays alive: a thread hands files to a worker. No Streamlit in here."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from weakref import WeakSet

from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError, Stopped
from bccseg.io.archive import Entry, count_files, expand
from bccseg.report.stored_result import StoredResult
from bccseg.workers.worker import Failed
from ui.shared.predictors import WorkerPredictor
from ui.shared.weights_at_work import at_work

log = logging.getLogger("bccseg")

WAIT_SECONDS = 0.3  # between two looks whether it was stopped
_open: "WeakSet[Job]" = WeakSet()


def jobs_open() -> int:
    """How many jobs of all visitors are running or wait for their turn."""
    return sum(not job.finished.is_set() for job in list(_open))


@dataclass(eq=False)
class WaitingFile:
    """A file that is to be segmented; a zip holds several."""

    entry: Entry
    done: int = 0  # files in it that are segmented already

    @property
    def left(self) -> int:
        """Files in it that are still to be done."""
        return max(0, count_files(self.entry.data) - self.done)

    def rest(self) -> Iterator[Entry]:
        """Those files, one at a time."""
        entry = self.entry
        yield from islice([entry] if entry.error else expand(entry.name, entry.data), self.done, None)


@dataclass(eq=False)
class Job:
    """One batch of files. The page reads the fields; only the thread writes them."""

    files: list[WaitingFile]
    settings: SegmentSettings
    pixel_size_um: float | None
    loaded: "Future[WorkerPredictor]"
    taken: Callable[[], set[str]]  # file stems in use when it begins
    on_result: Callable[[StoredResult], None]
    on_failure: Callable[[str, str], None]
    on_file: Callable[[WaitingFile, Entry], None] = lambda _file, _inner: None  # one of its files is done
    on_end: Callable[[WaitingFile], None] = lambda _file: None  # all of them are
    visitor: str = ""  # turns go round between them
    after: "Job | None" = None  # begins when this one has ended
    total: int = 0
    done: int = 0
    current: str = ""
    share: float = 0.0  # of the current picture
    error: str = ""
    stopped: bool = False
    started: float = field(default_factory=time.monotonic)
    finished: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _stems: set[str] = field(default_factory=set)

    def start(self) -> "Job":
        """Begin in the background."""
        _open.add(self)
        self.total = sum(file.left for file in self.files)
        threading.Thread(target=self._run, name="bccseg-job", daemon=True).start()
        return self

    def stop(self) -> None:
        """Ask it to stop, and the one it waits for; they do within one tile of one picture."""
        self._stop.set()
        if self.after:
            self.after.stop()

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
            while self.after and not self.after.finished.wait(WAIT_SECONDS):
                self._tell(0.0)
            self.after = None
            while not self.loaded.done():  # loading may take a while; stop works meanwhile
                self._tell(0.0)
                wait([self.loaded], timeout=WAIT_SECONDS)
            predictor = self.loaded.result()
            self.started, self._stems = time.monotonic(), self.taken()
            with at_work(predictor.source):
                for file in self.files:
                    for inner in file.rest():
                        self._segment(inner, predictor)
                        self.on_file(file, inner)
                    self.on_end(file)
        except Stopped:
            self.stopped = True
        except BccsegError as error:
            self.error = str(error)
        except Exception:
            log.exception("segmentation failed")
            self.error = "Something went wrong inside bccseg; the server's log says what. Try again."
        finally:
            self.finished.set()

    def _segment(self, inner: Entry, predictor: WorkerPredictor) -> None:
        self.current, self.share = inner.name, 0.0
        self._tell(0.0)
        if inner.error:
            self.on_failure(inner.name, str(inner.error))
        else:
            outcomes = predictor.segment(
                inner, self.settings, self.pixel_size_um, self.visitor, self._stems, self._tell
            )
            with closing(outcomes):  # the worker is told at once that nobody waits any more
                for outcome in outcomes:
                    if isinstance(outcome, Failed):
                        self.on_failure(outcome.name, outcome.reason)
                    else:
                        self.on_result(outcome)
                    self._tell(0.0)
        self.done += 1
        self.share = 0.0

    def _tell(self, share: float) -> None:
        self.share = share
        if self._stop.is_set():
            raise Stopped("Stopped.")
