"""Weights of this server's own training that were made the app's: which, which before, and the way back."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from bccseg.errors import SettingsError, TrainingError, WeightsError
from bccseg.files import write_atomically
from bccseg.jobs.training_run import RUN_ID, Run
from bccseg.model.weight_sources import default_name, locate
from bccseg.schema import Schema

PREFIX = "own:"  # own:<run>


class PromotedNames(Schema):
    """promoted.json."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Promotions:
    """The promoted weights of a folder of runs, in <runs>/promoted; read when it is made."""

    runs: Path
    names: tuple[str, ...]  # own:<run>, the latest last; empty: the shipped ones are in use

    @property
    def current(self) -> str:
        """What the app uses when nothing was chosen."""
        return self.names[-1] if self.names else default_name()

    def promote(self, run: Run) -> str:
        """Make the weights of a finished run the app's; returns their name. They are copied: the run may be deleted."""
        if run.weights is None:
            raise TrainingError("This run has no finished weights yet.")
        name = own_name(run.id)
        folder = self.runs / "promoted" / run.id
        if not folder.exists():
            scratch = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.copytree(run.weights, scratch)
            scratch.rename(folder)
        _write(self.runs, (*(n for n in self.names if n != name), name))
        return name

    def roll_back(self) -> str:
        """Back to what was used before the last promotion; returns its name."""
        _write(self.runs, self.names[:-1])
        return read_promotions(self.runs).current

    def locate(self, name: str | None) -> tuple[Path, str]:
        """Local folder and exact source of the weights that a visitor named: own:<run>, a shipped name or hf://.

        Never a path; but for None, or the name of the server's default, what its owner set, which may be a folder.

        Raises WeightsError, HubError.
        """
        if name and name.startswith(PREFIX):
            folder = own_folder(self.runs, name)
            if folder is None:
                raise WeightsError(f"The weights '{name}' are not on this server any more. Choose others.")
            return folder, name
        return locate(None if name == default_name() else name, allow_paths=False)


def read_promotions(runs: Path) -> Promotions:
    """What was promoted in a folder of runs."""
    try:
        found = PromotedNames.from_json((runs / "promoted" / "promoted.json").read_bytes())
        return Promotions(runs, tuple(name for name in found.names if own_folder(runs, name) is not None))
    except (OSError, SettingsError):
        return Promotions(runs, ())


def own_name(run: str) -> str:
    """Name of the weights of a run."""
    return PREFIX + run


def own_folder(runs: Path, name: str) -> Path | None:
    """Folder of promoted weights by their name; None if there are none of it."""
    run = name.removeprefix(PREFIX)
    if not (name.startswith(PREFIX) and RUN_ID.fullmatch(run)):
        return None
    folder = runs / "promoted" / run
    return folder if (folder / "config.json").exists() else None


def _write(runs: Path, names: tuple[str, ...]) -> None:
    folder = runs / "promoted"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "promoted.json", PromotedNames(names=names).to_json())
