"""Files that commands read, and what they are called."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePath


def walk(paths: list[Path], *, keep_folders: bool = False) -> list[tuple[Path, str]]:
    """Files as given, and the image files of folders in order of name, each with its name.

    Files of a folder keep the path below it, "patientA/10.jpg", if two of them would have the same name without it, or
    where `keep_folders`; then, and where several paths are given, with the folder itself.
    """
    from bccseg.io.images import SUFFIXES

    found: list[tuple[Path, Path]] = []
    for path in paths:
        if not path.is_dir():
            found.append((path, Path(path.name)))
            continue
        above = "" if len(paths) == 1 and not keep_folders else path.resolve().name
        files = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in (*SUFFIXES, ".zip") and p.is_file()]
        found.extend((p, Path(above, p.relative_to(path))) for p in files if not p.name.startswith("."))
    shown = called([name for _, name in found], keep_folders=keep_folders)
    return [(file, name) for (file, _), name in zip(found, shown, strict=True)]


def called(paths: Sequence[PurePath], *, keep_folders: bool = False) -> list[str]:
    """What files are called: by their names alone where no two have the same, else with their folders."""
    short = not keep_folders and len({path.stem.lower() for path in paths}) == len(paths)
    return [path.name if short else path.as_posix() for path in paths]


def file_in(folder: Path, path: Path) -> str:
    """Where a file lies as seen from a folder, so that both can be moved together: "../images/10.jpg"."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()
