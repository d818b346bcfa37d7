"""The process that segments a study (`background`). It goes on with no page open, and there is one a study.

segmenting/progress.json   how far it is; written by it, a few times a second
segmenting/lock, ...       see `background`
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bccseg.annotation.disk import disk_errors, read_record
from bccseg.annotation.records import Record
from bccseg.background import BackgroundProcess
from bccseg.errors import BccsegError, Stopped
from bccseg.files import write_atomically
from bccseg.studies.store import StudyStore
from bccseg.studies.study import Study

WRITE_SECONDS = 0.4  # between two writes of the progress


class SegmentProgress(Record):
    """progress.json."""

    title = "progress"

    done: int = 0  # images since it began
    waiting: int = 0  # with the one under way
    current: str = ""  # name of that one
    share: float = 0.0  # of that one
    started: float = 0.0  # when the first image was begun, seconds since 1970
    device: str = ""
    failure: str = ""  # why it ended
    trouble: str = ""  # what was done otherwise than asked

    @property
    def total(self) -> int:
        """Images of this stretch of work."""
        return self.done + self.waiting

    @property
    def progress(self) -> float:
        """Finished share, 0 to 1."""
        return min(1.0, (self.done + self.share) / max(1, self.total))

    def seconds_left(self, now: float | None = None) -> float | None:
        """Time left at the pace so far; None before there is one."""
        elapsed, finished = (now or time.time()) - self.started, self.done + self.share
        return elapsed * (self.total - finished) / finished if self.started and finished > 0.5 else None


class Segmenting:
    """The process of one study, as pages and the command line see it."""

    def __init__(self, study: Study) -> None:
        self.study, self.folder = study, study.folder / "segmenting"
        self.process = BackgroundProcess(self.folder)

    @property
    def progress(self) -> SegmentProgress:
        """How far it is, or was when it ended."""
        try:
            return read_record(SegmentProgress, self.folder / "progress.json")
        except BccsegError:
            return SegmentProgress()

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self.process.stopped

    @property
    def running(self) -> bool:
        """Whether a process is at it, or was started a moment ago."""
        return self.process.running

    def start(self) -> bool:
        """Begin in a process of its own, unless one is at it; whether this call began one. Raises StoreError."""
        folder = self.study.folder.resolve()
        command = ["study", "segment", folder.name, "--studies", str(folder.parent), "--background"]

        def prepare() -> None:
            write_atomically(self.folder / "progress.json", SegmentProgress().to_json())

        with disk_errors("Beginning to segment"):
            return self.process.start(command, prepare)

    def stop(self) -> None:
        """Ask it to stop, within a tile of the image under way, and not to begin by itself."""
        with disk_errors("Stopping"):
            self.process.stop()

    @contextmanager
    def at_work(self) -> "Iterator[ProgressFile]":
        """For the process itself: nobody else is at it meanwhile, and pages see how far it is.

        Raises StoreError where another process is. How it ended stands in the progress.
        """
        with disk_errors("Beginning to segment"):
            lock = self.process.take_lock()
        writer = ProgressFile(self)
        try:
            yield writer
        except Stopped:
            writer.change(current="", share=0.0)
            raise
        except BccsegError as error:
            writer.change(failure=str(error), current="", share=0.0)
            raise
        except Exception:
            writer.change(failure="Something went wrong inside bccseg; segmenting/console.log of the study says what.")
            raise
        finally:
            lock.release()


class ProgressFile:
    """progress.json as the process writes it. Called with a `Step`; raises Stopped once somebody asked to stop."""

    def __init__(self, segmenting: Segmenting) -> None:
        self.segmenting, self.progress, self._written = segmenting, SegmentProgress(), 0.0

    def __call__(self, step: Any) -> None:
        """Note how far it is: cheap enough for every tile."""
        started = self.progress.started or time.time()
        same = (step.done, step.waiting) == (self.progress.done, self.progress.waiting)
        self.progress = self.progress.replace(
            done=step.done, waiting=step.waiting, current=step.current, share=step.share, started=started
        )
        if not same or time.monotonic() - self._written > WRITE_SECONDS:
            self._write()
        if self.segmenting.stopped:
            raise Stopped("Stopped.")

    def change(self, **values: Any) -> None:
        """Note something else, at once."""
        self.progress = self.progress.replace(**values)
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        write_atomically(self.segmenting.folder / "progress.json", self.progress.to_json())


def resume(store: StudyStore) -> list[Study]:
    """Begin again what was under way when the computer was switched off; the studies it was done for."""
    begun = []
    for info in store.list():
        if info.waiting and not info.problem:
            work = Segmenting(store.open(info.id))
            if not work.stopped and work.start():
                begun.append(work.study)
    return begun
