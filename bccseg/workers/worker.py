"""The server's side of a worker process: started when it is needed, started again if it dies, its tasks taken up."""

import itertools
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from bccseg.config import WORKER_PULSE_SECONDS, WORKER_SILENT_SECONDS, SegmentSettings
from bccseg.errors import WeightsError, WorkerError
from bccseg.io.archive import Entry
from bccseg.io.packing import unpack
from bccseg.report.stored_result import StoredResult
from bccseg.workers.messages import Answer, Found, Line, Network, Order

log = logging.getLogger("bccseg")

COMMAND = (sys.executable, "-m", "bccseg.workers")
ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.3  # between two looks whether a task was stopped
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # the server fetches weights; a worker needs no key
DIED_TWICE = (
    "The program ended twice while it looked at this file. It may be too large for the memory of this computer: "
    "crop it or save it at a lower resolution."
)
NO_START = "The part of the program that runs the network does not start; the server's log says why."


@dataclass(frozen=True)
class Failed:
    """A picture that could not be segmented, and why."""

    name: str
    reason: str


class _Process:
    """One life of the worker."""

    def __init__(self, command: tuple[str, ...]) -> None:
        env = {name: value for name, value in os.environ.items() if name not in SECRETS}
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=env)  # noqa: S603, our own command
        self.line = Line(Answer, cast("BinaryIO", self.popen.stdout), cast("BinaryIO", self.popen.stdin))
        self.tasks: dict[int, queue.SimpleQueue[tuple[Answer, bytes] | None]] = {}  # None: it died
        self.hello: Answer | None = None
        self.greeted = threading.Event()  # or dead
        self.dead = self.unwanted = False
        self.lock = threading.Lock()
        self._heard = 0  # answers
        self._ended = threading.Event()
        threading.Thread(target=self._listen, name="bccseg-worker", daemon=True).start()
        threading.Thread(target=self._watch, name="bccseg-worker-watch", daemon=True).start()

    def _listen(self) -> None:
        try:
            while found := self.line.receive():
                self._heard += 1
                if found[0].kind == "hello":
                    self.hello = found[0]
                    self.greeted.set()
                elif task := self.tasks.get(found[0].task):
                    task.put(found)
        except (OSError, ValueError):
            log.warning("a worker's answers cannot be read")
        with self.lock:
            self.dead = True
            for task in self.tasks.values():
                task.put(None)
        self.greeted.set()
        self._ended.set()
        self.popen.kill()
        code = self.popen.wait()
        self.line.close()
        if code and not self.unwanted:
            log.warning("a worker ended (%s)", code)

    def _watch(self) -> None:
        """End a process that stands still, as if it had died. Looks are counted, not seconds: a computer that was
        asleep has not been waiting.
        """
        heard, looks = 0, 0
        while not self._ended.wait(WORKER_PULSE_SECONDS):
            heard, looks = self._heard, looks + 1 if heard == self._heard else 0
            if looks * WORKER_PULSE_SECONDS > WORKER_SILENT_SECONDS:
                log.warning("a worker stands still and is ended")
                self.popen.kill()

    def open(self, order: Order, body: bytes) -> "queue.SimpleQueue[tuple[Answer, bytes] | None]":
        """Begin a task; its answers come through the queue."""
        answers: queue.SimpleQueue[tuple[Answer, bytes] | None] = queue.SimpleQueue()
        with self.lock:
            self.tasks[order.task] = answers
            if self.dead:
                answers.put(None)
        self.send(order, body)
        return answers

    def send(self, order: Order, body: bytes = b"") -> None:
        """A process that is gone is noticed by the thread that listens."""
        try:
            self.line.send(order, body)
        except (OSError, ValueError):
            log.info("a worker is gone")


