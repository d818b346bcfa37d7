"""One training at a time on a machine: the queue of runs, and the signals that end or pause one.

<runs>/training.lock is held by the one run that trains; the others wait in order of their id.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from bccseg.errors import Stopped, TrainingError
from bccseg.jobs.progress import ProgressWriter
from bccseg.jobs.records import ACTIVE_STATES
from bccseg.jobs.training_run import Run, all_runs

LOCK = "training.lock"


def queue_position(run: Run) -> int:
    """How many runs come before this one; those on machines of Hugging Face are in nobody's way."""
    before = 0
    for other in all_runs(run.folder.parent):
        if other.id != run.id and (state := other.progress.state) in ACTIVE_STATES and not _is_elsewhere(other):
            before += other.id < run.id or state != "queued"
    return before


def _is_elsewhere(run: Run) -> bool:
    try:
        return run.spec.hub is not None
    except TrainingError:  # a damaged run
        return False


@contextmanager
def queue_slot(run: Run, writer: ProgressWriter, wait_seconds: float = 0.5) -> Iterator[None]:
    """Wait until no other run trains and no older one waits; then hold the machine. Raises Stopped if cancelled."""
    lock = FileLock(run.folder.parent / LOCK)
    while True:
        check_signal(run)
        position = queue_position(run)
        writer(state="queued", message=f"{position} before it")
        if position == 0:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                pass
        time.sleep(wait_seconds)
    try:
        yield
    finally:
        lock.release()


def check_signal(run: Run) -> bool:
    """Raise Stopped if the run was asked to end; whether it was asked to pause."""
    signal = run.signal
    if signal == "cancel":
        raise Stopped("Cancelled. Resume goes on from the last finished epoch.")
    return signal == "pause"
