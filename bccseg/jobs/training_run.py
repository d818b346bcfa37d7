"""Training runs as processes of their own: they outlive the page, a reload, and a restart of the server.

<runs>/<id>/job.json        what was asked for
process.json    the process that was started last; written by who starts it
progress.json   state, epoch, step, loss, images a second; written by that process alone, every second
*.lock          who starts the process, and the process itself: there is one of each at a time
hub_job.json    the job on Hugging Face, where it trains there
control         "pause", "cancel", or nothing; read between steps
console.log     what the process printed
notes.txt       what people wrote about the run
config.json, log.jsonl, checkpoint.pt, best.safetensors, preview.png, weights/   see `training.checkpoint`
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from bccseg.annotation.records import MAX_NAME, MAX_TEXT, clean_text, now
from bccseg.errors import BccsegError, TrainingError
from bccseg.files import write_atomically
from bccseg.jobs.records import ACTIVE_STATES, HubJob, JobProgress, JobSpec, Signal, StartedProcess
from bccseg.schema import Schema
from bccseg.training.epoch_log import EpochReport, best_epoch, read_epochs

RUN_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}")
SILENT_SECONDS = 30.0  # a living run that wrote nothing for so long has died
DIED = (
    "The process ended without a word (killed, or the computer was switched off). Resume goes on from the last epoch."
)
DIED_LOOKING = "The process that looked on at the job on Hugging Face ended. The job itself goes on: look on again."


@dataclass(frozen=True)
class RunSnapshot:
    """A run as it was at one moment; every file read once."""

    run: "Run"
    spec: JobSpec
    progress: JobProgress
    epochs: list[EpochReport]  # oldest first
    signal: str
    notes: str
    weights: Path | None  # folder of the finished weights

    @property
    def id(self) -> str:
        """Name of the run's folder."""
        return self.run.id

    @property
    def active(self) -> bool:
        """Whether it waits, trains or pauses."""
        return self.progress.state in ACTIVE_STATES

    @property
    def best(self) -> EpochReport | None:
        """The epoch of the lowest validation loss."""
        return best_epoch(self.epochs)


class Run:
    """One run in its folder, as a page or the process itself sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    def snapshot(self) -> RunSnapshot:
        """Everything a page shows of the run. Raises TrainingError."""
        return RunSnapshot(
            self, self.spec, self.progress, read_epochs(self.folder), self.signal, self._text("notes.txt"), self.weights
        )

    @property
    def spec(self) -> JobSpec:
        """What was asked for. Raises TrainingError."""
        try:
            return JobSpec.from_json((self.folder / "job.json").read_bytes())
        except (OSError, BccsegError) as error:
            raise TrainingError(f"The run '{self.id}' cannot be read. {error}") from error

    @property
    def progress(self) -> JobProgress:
        """How far it is; a run that should live but has fallen silent is "lost"."""
        found, process = self._read("progress.json", JobProgress), self._read("process.json", StartedProcess)
        if process and process.started > (found.written if found else 0):  # it has not written yet
            found = (found or JobProgress()).replace(
                state="queued", message="Starting", out_of_memory=False, written=process.started, pid=process.pid
            )
        if found is None:
            return JobProgress(state="cancelled", message="It was not begun.")
        if found.state in ACTIVE_STATES and found.written and time.time() - found.written > SILENT_SECONDS:
            return found.replace(state="lost", message=DIED if self.hub_job is None else DIED_LOOKING)
        return found

    @property
    def hub_job(self) -> HubJob | None:
        """The job that trains it on Hugging Face, once there is one."""
        found: HubJob | None = self._read("hub_job.json", HubJob)
        return found

    @property
    def weights(self) -> Path | None:
        """Folder of the finished weights."""
        folder = self.folder / "weights"
        return folder if (folder / "config.json").exists() else None

    def console(self, lines: int = 30) -> str:
        """The last lines the process printed."""
        return "\n".join(self._text("console.log").splitlines()[-lines:])

    def write_notes(self, text: str) -> None:
        """Replace the notes."""
        write_atomically(self.folder / "notes.txt", clean_text(text, MAX_TEXT).encode())

    def send_signal(self, signal: Signal) -> None:
        """Ask the process to pause, to end, or ("") to go on. It follows between two steps."""
        write_atomically(self.folder / "control", signal.encode())

    @property
    def signal(self) -> str:
        """What the process was asked last."""
        return self._text("control")

    def start(self, *, follow: bool = False) -> int:
        """Begin, or go on from the last epoch, in a process of its own; its id. Raises TrainingError if it runs.

        follow: only look on at the job that trains it on Hugging Face; otherwise a job that has ended is begun anew.
        """
        with FileLock(self.folder / "start.lock"):  # two people may press Resume at once
            progress = self.progress
            if progress.state in ACTIVE_STATES and progress.pid:
                raise TrainingError("This run is under way already.")
            self.send_signal("")
            if not follow:
                (self.folder / "hub_job.json").unlink(missing_ok=True)
            started = time.time()  # before it can write
            process = self._launch()
            kept = StartedProcess(pid=process.pid, started=started)
            write_atomically(self.folder / "process.json", kept.to_json())
        threading.Thread(target=process.wait, name="bccseg-reap", daemon=True).start()  # leaves no zombie behind
        return process.pid

    def _launch(self) -> "subprocess.Popen[bytes]":
        detached: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
        with (self.folder / "console.log").open("ab") as console:
            return subprocess.Popen(  # noqa: S603, our own command
                [sys.executable, "-m", "bccseg", "train", "--job", str(self.folder.resolve())],
                cwd=Path(__file__).resolve().parents[2], stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                **detached,
            )  # fmt: skip

    def delete(self) -> None:
        """Forget a run that is not under way. Raises TrainingError."""
        if self.progress.state in ACTIVE_STATES:
            raise TrainingError("This run is under way. Cancel it first.")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _read(self, name: str, kind: type[Schema]) -> Any:
        """A record of the run; None where there is none, or none that can be read."""
        try:
            return kind.from_json((self.folder / name).read_bytes())
        except (OSError, BccsegError):
            return None


def create_run(runs: Path, spec: JobSpec, uploads: Iterable[bytes] = ()) -> Run:
    """A new run in the folder `runs`; `start` begins it. uploads: zips that are sources too; they are kept with it."""
    time_ = now()
    folder = runs / f"{time_:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"  # sorts by time: the queue goes by it
    folder.mkdir(parents=True)
    for k, content in enumerate(uploads):
        path = folder / f"upload{k}.zip"
        write_atomically(path, content)
        spec = spec.replace(sources=(*spec.sources, str(path)))
    spec = spec.replace(name=clean_text(spec.name, MAX_NAME) or "run", created=time_.isoformat())
    write_atomically(folder / "job.json", spec.to_json())
    return Run(folder)


def all_runs(runs: Path) -> list[Run]:
    """Every run, newest first."""
    folders = [p for p in runs.iterdir() if RUN_ID.fullmatch(p.name)] if runs.is_dir() else []
    return [Run(p) for p in sorted(folders, reverse=True) if (p / "job.json").exists()]
