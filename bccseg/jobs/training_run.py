"""Training runs as processes of their own: they outlive the page, a reload, and a restart of the server.

<runs>/<id>/job.json        what was asked for
progress.json   state, epoch, step, loss, images a second; written anew every second
control         "pause", "cancel", or nothing; read between steps
console.log     what the process said
config.json, log.jsonl, checkpoint.pt, best.safetensors, preview.png, weights/   see `loop`
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from bccseg.annotation.records import MAX_NAME, MAX_TEXT, clean_text, now, validate_id
from bccseg.config import TrainConfig
from bccseg.errors import StoreError, TrainingError
from bccseg.files import write_atomically

State = Literal["queued", "preparing", "training", "paused", "done", "cancelled", "failed", "lost"]
RUN_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}")
ACTIVE_STATES: tuple[State, ...] = ("queued", "preparing", "training", "paused")
SILENT_SECONDS = 30.0  # a living run that wrote nothing for so long has died
DIED = (
    "The process ended without a word (killed, or the computer was switched off). Resume goes on from the last epoch."
)


@dataclass(frozen=True)
class JobSpec:
    """What a run was asked to do."""

    name: str
    sources: tuple[str, ...]  # as `sources.gather_training_data` takes them
    config: TrainConfig
    device: str = "auto"
    created: str = ""
    preset: str = ""
    base: str = ""  # base training set to mix in


@dataclass(frozen=True)
class JobProgress:
    """How far a run is."""

    state: State = "queued"
    message: str = ""
    epoch: int = 0  # finished
    epochs: int = 0
    step: int = 0  # of the epoch under way
    steps: int = 0
    loss: float | None = None
    images_per_second: float | None = None
    device: str = ""
    memory_mb: float | None = None  # of the process
    out_of_memory: bool = False
    warnings: list[str] = field(default_factory=list)
    written: float = 0.0  # seconds since 1970
    pid: int = 0

    @property
    def share(self) -> float:
        """Finished share of the run, 0 to 1."""
        if not self.epochs:
            return 0.0
        return min(1.0, (self.epoch + (self.step / self.steps if self.steps else 0)) / self.epochs)


class Run:
    """One run in its folder, as a page or the process itself sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def spec(self) -> JobSpec:
        """What was asked for. Raises TrainingError."""
        try:
            values = json.loads((self.folder / "job.json").read_bytes())
            sources = tuple(map(str, values["sources"]))
            return JobSpec(**{**values, "sources": sources, "config": TrainConfig.from_dict(values["config"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise TrainingError(f"The run '{self.id}' cannot be read ({error}).") from error

    @property
    def progress(self) -> JobProgress:
        """How far it is; a run that should live but has fallen silent is "lost"."""
        try:
            found = JobProgress(**json.loads((self.folder / "progress.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return JobProgress("cancelled", "It was not begun.")
        if found.state in ACTIVE_STATES and found.written and time.time() - found.written > SILENT_SECONDS:
            return replace(found, state="lost", message=DIED)
        return found

    @property
    def reports(self) -> list[dict[str, Any]]:
        """A line an epoch, oldest first; see `loop.EpochReport`."""
        path = self.folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def weights(self) -> Path | None:
        """Folder of the finished weights."""
        folder = self.folder / "weights"
        return folder if (folder / "config.json").exists() else None

    def console(self, lines: int = 30) -> str:
        """The last lines the process wrote."""
        path = self.folder / "console.log"
        if not path.exists():
            return ""
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    @property
    def notes(self) -> str:
        """What people wrote about the run."""
        path = self.folder / "notes.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def write_notes(self, text: str) -> None:
        """Replace the notes."""
        write_atomically(self.folder / "notes.txt", clean_text(text, MAX_TEXT).encode())

    def say(self, command: Literal["pause", "cancel", ""]) -> None:
        """Tell the process to pause, to end, or ("") to go on. It obeys between two steps."""
        write_atomically(self.folder / "control", command.encode())

    @property
    def told(self) -> str:
        """What the process was told last."""
        path = self.folder / "control"
        return path.read_text() if path.exists() else ""

    def start(self) -> int:
        """Begin, or go on from the last epoch, in a process of its own; its id. Raises TrainingError if it runs."""
        if self.progress.state in ACTIVE_STATES and self.progress.pid:
            raise TrainingError("This run is under way already.")
        self.say("")
        self.tell(JobProgress("queued", epochs=self.spec.config.epochs, epoch=len(self.reports)))
        detached: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
        root = Path(__file__).resolve().parents[2]
        with (self.folder / "console.log").open("ab") as console:
            process = subprocess.Popen(  # noqa: S603, our own command
                [sys.executable, "-m", "bccseg", "train", "--job", str(self.folder.resolve())],
                cwd=root, stdin=subprocess.DEVNULL, stdout=console, stderr=console, **detached,
            )  # fmt: skip
        threading.Thread(target=process.wait, name="bccseg-reap", daemon=True).start()  # leaves no zombie behind
        return process.pid

    def tell(self, progress: JobProgress) -> None:
        """Write how far the run is; for its own process."""
        write_atomically(
            self.folder / "progress.json", json.dumps(asdict(replace(progress, written=time.time()))).encode()
        )

    def delete(self) -> None:
        """Forget a run that is not under way. Raises TrainingError."""
        if self.progress.state in ACTIVE_STATES:
            raise TrainingError("This run is under way. Cancel it first.")
        shutil.rmtree(self.folder, ignore_errors=True)


def create_run(runs: Path, spec: JobSpec, uploads: Iterable[bytes] = ()) -> Run:
    """A new run in the folder `runs`; `start` begins it. uploads: zips that are sources too; they are kept with it."""
    time_ = now()
    folder = runs / f"{time_:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"  # sorts by time: the queue goes by it
    folder.mkdir(parents=True)
    for k, content in enumerate(uploads):
        path = folder / f"upload{k}.zip"
        write_atomically(path, content)
        spec = replace(spec, sources=(*spec.sources, str(path)))
    values = {**asdict(replace(spec, name=clean_text(spec.name, MAX_NAME) or "run", created=time_.isoformat()))}
    values["config"] = spec.config.to_dict()
    write_atomically(folder / "job.json", json.dumps(values).encode())
    return Run(folder)


def open_run(runs: Path, run: str) -> Run:
    """The run of that id. Raises TrainingError."""
    try:
        folder = runs / validate_id(RUN_ID, run, "a run")
    except StoreError as error:
        raise TrainingError(str(error)) from error
    if not (folder / "job.json").exists():
        raise TrainingError("That run is not here any more.")
    return Run(folder)


def all_runs(runs: Path) -> list[Run]:
    """Every run, newest first."""
    folders = [p for p in runs.iterdir() if RUN_ID.fullmatch(p.name)] if runs.is_dir() else []
    return [Run(p) for p in sorted(folders, reverse=True) if (p / "job.json").exists()]
