"""What a study knows of its images and samples."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from bccseg.annotation.records import Record
from bccseg.config import SegmentSettings

ImageState = Literal["waiting", "done", "failed"]


class StudySettings(Record):
    """How the images of a study are segmented; the same for all, so that they can be compared."""

    title = "settings of a study"

    weights: str | None = None  # None: what the server uses
    device: str = "auto"
    segment: SegmentSettings = Field(default_factory=SegmentSettings)
    pixel_size_um: float | None = None  # None: as each file states it


@dataclass(frozen=True, kw_only=True)
class StudyImage:
    """An image of a study, as its catalogue lists it. Numbers are None until it is segmented."""

    id: int  # never given twice in a study
    name: str  # as people call it; no two are the same
    file: str  # path as it came, "control/patient 1/10.jpg"
    sha256: str  # of its file, which lies in files/
    page: int | None  # of a file with several; None until it was opened
    state: ImageState
    reason: str  # why it failed
    sample: str  # "" without one
    group: str
    note: str
    added: str  # ISO 8601, UTC
    added_by: str
    removed: str  # when; "": it was not
    result: str  # id of its result; ""
    width: int | None
    height: int | None
    cell_count: int | None
    flagged_count: int | None
    too_crowded: bool
    pixel_size_um: float | None
    pixel_size_from: str  # in words, as results say it
    calibrated: bool  # whether a person gave the pixel size of this image; it then stays when it is segmented again
    regions: str  # JSON of what `imaging.regions` reads; "": the whole image counts
    edits: int  # made by hand
    draft: str  # of the correction that was begun from it; ""
    edits_before: int  # edits made before that correction was begun
    draft_size: int  # of its log, bytes, when its cells were last taken up

    @property
    def settled(self) -> bool:
        """Whether it has cells to be counted."""
        return self.state == "done" or bool(self.result)


@dataclass(frozen=True)
class Sample:
    """A patient, slide or animal: its images are pooled before groups are compared."""

    id: int
    name: str
    group: str  # "" without one
    free: dict[str, str] = field(default_factory=dict)  # what its free columns say
    images: int = 0


@dataclass(frozen=True)
class StudyInfo:
    """A study in the list of studies."""

    id: str  # name of its folder
    name: str
    note: str = ""
    created: str = ""  # ISO 8601, UTC
    changed: str = ""
    images: int = 0
    waiting: int = 0
    failed: int = 0
    samples: int = 0
    groups: tuple[str, ...] = ()
    problem: str = ""  # why it cannot be opened


@dataclass
class AddReport:
    """What became of files that were added."""

    added: list[int] = field(default_factory=list)  # ids
    already: list[str] = field(default_factory=list)  # names of files that the study has
    failed: list[tuple[str, str]] = field(default_factory=list)  # names of what is no picture, and why
