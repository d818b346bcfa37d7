"""What is known of a visit: as objects in memory, and as the record that names their files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from bccseg.annotation.records import Record
from bccseg.io.archive import Entry
from bccseg.report.stored_result import StoredResult
from ui.shared.segmentation_job import WaitingFile


class KeptFile(Record):
    """A file as it came: its name, and where its bytes are."""

    title = "data of a visit"

    name: str
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    problem: str = ""  # why there are none
    done: int = 0  # files in it that are segmented already


class KeptResult(Record):
    """A result: its file, and its measures before (`found`) and after a person corrected them."""

    title = "data of a visit"

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    result: str = Field(pattern=r"^[0-9a-f]{32}$")
    found: str | None = Field(None, pattern=r"^[0-9a-f]{32}$")
    draft: str = ""
    edits_before: int = 0
    draft_size: int = 0


class VisitRecord(Record):
    """visit.json."""

    title = "data of a visit"

    sources: list[KeptFile] = Field(default_factory=list)
    waiting: list[KeptFile] = Field(default_factory=list)
    results: list[KeptResult] = Field(default_factory=list)
    failures: list[tuple[str, str]] = Field(default_factory=list)
    used: dict[str, Any] | None = None
    sidebar: dict[str, Any] = Field(default_factory=dict)
    drafts: list[str] = Field(default_factory=list)


@dataclass
class Visit:
    """The same as objects."""

    sources: list[Entry] = field(default_factory=list)
    waiting: list[WaitingFile] = field(default_factory=list)
    results: list[StoredResult] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    used: dict[str, Any] | None = None
    sidebar: dict[str, Any] = field(default_factory=dict)
    drafts: list[str] = field(default_factory=list)

    def same_as(self, other: "Visit") -> bool:
        """Whether nothing has changed: the objects are the same ones, not just alike."""

        def same(ones: Sequence[object], others: Sequence[object]) -> bool:
            return len(ones) == len(others) and all(a is b for a, b in zip(ones, others, strict=True))

        files = [w.entry for w in self.waiting], [w.entry for w in other.waiting]
        return (
            all(same(a, b) for a, b in ((self.sources, other.sources), (self.results, other.results), files))
            and [w.done for w in self.waiting] == [w.done for w in other.waiting]
            and (self.failures, self.used, self.sidebar, self.drafts)
            == (other.failures, other.used, other.sidebar, other.drafts)
        )
