"""Weights of this server's own training that were made the app's: which, which before, and the way back."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from bccseg.annotation.records import MAX_NAME, clean_text
from bccseg.errors import SettingsError, TrainingError, WeightsError
from bccseg.files import write_atomically
from bccseg.jobs.training_run import RUN_ID, Run
from bccseg.model.weight_sources import default_name, locate, shipped_names
from bccseg.schema import Schema

PREFIX = "own:"  # own:<run>


class PromotedNames(Schema):
    """promoted.json."""

    names: tuple[str, ...] = ()
    titles: dict[str, str] = Field(default_factory=dict)  # as people called them, by name


@dataclass(frozen=True)
class Promotions:
    """The promoted weights of a folder of runs, in <runs>/promoted; read when it is made."""

    runs: Path
    names: tuple[str, ...]  # own:<run>, the latest last; empty: the shipped ones are in use
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def current(self) -> str:
        """What the app uses when nothing was chosen."""
        return self.names[-1] if self.names else default_name()

    @property
    def fallbacks(self) -> list[str]:
        """What is used where weights cannot be had, best first: what is promoted, then what the server starts with."""
        return [*reversed(self.names), default_name(), *shipped_names()]

    def title(self, name: str) -> str:
        """What people call weights: the name given when they were promoted, else their own."""
        if title := self.titles.get(name):
            return title
        folder = own_folder(self.runs, name)
        if folder is None:
            return name
        try:  # promoted before names were asked for: the run's name, and its day, because many have the same
            own = json.loads((folder / "config.json").read_bytes()).get("name")
        except (OSError, ValueError, AttributeError):
            own = None
        return f"{own or 'Own training'} ({name.removeprefix(PREFIX)[:8]})"

    def free_title(self, title: str) -> str:
        """A title, numbered if other promoted or shipped weights have it."""
        title = " ".join(clean_text(title, MAX_NAME).split()) or "Own training"
        taken = {self.title(name) for name in self.names} | set(shipped_names())
        numbered = (f"{title} {k}" for k in range(2, len(taken) + 3))
        return title if title not in taken else next(t for t in numbered if t not in taken)

    def promote(self, run: Run, title: str = "") -> str:
        """Make the weights of a finished run the app's, called `title`, or like the run; returns their own name.

        They are copied, so that a damaged run does no harm. Raises TrainingError.
        """
        if run.weights is None:
            raise TrainingError("This run has no finished weights yet.")
        name = own_name(run.id)
        folder = self.runs / "promoted" / run.id
        if not folder.exists():
            scratch = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.copytree(run.weights, scratch)
            scratch.rename(folder)
        others = self._without(name)
        _write(self.runs, (*others.names, name), {**others.titles, name: others.free_title(title or run.spec.name)})
        return name

    def use_again(self, name: str) -> None:
        """Make weights that were promoted before the current ones again."""
        if name in self.names:
            _write(self.runs, (*self._without(name).names, name), self.titles)

    def take_back(self, name: str) -> str:
        """Promoted no more; what was before is used. Returns its name. The copy stays until the run is deleted."""
        left = self._without(name)
        _write(self.runs, left.names, left.titles)
        return read_promotions(self.runs).current

    def roll_back(self) -> str:
        """Back to what was used before the last promotion; returns its name."""
        return self.take_back(self.current)

    def _without(self, name: str) -> "Promotions":
        kept = tuple(n for n in self.names if n != name)
        return Promotions(self.runs, kept, {n: t for n, t in self.titles.items() if n in kept})

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
        there = tuple(name for name in found.names if own_folder(runs, name) is not None)
        return Promotions(runs, there, {name: title for name, title in found.titles.items() if name in there})
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


def _write(runs: Path, names: tuple[str, ...], titles: dict[str, str]) -> None:
    folder = runs / "promoted"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "promoted.json", PromotedNames(names=names, titles=titles).to_json())
