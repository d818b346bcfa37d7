"""Weights of this server's own training that were made the app's: which, which before, and the way back."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bccseg.errors import TrainingError, WeightsError
from bccseg.files import write_atomically
from bccseg.jobs.training_run import RUN_ID, Run
from bccseg.model.weight_sources import default_name
from ui.shared.storage import runs_folder

PREFIX = "own:"  # own:<run>
FILE = "promoted.json"


@dataclass(frozen=True)
class Promoted:
    """Names of the app's weights, the latest last; empty: the shipped ones."""

    names: tuple[str, ...] = ()

    @property
    def current(self) -> str:
        """What the app uses when nothing was chosen."""
        return self.names[-1] if self.names else default_name()


def promoted() -> Promoted:
    """What was promoted on this server."""
    try:
        names = json.loads((runs_folder() / "promoted" / FILE).read_bytes())["names"]
        return Promoted(tuple(name for name in map(str, names) if promoted_folder(name) is not None))
    except (OSError, ValueError, TypeError, KeyError):
        return Promoted()


def promote(run: Run) -> str:
    """Make the weights of a finished run the app's; returns their name. They are copied: the run may be deleted."""
    if run.weights is None:
        raise TrainingError("This run has no finished weights yet.")
    before, name = promoted(), PREFIX + run.id
    folder = runs_folder() / "promoted" / run.id
    if not folder.exists():
        scratch = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(run.weights, scratch)
        scratch.rename(folder)
    _write((*(n for n in before.names if n != name), name))
    return name


def roll_back() -> str:
    """Back to what was used before the last promotion; returns its name."""
    _write(promoted().names[:-1])
    return promoted().current


def promoted_folder(name: str) -> Path | None:
    """Folder of promoted weights by their name; None if there are none of it."""
    run = name.removeprefix(PREFIX)
    if not (name.startswith(PREFIX) and RUN_ID.fullmatch(run)):
        return None
    folder = runs_folder() / "promoted" / run
    return folder if (folder / "config.json").exists() else None


def require_promoted_folder(name: str) -> Path:
    """Like `promoted_folder`, but raises WeightsError."""
    folder = promoted_folder(name)
    if folder is None:
        raise WeightsError(f"The weights '{name}' are not on this server any more. Choose others.")
    return folder


def _write(names: tuple[str, ...]) -> None:
    folder = runs_folder() / "promoted"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / FILE, json.dumps({"names": list(names)}).encode())
