"""What a process of the pipeline does: files in, results out, pixels through shared memory."""

import contextlib
import logging
import os
import shutil
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError, ImageError, Stopped
from bccseg.inference.alike import First
from bccseg.inference.batch import Failure, segment_entries
from bccseg.io.archive import Entry
from bccseg.report.result import ImageResult, MeasuredImage

log = logging.getLogger("bccseg")

BROKEN = "Something went wrong inside bccseg with this file; the log says what."
SHARED = Path("/dev/shm")  # noqa: S108  (where POSIX keeps shared memory; containers often have little of it)


@dataclass(frozen=True)
class Start:
    """What a process needs to know once."""

    weights: Path
    source: str
    device: str
    threads: int
    settings: SegmentSettings
    pixel_size_um: float | None


class Shared(NamedTuple):
    """An array in shared memory, or, where there is no room for it, its bytes."""

    name: str
    raw: bytes
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def put(cls, array: NDArray[Any]) -> "Shared":
        """Copy an array there; whoever takes it frees it."""
        array = np.ascontiguousarray(array)
        if not array.nbytes or (SHARED.is_dir() and shutil.disk_usage(SHARED).free < 8 * array.nbytes):
            return cls("", array.tobytes(), array.shape, array.dtype.str)
        block = SharedMemory(create=True, size=array.nbytes)
        np.ndarray(array.shape, array.dtype, block.buf)[...] = array
        block.close()
        return cls(block.name, b"", array.shape, array.dtype.str)

    def copy(self) -> NDArray[Any]:
        """The array, the caller's own."""
        if not self.name:
            return np.frombuffer(bytearray(self.raw), self.dtype).reshape(self.shape)
        block = SharedMemory(self.name)
        try:
            return np.ndarray(self.shape, self.dtype, block.buf).copy()
        finally:
            block.close()

    def free(self) -> None:
        """Give the shared memory back."""
        if self.name:
            with contextlib.suppress(FileNotFoundError):
                block = SharedMemory(self.name)
                block.close()
                block.unlink()

    def take(self) -> NDArray[Any]:
        """The array, the caller's own; the shared memory is free then."""
        array = self.copy()
        self.free()
        return array


class Job(NamedTuple):
    """One file. first: see `segment_entries`."""

    number: int
    name: str
    data: Shared | None
    error: ImageError | None = None
    first: First | None = None
    large: bool = False  # in megapixels


class Told(NamedTuple):
    """A picture of a file that is done, or a failure; without either the file is."""

    number: int
    result: MeasuredImage | Failure | None
    image: Shared | None = None
    labels: Shared | None = None
    first: First | None = None  # what the picture would be to a batch that begins with it

    def outcome(self) -> ImageResult | Failure | None:
        """With its pixels."""
        if isinstance(self.result, MeasuredImage) and self.image and self.labels:
            return self.result.with_pixels(self.image.take(), self.labels.take())
        return self.result if isinstance(self.result, Failure) else None


class _NoNames(set):  # type: ignore[type-arg]
    """Stems are kept apart by who sees them all."""

    def add(self, name: str) -> None:
        """Remember nothing."""


def work(start: Start, line: Connection, stop: Event) -> None:
    """Take one file after the other until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for who started this
    import cv2
    import torch

    from bccseg.inference.predictor import Predictor
    from bccseg.model.weights import load_weights

    torch.set_num_threads(start.threads)
    cv2.setNumThreads(start.threads)
    predictor = Predictor(load_weights(start.weights, start.source), start.device)

    def tell(_share: float) -> None:
        if stop.is_set():
            raise Stopped("Stopped.")

    with contextlib.suppress(EOFError, OSError, Stopped):
        while True:
            job: Job = line.recv()
            entry = Entry(job.name, job.data.copy().tobytes() if job.data else b"", job.error)
            try:
                for outcome in segment_entries(
                    [entry], predictor, start.settings, start.pixel_size_um, tell, _NoNames(), job.first
                ):
                    line.send(_told(job.number, outcome))
            except Stopped:
                raise
            except BccsegError as error:
                line.send(Told(job.number, Failure(job.name, str(error))))
            except Exception:
                log.exception("a file failed")
                line.send(Told(job.number, Failure(job.name, BROKEN)))
            line.send(Told(job.number, None))
    os._exit(0)  # at once, whatever threads a library has left


def _told(number: int, outcome: ImageResult | Failure) -> Told:
    if isinstance(outcome, Failure):
        return Told(number, outcome)
    first = First.of(outcome)
    return Told(number, outcome.without_pixels(), Shared.put(outcome.image), Shared.put(outcome.labels), first)
