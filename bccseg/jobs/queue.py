"""One training at a time on a machine: whose turn it is, and whether it was told to pause or end.

<runs>/training.lock is held by the one run that trains; the others wait in order of their id.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from filelock import FileLock, Timeout

from bccseg.errors import Stopped
from bccseg.jobs.training_run import ACTIVE_STATES, Run, all_runs

LOCK = "training.lock"


def queue_position(run: Run) -> int:
    """How many runs come before this one."""
    others = all_runs(run.folder.parent)
    before = [
        r for r in others if r.progress.state in ACTIVE_STATES and (r.id < run.id or r.progress.state != "queued")
    ]
    return len([r for r in before if r.id != run.id])


@contextmanager
def queue_slot(run: Run, wait_seconds: float = 0.5) -> Iterator[None]:
    """Wait until no other run trains and none that is older waits; then hold the machine. `run.told` may end it."""
    lock = FileLock(run.folder.parent / LOCK)
    while True:
        check_signal(run)
        run.tell(replace(run.progress, state="queued", pid=os.getpid(), message=f"{queue_position(run)} before it"))
        if queue_position(run) == 0:
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
    """Raise Stopped if the run was told to end; whether it was told to pause."""
    told = run.told
    if told == "cancel":
        raise Stopped("Cancelled. Resume goes on from the last finished epoch.")
    return told == "pause"
