"""How far a training run is, as its own process tells it: progress.json has one writer."""

import logging
import os
import sys
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout

from bccseg.errors import TrainingError
from bccseg.files import write_atomically
from bccseg.jobs.records import JobProgress

log = logging.getLogger("bccseg")

BEAT_SECONDS = 1.0
LOCK_SECONDS = 5.0  # for the process before to end


class ProgressWriter:
    """Keeps progress.json of a run fresh from a thread, so that a silent process is a dead one.

    Only the process that trains has one, for progress.lock lets no second in; the pages read.
    elsewhere: the run trains on another machine, whose memory counts. Raises TrainingError where another process has
    one.
    """

    def __init__(self, folder: Path, progress: JobProgress, *, elsewhere: bool = False) -> None:
        self.folder, self._elsewhere = folder, elsewhere
        self.progress = progress.replace(pid=os.getpid())
        self._process = FileLock(folder / "progress.lock")
        try:
            self._process.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            raise TrainingError("This run is under way already.") from None
        self._lock, self._end = threading.Lock(), threading.Event()
        self()
        self._thread = threading.Thread(target=self._beat, name="bccseg-beat", daemon=True)
        self._thread.start()

    def __call__(self, **changes: object) -> None:
        """Change what the pages read, at once."""
        with self._lock:
            self.progress = self.progress.replace(**changes, written=time.time())
            write_atomically(self.folder / "progress.json", self.progress.to_json())

    def update(self, **changes: object) -> None:
        """Change what the pages read with the next beat: cheap enough for every step."""
        with self._lock:
            self.progress = self.progress.replace(**changes)

    def stop(self) -> None:
        """No more beats; another process may write."""
        self._end.set()
        self._thread.join()
        self._process.release()

    def _beat(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            try:
                self(**{} if self._elsewhere else {"memory_mb": _memory_mb()})
            except OSError:  # a full disk shows where it matters
                log.exception("progress could not be written")


def _memory_mb() -> float | None:
    """Largest memory of this process so far, where the system tells."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
