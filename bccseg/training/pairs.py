"""Images and masks in the Kaggle layout: which file belongs to which, and which are held out."""

import hashlib
from pathlib import Path

from bccseg.errors import DataError
from bccseg.io.images import SUFFIXES


def find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Image and mask files with the same stem in `folder`/original and `folder`/mask, sorted.

    Raises DataError if the folders are missing, a stem has no partner, or there is no pair.
    """
    originals, masks = folder / "original", folder / "mask"
    for side in (originals, masks):
        if not side.is_dir():
            raise DataError(f"{folder} has no folder '{side.name}'. Put images in 'original', masks in 'mask'.")
    by_stem = [
        {p.stem: p for p in sorted(side.iterdir()) if p.suffix.lower() in SUFFIXES} for side in (originals, masks)
    ]
    if lonely := sorted(by_stem[0].keys() ^ by_stem[1].keys()):
        raise DataError(f"{len(lonely)} file(s) in {folder} have no partner of the same name, e.g. '{lonely[0]}'.")
    if not by_stem[0]:
        raise DataError(f"{folder} holds no images.")
    return [(path, by_stem[1][stem]) for stem, path in by_stem[0].items()]


def split_pairs(
    pairs: list[tuple[Path, Path]], validation_share: float
) -> tuple[list[tuple[Path, Path]], list[tuple[Path, Path]]]:
    """Training and validation pairs. The same file name always falls on the same side of the order."""
    ordered = sorted(pairs, key=lambda pair: hashlib.sha256(pair[0].stem.encode()).hexdigest())
    held_out = max(1, round(len(ordered) * validation_share))
    if held_out >= len(ordered):
        raise DataError("At least two images are needed: one to learn from, one to check on.")
    return ordered[held_out:], ordered[:held_out]
