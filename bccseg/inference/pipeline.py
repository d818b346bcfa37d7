"""Many files in several processes: decoding, network, cells and measures of one overlap with those of others.

Each process has a network of its own and takes one file after the other; files, pictures and labels travel through
shared memory. Results come in the order of the files.
"""

import logging
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Self

import numpy as np

from bccseg.config import LARGE_MEGAPIXELS, LARGE_PICTURES_AT_ONCE, SegmentSettings
from bccseg.errors import Stopped
from bccseg.inference.alike import First
from bccseg.inference.batch import Failure
from bccseg.inference.pipeline_worker import Job, Shared, Start, work
from bccseg.io.archive import Entry, expand, is_zip, unique
from bccseg.io.images import count_pixels
from bccseg.model.weights import load_weights
from bccseg.report.result import ImageResult

log = logging.getLogger("bccseg")

ENDED = (
    "The program ended twice while it looked at this file. It may be too large for this computer: crop it, or use "
    "fewer processes."
)
MEMORY_GB = 1.5  # of a process with its network and a few pictures
AHEAD = 3  # files a process that may be done before the one that is waited for
LOOK_SECONDS = 0.2  # between two looks at whether somebody asked to stop
END_SECONDS = 5.0  # that a process has to end by itself

Outcome = ImageResult | Failure


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fitting_processes(files: int) -> int:
    """How many processes a batch of so many files is worth: one a core, as far as the memory goes."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):  # Windows does not say
        memory = 8.0
    return max(1, min(usable_cores(), files, int(memory / 2 / MEMORY_GB)))


class _Process:
    """A process, what it is at, and the line to it."""

    def __init__(self, context: Any, start: Start, stop: Any) -> None:
        self.line, other = context.Pipe()
        self.job: Job | None = None
        self.process = context.Process(target=work, args=(start, other, stop), daemon=True)
        self.process.start()
        other.close()  # so that the line ends with the process

    def end(self) -> None:
        """End it, and free the shared memory of what nobody waits for."""
        until = time.monotonic() + END_SECONDS
        try:
            while self.job and self.line.poll(max(0.0, until - time.monotonic())):
                self.line.recv().outcome()
        except (EOFError, OSError):
            pass
        self.line.close()
        self.process.join(max(0.1, until - time.monotonic()))
        self.process.kill()


class Pipeline:
    """Processes that segment files. A context manager; they end with it.

    A script that uses it needs the usual `if __name__ == "__main__":`, because each process reads the script anew.
    """

    def __init__(
        self,
        weights: Path,
        source: str,
        settings: SegmentSettings,
        pixel_size_um: float | None = None,
        *,
        processes: int,
        device: str = "auto",
        one_magnification: bool = False,
    ) -> None:
        """weights, source: as `model.weight_sources.locate` gives them. one_magnification: the diameter that is
        measured in the first file holds for those that look like it; see `segment_entries`. Raises WeightsError.
        """
        load_weights(weights, source)  # what is wrong with them is said here, not by processes that end
        threads = max(1, usable_cores() // processes)
        self._start = Start(weights, source, device, threads, settings, pixel_size_um)
        self._context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        self._stop = self._context.Event()
        self._one_magnification = one_magnification and settings.diameter_px is None
        self._processes = [self._new() for _ in range(processes)]

    def _new(self) -> _Process:
        return _Process(self._context, self._start, self._stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._processes:
            one.end()

    def __call__(
        self,
        entries: Iterable[Entry],
        taken: set[str] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[int, Outcome]]:
        """The number of its file, from 0, and a result or a failure for each picture, in order.

        taken: as for `segment_entries`. Raises Stopped within a tile once `stopped` says so. A file with which a
        process ends is tried once more, then fails; the others go on. Who does not read to the end ends the pipeline.
        """
        if self._stop.is_set():
            raise Stopped("Stopped.")
        batch = _Batch(entries, AHEAD * len(self._processes), one_magnification=self._one_magnification)
        try:
            yield from self._run(batch, set() if taken is None else taken, stopped)
        finally:
            if not batch.over:
                self._stop.set()
            batch.close()

    def _run(self, batch: "_Batch", taken: set[str], stopped: Callable[[], bool]) -> Iterator[tuple[int, Outcome]]:
        while True:
            for one in self._processes:
                if one.job is None and (job := batch.next_job()):
                    one.job = job
                    with suppress(OSError):  # a process that ended while it was idle: `_hear` notices
                        one.line.send(job)
            for file, outcome in batch.in_order():
                named = outcome if isinstance(outcome, Failure) else replace(outcome, stem=unique(outcome.stem, taken))
                yield file, named
            at_work = {one.line: one for one in self._processes if one.job}
            if not at_work and batch.over:
                return
            if stopped():
                raise Stopped("Stopped.")
            for line in wait(list(at_work), LOOK_SECONDS):
                self._hear(at_work[line], batch)  # type: ignore[index]  (wait gives back what it was given)

    def _hear(self, one: _Process, batch: "_Batch") -> None:
        assert one.job is not None
        try:
            told = one.line.recv()
        except (EOFError, OSError):
            log.warning("a process ended while it looked at %r", one.job.name)
            batch.lost(one.job)
            one.end()
            self._processes[self._processes.index(one)] = self._new()
            return
        if told.result is not None:
            batch.add(one.job, told.outcome(), told.first)
        else:
            batch.finish(one.job)
            one.job = None


class _Batch:
    """What waits, what is under way, and what is done but not given yet."""

    def __init__(self, entries: Iterable[Entry], ahead: int, *, one_magnification: bool) -> None:
        self._jobs, self._again, self._ahead = self._all(entries), deque[Job](), ahead
        self._open: dict[int, Job] = {}
        self._found: dict[int, list[Outcome]] = {}  # of jobs that are not given to the end
        self._heard: dict[int, int] = {}  # pictures of a job in this attempt, and ...
        self._given: dict[int, int] = {}  # ... those that were passed on, in whichever attempt
        self._finished: set[int] = set()
        self._lost: set[int] = set()
        self._files: dict[int, int] = {}  # of jobs
        self._turn, self._issued, self._exhausted = 0, 0, False
        self._one_magnification, self._first = one_magnification, None

    @staticmethod
    def _all(entries: Iterable[Entry]) -> Iterator[tuple[int, Entry]]:
        for file, entry in enumerate(entries):
            for inner in expand(entry.name, entry.data) if is_zip(entry.data) else [entry]:
                yield file, inner

    @property
    def over(self) -> bool:
        """Whether all is given."""
        return self._exhausted and not self._open and not self._again and self._turn == self._issued

    def next_job(self) -> Job | None:
        """Something to do; None while there is nothing, or enough is under way."""
        if not self._again:
            self._fetch()
        large = sum(job.large for job in self._open.values())
        if not self._again or (self._again[0].large and large >= LARGE_PICTURES_AT_ONCE):
            return None
        job = self._again.popleft()._replace(first=self._first)
        self._open[job.number], self._heard[job.number] = job, 0
        return job

    def _fetch(self) -> None:
        waits = self._one_magnification and self._issued > 0 and self._turn == 0 and 0 not in self._finished
        if self._exhausted or waits or self._issued - self._turn >= self._ahead:
            return
        found = next(self._jobs, None)
        if found is None:
            self._exhausted = True
            return
        file, entry = found
        large = count_pixels(entry.data) > LARGE_MEGAPIXELS * 1e6
        data = None if entry.error else Shared.put(np.frombuffer(entry.data, np.uint8))
        self._again.append(Job(self._issued, entry.name, data, entry.error, large=large))
        self._files[self._issued], self._found[self._issued], self._given[self._issued] = file, [], 0
        self._issued += 1

    def add(self, job: Job, outcome: Outcome, first: "First | None") -> None:
        """A picture of a job is done."""
        self._heard[job.number] += 1
        if self._heard[job.number] > self._given[job.number] + len(self._found[job.number]):
            self._found[job.number].append(outcome)
        if self._one_magnification and job.number == 0 and self._first is None:
            self._first = first

    def finish(self, job: Job) -> None:
        """All pictures of a job are done."""
        del self._open[job.number]
        self._finished.add(job.number)
        _free(job)

    def lost(self, job: Job) -> None:
        """The process that was at a job has ended."""
        if job.number not in self._lost:
            self._lost.add(job.number)
            del self._open[job.number]
            self._again.appendleft(job)
            return
        self._found[job.number].append(Failure(job.name, ENDED))
        self.finish(job)

    def in_order(self) -> Iterator[tuple[int, Outcome]]:
        """What can be given by now."""
        while self._turn < self._issued:
            number = self._turn
            while self._found[number]:
                self._given[number] += 1
                yield self._files[number], self._found[number].pop(0)
            if number not in self._finished:
                return
            self._turn += 1
            for kept in (self._found, self._heard, self._given, self._files):
                kept.pop(number, None)

    def close(self) -> None:
        """Free what nobody takes any more."""
        for job in (*self._open.values(), *self._again):
            _free(job)


def _free(job: Job) -> None:
    if job.data:
        job.data.free()
