"""Reading what the collection and the drafts have on disk, with errors that name the file."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.annotation.records import Record
from bccseg.errors import StoreError

AnyRecord = TypeVar("AnyRecord", bound=Record)


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turn an OSError into a StoreError with what to do about it."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        why = "The disk is full. Make room, then try again" if full else f"The disk refused ({error.strerror})"
        raise StoreError(f"{doing} did not work. {why}. Everything saved before is unharmed.") from error


def read_record(kind: type[AnyRecord], path: Path) -> AnyRecord:
    """The record in a JSON file. Raises StoreError with the file's name and what is wrong."""
    try:
        return kind.from_json(path.read_bytes())
    except FileNotFoundError as error:
        raise StoreError(f"{path.name} is missing.") from error
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read: the disk refused ({error.strerror}).") from error
    except StoreError as error:
        raise StoreError(f"{path.name} cannot be read. {error}") from error


def read_png(path: Path, flags: int) -> NDArray:
    """Pixels of a PNG as OpenCV gives them; flags: cv2.IMREAD_COLOR or cv2.IMREAD_UNCHANGED. Raises StoreError."""
    with disk_errors("Reading the image"):
        data = path.read_bytes() if path.exists() else b""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if pixels is None:
        raise StoreError(f"{path.name} is missing or damaged.")
    return pixels
