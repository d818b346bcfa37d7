"""What is sent to the workers of a cluster, and what comes back: names, settings and numbers, never pixels."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, Field

from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError, DataError
from bccseg.report.run_record import RunRecord
from bccseg.report.tables import SummaryRow
from bccseg.schema import Schema

DONE = ".done"  # folder below the results: what is done, a file an item


@dataclass(frozen=True)
class Item:
    """A file to be segmented: the unit that is done once, and done again as a whole if its worker is lost."""

    address: str  # absolute path or URL, as the workers see it
    name: str  # as shown
    file: str  # as the run record has it
    stamp: str = ""  # changes when the file does
    taken: tuple[str, ...] = ()  # stems of other items that its own must stay apart from


@dataclass(frozen=True)
class Work:
    """What is done with every item."""

    out: str  # folder of the results, on a file system that the workers and the client share
    weights: str  # as `locate` takes it on a worker
    weights_sha256: str
    head_sha256: str
    version: str  # of bccseg
    settings: SegmentSettings
    pixel_size_um: float | None = None
    device: str = "auto"
    also: tuple[str, ...] = ()
    small_cells: bool = False
    threads: int | None = None  # of the network, a worker; None: as the worker was started
    token: str = ""  # name of a file in DONE that shows a worker that it sees the folder of the client

    def done_file(self, item: Item) -> Path:
        """Where it stands that an item is done: another file, other weights or settings are another item."""
        what = [
            item.address, item.name, item.stamp, item.taken, self.weights_sha256, self.head_sha256, self.version,
            self.settings.to_dict(), self.pixel_size_um, self.also, self.small_cells,
        ]  # fmt: skip
        key = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        return Path(self.out) / DONE / key[:2] / f"{key}.json"


class PictureRecord(Schema):
    """One picture of an item in numbers."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = DataError
    title = "record of a picture"

    stem: str
    row: SummaryRow
    doubt: str = ""  # of its pixel size


class ItemRecord(Schema):
    """What came of an item; kept in DONE where all of it was read and written."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = DataError
    title = "record of an item"

    pictures: tuple[PictureRecord, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()  # name, why
    run: RunRecord = Field(default_factory=RunRecord)
    worker: str = ""
    seconds: float = 0.0  # from reading to writing
    cpu_seconds: float = 0.0  # that the worker's processor was at it, all cores together
