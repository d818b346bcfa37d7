"""Images and their truth in folders: which file belongs to which, and which are held out."""

import hashlib
from pathlib import Path

from bccseg.errors import DataError
from bccseg.io.images import SUFFIXES
from bccseg.io.truth import LABELS, MASK

IMAGE_FOLDERS, TRUTH_FOLDERS = ("original", "images"), (LABELS, MASK)  # the first that is there is taken


def find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Image and truth files with the same stem, sorted: `original` or `images`, and `labels` or else `mask`.

    See `io.truth` for what the truth files hold. Raises DataError if the folders are missing, a stem has no
    partner or stands for two files, or there is no pair.
    """
    by_stem = [_by_stem(_first_folder(folder, names)) for names in (IMAGE_FOLDERS, TRUTH_FOLDERS)]
    if lonely := sorted(by_stem[0].keys() ^ by_stem[1].keys()):
        raise DataError(f"{len(lonely)} file(s) in {folder} have no partner of the same name, e.g. '{lonely[0]}'.")
    if not by_stem[0]:
        raise DataError(f"{folder} holds no images.")
    return [(path, by_stem[1][stem]) for stem, path in by_stem[0].items()]


def is_pair_folder(folder: Path) -> bool:
    """Whether `find_pairs` would look for images here."""
    return any((folder / name).is_dir() for name in IMAGE_FOLDERS)


def _first_folder(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    missing = " or ".join(f"'{name}'" for name in sorted(names, reverse=True))
    raise DataError(
        f"{folder} has no folder {missing}. "
        "Put images in 'original', and masks in 'mask' or pictures with one number a cell in 'labels'."
    )


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in found:
            raise DataError(f"'{found[path.stem].name}' and '{path.name}' in {folder} have the same name. Rename one.")
        found[path.stem] = path
    return found


def split_pairs(
    pairs: list[tuple[Path, Path]], validation_share: float
) -> tuple[list[tuple[Path, Path]], list[tuple[Path, Path]]]:
    """Training and validation pairs. The same file name always falls on the same side of the order."""
    ordered = sorted(pairs, key=lambda pair: hashlib.sha256(pair[0].stem.encode()).hexdigest())
    held_out = max(1, round(len(ordered) * validation_share))
    if held_out >= len(ordered):
        raise DataError("At least two images are needed: one to learn from, one to check on.")
    return ordered[held_out:], ordered[:held_out]
