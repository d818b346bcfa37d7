"""A worker for each device that somebody asks for."""

import threading

from bccseg.workers.worker import COMMAND, Worker


class WorkerPool:
    """Workers by device. Safe for many threads."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        self.command, self._lock = command, threading.Lock()
        self._main = Worker(command)  # also says which devices there are, so that a server needs no torch for it
        self._others: dict[str, Worker] = {}

    def on(self, device: str) -> Worker:
        """The worker for a device by its name in settings: the same one for "auto" and for what that means here.

        Waits until the first worker has started. Raises WorkerError.
        """
        if device == "auto":
            return self._main
        there = self._main.devices()
        if device == there[0] or device not in there:  # one that there is not: loading says so
            return self._main
        with self._lock:
            return self._others.setdefault(device, Worker(self.command))

    def close(self) -> None:
        """End all processes."""
        for worker in (self._main, *self._others.values()):
            worker.close()

    @property
    def pids(self) -> list[int]:
        """Of the processes there are."""
        return [pid for worker in (self._main, *self._others.values()) if (pid := worker.pid)]
