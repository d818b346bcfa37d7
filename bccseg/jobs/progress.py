"""How far a training run is, as its own process tells it: progress.json has one writer."""

import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from bccseg.errors import BccsegError, TrainingError
from bccseg.files import write_atomically
from bccseg.schema import Schema

log = logging.getLogger("bccseg")

State = Literal["queued", "preparing", "training", "paused", "done", "cancelled", "failed", "lost"]
ACTIVE_STATES: tuple[State, ...] = ("queued", "preparing", "training", "paused")
FILE = "progress.json"
BEAT_SECONDS = 1.0


class JobProgress(Schema):
    """How far a run is."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = TrainingError
    title = "progress"

    state: State = "queued"
    message: str = ""
    epoch: int = 0  # finished
    epochs: int = 0
    step: int = 0  # of the epoch under way
    steps: int = 0
    loss: float | None = None
    images_per_second: float | None = None
    device: str = ""
    memory_mb: float | None = None  # of the process
    out_of_memory: bool = False
    warnings: list[str] = Field(default_factory=list)
    written: float = 0.0  # seconds since 1970
    pid: int = 0

    @property
    def share(self) -> float:
        """Finished share of the run, 0 to 1."""
        if not self.epochs:
            return 0.0
        return min(1.0, (self.epoch + (self.step / self.steps if self.steps else 0)) / self.epochs)


class ProgressWriter:
    """Keeps progress.json of a run fresh from a thread, so that a silent process is a dead one.

    Only the process that trains has one; the pages read.
    """

    def __init__(self, folder: Path, progress: JobProgress) -> None:
        self.folder = folder
        self.progress = progress.replace(pid=os.getpid())
        self._lock, self._end = threading.Lock(), threading.Event()
        self()
        threading.Thread(target=self._beat, name="bccseg-beat", daemon=True).start()

    def __call__(self, **changes: object) -> None:
        """Change what the pages read, at once."""
        with self._lock:
            self.progress = self.progress.replace(**changes, written=time.time())
            write_atomically(self.folder / FILE, self.progress.to_json())

    def update(self, **changes: object) -> None:
        """Change what the pages read with the next beat: cheap enough for every step."""
        with self._lock:
            self.progress = self.progress.replace(**changes)

    def stop(self) -> None:
        """No more beats."""
        self._end.set()

    def _beat(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            try:
                self(memory_mb=_memory_mb())
            except OSError:  # a full disk shows where it matters
                log.exception("progress could not be written")


def _memory_mb() -> float | None:
    """Largest memory of this process so far, where the system tells."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
