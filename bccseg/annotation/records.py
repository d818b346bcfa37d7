"""What the store knows of an image, a version and a review, and how that is written as JSON."""

import hashlib
import re
import secrets
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bccseg.errors import StoreError

Status = Literal["proposal", "draft", "submitted", "accepted", "rejected"]
Split = Literal["train", "validation", "test"]
STATUSES: tuple[Status, ...] = ("proposal", "draft", "submitted", "accepted", "rejected")
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
IMAGE_ID = re.compile(r"[0-9a-f]{64}")
VERSION_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{12}")
TEST_SHARE, VALIDATION_SHARE = 0.1, 0.1
MAX_NAME, MAX_TEXT = 200, 2000


@dataclass(frozen=True)
class ImageInfo:
    """An image of the collection."""

    id: str  # sha256 of its pixels
    name: str  # as it was uploaded
    height: int
    width: int
    split: Split  # never changes once given
    pixel_size_um: float | None = None
    added: str = ""  # ISO 8601, UTC
    added_by: str = ""
    licence: str = ""  # what the person agreed to


@dataclass(frozen=True)
class Version:
    """One saved label image. Never changes; reviews are records of their own."""

    id: str
    image: str
    author: str
    time: str  # ISO 8601, UTC
    status: Status
    cells: int
    sha256: str = ""  # of the label PNG
    parent: str | None = None
    weights: str = ""
    comment: str = ""
    licence: str = ""
    edit_count: int = 0
    doubt: float | None = None  # of a proposal: expected share of wrong cells, 0 to 1
    agreement: dict[str, Any] | None = None  # with its parent; see `agreement`
    disagreement: float | None = None  # 1 - F1 with the last version of another person, the largest
    reviewer: str = ""
    reason: str = ""  # of the review


@dataclass(frozen=True)
class Details:
    """The bulky part of a version, read only when it is needed."""

    edits: list[dict[str, Any]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)  # of a proposal, by cell id
    places: list[list[float]] = field(default_factory=list)  # (x, y, score) of what was left out as too unsure


def image_id(image: NDArray[np.uint8]) -> str:
    """Name of an image by its pixels uint8 (H, W, 3): the same picture in another format is the same image."""
    height, width = image.shape[:2]
    return hashlib.sha256(f"{height}x{width} ".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def split_of(image: str) -> Split:
    """Train, validation or test, from the image's id alone: 80, 10 and 10 %."""
    share = int(image[:8], 16) / 2**32
    if share < TEST_SHARE:
        return "test"
    return "validation" if share < TEST_SHARE + VALIDATION_SHARE else "train"


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def new_id(time: datetime) -> str:
    """An id that sorts by time and is never given twice."""
    return f"{time:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(6)}"


def validate_id(pattern: re.Pattern[str], value: str, what: str) -> str:
    """An id from outside, before it becomes part of a path. Raises StoreError."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise StoreError(f"That is not the id of {what}.")
    return value


def clean_text(text: str, limit: int) -> str:
    """Text from a person: printable, trimmed, not endless."""
    kept = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return kept.strip()[:limit]


def origin(version: Version, versions: list[Version]) -> Version:
    """The version of the same image that a chain of corrections began from: the proposal, where there is one."""
    by_id = {v.id: v for v in versions}
    while version.parent in by_id:
        version = by_id[version.parent]
    return version


def to_json(record: Any) -> dict[str, Any]:
    """A record as JSON-ready values."""
    return asdict(record)


def from_json(kind: type, values: dict[str, Any]) -> Any:
    """The record that `to_json` wrote; unknown fields of later versions are left out. Raises StoreError."""
    try:
        return kind(**{f.name: values[f.name] for f in fields(kind) if f.name in values})
    except TypeError as error:
        raise StoreError(f"A record of the collection cannot be read ({error}).") from error
