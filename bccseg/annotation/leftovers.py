"""What a killed process leaves behind: half-written files, and parts of what never came to be."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bccseg.annotation.drafts import DRAFT_ID
from bccseg.annotation.records import IMAGE_ID, VERSION_ID
from bccseg.config import LEFTOVER_HOURS
from bccseg.files import TEMPORARY_SUFFIX

PART = re.compile(rf".*{re.escape(TEMPORARY_SUFFIX)}")


def sweep_leftovers(*roots: Path, hours: float = LEFTOVER_HOURS) -> list[Path]:
    """Delete what nothing will ever read below these folders, if it is older than so many hours; what was deleted.

    Files and folders that were being written (`.part`), labels of a collection without their record, and drafts
    without what they started from.
    """
    before, gone = time.time() - hours * 3600, []
    for root in roots:
        for path in [*_parts(root), *_labels_alone(root), *_drafts_alone(root)]:
            try:
                if path.lstat().st_mtime > before:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            except OSError:  # gone already, or not ours
                continue
            gone.append(path)
    return gone


def _parts(root: Path) -> Iterator[Path]:
    yield from (path for path in root.rglob(f"*{TEMPORARY_SUFFIX}") if PART.fullmatch(path.name))


def _labels_alone(root: Path) -> Iterator[Path]:
    for path in (root / "labels").glob("*/*.png"):
        named = IMAGE_ID.fullmatch(path.parent.name) and VERSION_ID.fullmatch(path.stem)
        if named and not path.with_suffix(".json").exists():
            yield path


def _drafts_alone(root: Path) -> Iterator[Path]:
    for folder in (root / "drafts").glob("*"):
        if DRAFT_ID.fullmatch(folder.name) and not (folder / "draft.json").exists():
            yield folder
