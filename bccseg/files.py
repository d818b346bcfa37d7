"""Writing files so that a crash never leaves half of one, and two writers never meet."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_SUFFIX = ".part"  # of files that are being written; nothing reads them


def write_atomically(path: Path, data: bytes) -> None:
    """All or nothing: write to a file of its own beside `path`, flush it to disk, then rename."""
    with _written(path, data) as temporary:
        temporary.replace(path)


def write_once(path: Path, data: bytes) -> bool:
    """Like `write_atomically`, but what is there already stays; returns whether this call wrote it."""
    if path.exists():
        return False
    with _written(path, data) as temporary:
        try:
            os.link(temporary, path)  # fails if another writer was faster, which a rename would not
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            temporary.replace(path)
    return True


@contextmanager
def _written(path: Path, data: bytes) -> Iterator[Path]:
    """The data on disk under a temporary name; the folder is flushed after the caller has renamed it."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut, where the system can."""
    if os.name == "nt":  # Windows opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