class Worker:
    """One device's worker. Safe for many threads."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        self.command = command
        self._process: _Process | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._open = 0  # tasks, but for suspects
        self._suspects = 0  # tasks that were open when a worker died, one of which is open
        self._trying = False  # whether a suspect is open

    def devices(self) -> tuple[str, ...]:
        """Those it has, first the one that "auto" takes. Waits until it has started. Raises WorkerError."""
        process = self._alive()
        process.greeted.wait()
        if process.hello is None:
            raise WorkerError(NO_START)
        return process.hello.devices

    def load(self, network: Network) -> str:
        """Load a network beforehand; the device it runs on, for people. Raises WeightsError, WorkerError."""
        for answer, _ in self._ask(Order(kind="load", task=0, network=network)):
            if answer.kind == "loaded":
                return answer.text
            if answer.kind == "error":
                raise WeightsError(answer.text)
        raise WorkerError(NO_START)

    def segment(
        self, entry: Entry, network: Network, settings: SegmentSettings, *,
        visitor: str = "", pixel_size_um: float | None = None, taken: set[str] | None = None,
        on_progress: Callable[[float], None] = lambda _share: None,
    ) -> Iterator[StoredResult | Failed]:  # fmt: skip
        """A result or a failure for each picture of a file.

        visitor: turns go round between them. taken: file stems in use, lower case; those of the results are added.
        on_progress: called with the finished share of the picture, several times a second; it may raise Stopped.
        Raises WorkerError if the worker can't be started, WeightsError if its weights can't be had any more.
        """
        taken = set() if taken is None else taken
        order = Order(kind="segment", task=0, network=network, visitor=visitor, name=entry.name, settings=settings,
                      pixel_size_um=pixel_size_um, taken=tuple(sorted(taken)))  # fmt: skip
        for answer, body in self._ask(order, entry.data, on_progress):
            if answer.kind == "result":
                found = unpack(Found, body)
                taken.add(found.measured.stem.lower())
                yield StoredResult(found.measured, entry.data, found.labels)
            elif answer.kind == "failure":
                yield Failed(answer.name, answer.text)
            elif answer.kind == "error":
                raise WeightsError(answer.text)

    def close(self) -> None:
        """End the process."""
        with self._changed:
            self._closed, process, self._process = True, self._process, None
        if process:
            process.unwanted = True
            process.popen.kill()
            process.popen.wait()

    @property
    def pid(self) -> int | None:
        """Of its process; None if there is none."""
        return self._process.popen.pid if self._process and not self._process.dead else None

    # --- tasks

    def _ask(
        self, order: Order, body: bytes = b"", on_progress: Callable[[float], None] = lambda _share: None
    ) -> Iterator[tuple[Answer, bytes]]:
        """Answers of a task, but for its progress. A worker that dies is started again, once for each task."""
        given = 0  # pictures of the file that are done
        for life in range(2):
            share = 0.0
            with self._place(lambda: on_progress(share), suspect=life > 0):  # noqa: B023
                process = self._alive()
                task = order.replace(task=next(self._numbers))
                answers, answer, number = process.open(task, body), None, 0
                try:
                    while answer is None or not answer.last:
                        try:
                            found = answers.get(timeout=POLL_SECONDS)
                        except queue.Empty:
                            on_progress(share)
                            continue
                        if found is None:
                            break
                        answer = found[0]
                        if answer.kind == "share":
                            share = answer.share
                            on_progress(share)
                            continue
                        if answer.kind in {"result", "failure"}:
                            number += 1
                            if number <= given:  # the worker before had come so far
                                continue
                            given = number
                        yield found
                        share = 0.0
                    else:
                        return
                finally:
                    process.tasks.pop(task.task, None)
                    if not (process.dead or (answer and answer.last)):
                        process.send(Order(kind="stop", task=task.task))
            log.warning("a worker died; its task is taken up again")
        if process.hello is None:
            raise WorkerError(NO_START)
        yield Answer(kind="failure", name=order.name, text=DIED_TWICE), b""

    def _alive(self) -> _Process:
        with self._changed:
            if self._closed:
                raise WorkerError("The server is ending.")
            if self._process is None or self._process.dead:
                self._process = _Process(self.command)
            return self._process

    @contextmanager
    def _place(self, look: Callable[[], None], *, suspect: bool) -> Iterator[None]:
        """Wait until a task may be opened. Those that were open when a worker died are tried one by one, and others
        wait meanwhile: so it is known which one kills it, and no other is blamed.
        """
        with self._changed:
            self._suspects += suspect
            try:
                while self._trying or (self._open if suspect else self._suspects):
                    self._changed.wait(POLL_SECONDS)
                    look()  # may raise Stopped
            except BaseException:
                self._suspects -= suspect
                self._changed.notify_all()
                raise
            self._trying = suspect
            self._open += not suspect
        try:
            yield
        finally:
            with self._changed:
                self._suspects -= suspect
                self._open -= not suspect
                self._trying = self._trying and not suspect
                self._changed.notify_all()
