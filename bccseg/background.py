"""A command of our own in a process that goes on with no page open; one a folder.

lock          held by that process while it is at work
process.json  the process that was started last
stop          somebody stopped it: it is not begun again by itself
console.log   what it printed
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from filelock import BaseFileLock, FileLock, Timeout

from bccseg.errors import BccsegError, StoreError
from bccseg.files import write_atomically
from bccseg.schema import Schema

START_SECONDS = 30.0  # that a process may take until it has the lock
LOCK_SECONDS = 5.0  # for the process before to end
ROOT = Path(__file__).resolve().parents[1]


class Started(Schema):
    """process.json. Raises StoreError."""

    title = "process"
    error: ClassVar[type[BccsegError]] = StoreError

    pid: int = 0
    started: float = 0.0  # seconds since 1970


class BackgroundProcess:
    """The process of one folder, as pages and the command line see it. What it raises of the disk is OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it."""
        return (self.folder / "stop").exists()

    @property
    def running(self) -> bool:
        """Whether a process is at it, or was started a moment ago."""
        if not self.folder.exists():
            return False
        started = self._started()
        if time.time() - started.started < START_SECONDS and _alive(started.pid):
            return True
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def start(self, arguments: Sequence[str], prepare: Callable[[], None] = lambda: None) -> bool:
        """Begin `python -m bccseg` with these arguments, unless a process is at it; whether this call began one.

        prepare: called before, where there is none.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "stop").unlink(missing_ok=True)
        with FileLock(self.folder / "start.lock"):  # two pages may find it asleep at once
            if self.running:
                return False
            prepare()
            process = self._launch(arguments)
            write_atomically(self.folder / "process.json", Started(pid=process.pid, started=time.time()).to_json())
        threading.Thread(target=process.wait, name="bccseg-reap", daemon=True).start()  # leaves no zombie behind
        return True

    def stop(self) -> None:
        """Ask it to stop, and not to begin by itself."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / "stop", b"")

    def take_lock(self) -> BaseFileLock:
        """For the process itself: nobody else is at it until this is released. Raises StoreError where somebody is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            raise StoreError("Another process is at it already.") from None
        return lock

    def _started(self) -> Started:
        try:
            return Started.from_json((self.folder / "process.json").read_bytes())
        except (OSError, BccsegError):
            return Started()

    def _launch(self, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
        detached: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
        with (self.folder / "console.log").open("wb") as console:
            return subprocess.Popen(  # noqa: S603, our own command
                [sys.executable, "-m", "bccseg", *arguments], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, **detached,
            )  # fmt: skip


def _alive(pid: int) -> bool:
    if os.name == "nt" or pid <= 0:
        return pid > 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
