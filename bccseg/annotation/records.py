"""What the store knows of an image, a version and a review. The files have these records as JSON."""

import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from bccseg.classes import CellMarks
from bccseg.errors import StoreError
from bccseg.schema import Schema

Status = Literal["proposal", "draft", "submitted", "accepted", "rejected"]
Split = Literal["train", "validation", "test"]
Decision = Literal["accepted", "rejected", "submitted"]  # submitted: back into the queue
Change = Literal["withdrawn", "deleted", "restored", "split"]
STATUSES: tuple[Status, ...] = get_args(Status)
SPLITS: tuple[Split, ...] = get_args(Split)
DECISIONS: tuple[Decision, ...] = get_args(Decision)
IMAGE_ID = re.compile(r"[0-9a-f]{64}")
VERSION_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{12}")  # of versions and of reviews
TEST_SHARE, VALIDATION_SHARE = 0.1, 0.1
MAX_NAME, MAX_TEXT = 200, 2000


# An object that the network proposed and that was left out as too uncertain: x and y in px of the image, score 0 to 1.
RejectedObject = Annotated[list[float], Field(min_length=3, max_length=3)]


class Record(Schema):
    """A record on disk. Fields that later versions add are ignored. Raises StoreError."""

    model_config = ConfigDict(extra="ignore")
    error = StoreError


class ImageInfo(Record):
    """An image of the collection."""

    title = "data of an image"

    id: str  # sha256 of its pixels
    name: str  # as it was uploaded
    height: int
    width: int
    split: Split  # never changes once given
    pixel_size_um: float | None = None
    added: str = ""  # ISO 8601, UTC
    added_by: str = ""
    licence: str = ""  # what the person agreed to


class Version(Record):
    """One saved label image. Never changes; reviews are records of their own."""

    title = "data of a version"

    id: str
    image: str
    author: str
    time: str  # ISO 8601, UTC
    status: Status
    cells: int  # without what is no cell, such as platelets
    class_counts: dict[str, int] = Field(default_factory=dict)  # objects of each class, also of what is no cell
    sha256: str = ""  # of the label PNG
    parent: str | None = None
    weights: str = ""
    comment: str = ""
    licence: str = ""
    edit_count: int = 0
    uncertainty: float | None = Field(None, alias="doubt")  # of a proposal: expected share of wrong cells, 0 to 1
    agreement: dict[str, int | float] | None = None  # with its parent: fields of `metrics.agreement.Agreement`
    disagreement: float | None = None  # 1 - F1 with the last version of another person, the largest
    reviewer: str = ""
    reason: str = ""  # of the review
    account: str = ""  # of the author, where people log in; outlives a change of name


class Details(Record):
    """The bulky rest of a version, read only when it is needed: also the classes of its cells."""

    title = "details of a version"

    edits: list[dict[str, Any]] = Field(default_factory=list)  # as `Edit.to_dict` gives them
    scores: list[float] = Field(default_factory=list)  # of a proposal, by cell id
    rejected: list[RejectedObject] = Field(default_factory=list, alias="places")
    cells: CellMarks = Field(default_factory=dict)


class VersionFile(Record):
    """What a version's file has beyond `Version`."""

    title = "data of a version"

    details: Details = Details()


class Review(Record):
    """What somebody decided about a version. The last one counts."""

    title = "data of a review"

    status: Decision
    reviewer: str
    reason: str = ""
    time: str = ""  # ISO 8601, UTC
    account: str = ""  # of the reviewer, where people log in


class ImageChange(Record):
    """What somebody decided about an image after it was added. Of each kind the last one counts; deleted stays so."""

    title = "data of a change"

    what: Change
    by: str
    reason: str = ""
    time: str = ""  # ISO 8601, UTC
    split: Split | None = None  # that it was put into


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
    """An id that sorts by time and is never used twice."""
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
    """The version of the same image that a chain of corrections started from: the proposal, where there is one."""
    by_id = {v.id: v for v in versions}
    while version.parent in by_id:
        version = by_id[version.parent]
    return version
