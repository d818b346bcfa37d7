"""Counting a slide in a process of its own (`background`), which goes on with no page open. One slide after the other.

request.json            what was asked
progress.json           how far it is
process/                see `background`
and all that `job` and `results` write
"""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from filelock import FileLock, Timeout

from bccseg.background import BackgroundProcess
from bccseg.errors import BccsegError, Stopped, StoreError
from bccseg.files import write_atomically
from bccseg.slides.job import JobFolder, SlideJob, SlidePart
from bccseg.slides.request import SlideRequest, count_slide
from bccseg.slides.segmenting import SlideStep, Stage

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor

log = logging.getLogger("bccseg")
TURN_POLL_SECONDS = 1.0
TROUBLE = "Something went wrong inside bccseg; process/console.log of this count says what."


class SlideProgress(SlidePart):
    """progress.json."""

    title = "progress"

    stage: Stage = "waiting"
    done: int = 0  # blocks
    total: int = 0
    cells: int = 0
    seconds_left: float | None = None
    failure: str = ""  # why it ended
    finished: bool = False

    @property
    def share(self) -> float:
        """Of the blocks, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class SlideRun:
    """One count of a slide."""

    def __init__(self, slide: Path, folder: Path) -> None:
        self.slide, self.folder = slide, folder
        self.process = BackgroundProcess(folder / "process")

    @property
    def number(self) -> str:
        """Its name among the counts of a slide."""
        return self.folder.name

    @property
    def request(self) -> SlideRequest:
        """What was asked. Raises StoreError."""
        try:
            return SlideRequest.from_json((self.folder / "request.json").read_bytes())
        except OSError as error:
            raise StoreError(
                f"The count {self.number} of {self.slide.name} cannot be read ({error.strerror})."
            ) from error

    @property
    def progress(self) -> SlideProgress:
        """How far it is, or was when it ended."""
        try:
            return SlideProgress.from_json((self.folder / "progress.json").read_bytes())
        except (OSError, StoreError):
            return SlideProgress()

    @property
    def job(self) -> SlideJob | None:
        """What was found out before the first block; None before."""
        return JobFolder(self.folder).job()

    @property
    def running(self) -> bool:
        """Whether a process is at it."""
        return self.process.running

    @property
    def waits(self) -> bool:
        """Whether it was cut off, and goes on when it is started."""
        progress = self.progress
        return not (progress.finished or progress.failure or self.process.stopped or self.running)

    def start(self) -> bool:
        """Begin or go on in a process of its own; whether this call began one. Raises StoreError."""

        def prepare() -> None:
            fresh = self.progress.replace(stage="waiting", failure="", seconds_left=None)
            write_atomically(self.folder / "progress.json", fresh.to_json())

        try:
            command = ["slide", str(self.slide.resolve()), "--out", str(self.folder.resolve()), "--background"]
            return self.process.start(command, prepare)
        except OSError as error:
            raise StoreError(
                f"Counting cannot begin ({error.strerror}). Make room on the disk, then try again."
            ) from error

    def stop(self) -> None:
        """Ask it to stop, after the block under way. Raises StoreError."""
        try:
            self.process.stop()
        except OSError as error:
            raise StoreError(f"It cannot be stopped ({error.strerror}).") from error

    def delete(self) -> None:
        """Delete it with all its results. Raises StoreError while it runs."""
        if self.running:
            raise StoreError("Stop it first.")
        shutil.rmtree(self.folder, ignore_errors=True)

    def summary(self) -> pd.DataFrame | None:
        """A row a region; None before it is finished."""
        if not self.progress.finished:
            return None
        return pd.read_csv(self.folder / "summary.csv")

    def work(self, load: Callable[[SlideRequest], "Predictor"]) -> None:
        """For the process itself: wait for its turn, count, and leave word of how it ended. Raises what went wrong."""
        lock, progress = self.process.take_lock(), SlideProgress()

        def note(step: SlideStep) -> None:
            nonlocal progress
            if self.process.stopped:
                raise Stopped("Stopped.")
            known = {"done": step.done, "total": step.total, "cells": step.cells} if step.stage == "blocks" else {}
            keep(stage=step.stage, seconds_left=step.seconds_left, **known)

        def keep(**values: object) -> None:
            nonlocal progress
            progress = progress.replace(**values)
            write_atomically(self.folder / "progress.json", progress.to_json())

        turn = FileLock(self.folder.parents[1] / "turn.lock")
        try:
            _wait(turn, lambda: note(SlideStep("waiting")))
            note(SlideStep("looking"))
            request = self.request
            count_slide(self.slide, self.folder, request, load(request), note)
            keep(finished=True)
        except Stopped:
            keep(seconds_left=None)
            raise
        except BccsegError as error:
            keep(failure=str(error))
            raise
        except Exception:
            keep(failure=TROUBLE)
            raise
        finally:
            turn.release(force=True)
            lock.release()


def _wait(turn: FileLock, look: Callable[[], None]) -> None:
    """Take a lock that others hold for hours. look: called meanwhile; may raise."""
    while not turn.is_locked:
        look()
        try:
            turn.acquire(timeout=0)
        except Timeout:
            time.sleep(TURN_POLL_SECONDS)
