"""A slide under way on disk: what was asked, and which blocks are done, so that a killed run goes on where it was.

job.json               what was asked and found out before the first block
labels.ome.zarr        labels; see `label_store`
parts/000012.csv       cells of a block, in slide coordinates
parts/000012.jsonl     the same as GeoJSON, a feature a line
parts/000012.json      written last: the block is done
stop                   somebody stopped it
lock                   held by the process that is at it

Labels of a block that was under way have ids above those of the blocks that are done, and are cleared when it is done
again.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock, Timeout
from pydantic import ConfigDict, Field

from bccseg import __version__
from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError, SettingsError, StoreError
from bccseg.files import write_atomically
from bccseg.imaging.regions import Region
from bccseg.schema import Schema


class SlidePart(Schema):
    """A record of a slide's folder. Raises StoreError."""

    model_config = ConfigDict(extra="ignore")  # what later versions add
    error: ClassVar[type[BccsegError]] = StoreError


class Asked(SlidePart):
    """What makes two runs the same run."""

    title = "slide job"

    slide: str  # name of the file
    bytes: int  # of the file; 0 of a folder
    shape: tuple[int, int]  # (H, W)
    regions: str  # "all", "auto 12", or the outlines themselves
    weights: str
    weights_sha256: str
    settings: SegmentSettings
    pixel_size_um: float | None = None


class SlideJob(SlidePart):
    """job.json."""

    title = "slide job"

    asked: Asked
    pixel_size_from: str = ""
    diameter_px: float
    diameter_from: str
    side_px: float  # longest side of a block
    white: tuple[float, float, float]  # level of the background, red, green, blue
    regions: tuple[Region, ...]
    region_scores: dict[str, float] = Field(default_factory=dict)  # of those that were chosen by the program
    device: str = ""
    began: str = ""  # ISO 8601, UTC
    bccseg_version: str = __version__


class SmallCell(SlidePart):
    """A platelet or the like; it is in no label."""

    title = "small cell"

    x: float  # px, of pixel middles
    y: float
    kind: str
    score: float


class PartRecord(SlidePart):
    """parts/000012.json."""

    title = "record of a block"

    first: int  # id of its first cell
    count: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of all cores together
    small: tuple[SmallCell, ...] = ()


class JobFolder:
    """The folder of a slide's results."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.parts = folder, folder / "parts"
        self.stop_file = folder / "stop"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Nobody else is at it meanwhile. Raises StoreError where somebody is."""
        try:
            self.parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"The folder '{self.folder}' cannot be made ({error.strerror}).") from error
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(f"Another process is at work in {self.folder}. Wait for it, or stop it.") from None
        try:
            yield
        finally:
            lock.release()

    def job(self) -> SlideJob | None:
        """What was begun here; None where nothing was."""
        try:
            return SlideJob.from_json((self.folder / "job.json").read_bytes())
        except FileNotFoundError:
            return None

    def begun(self, asked: Asked) -> SlideJob | None:
        """The job that was begun here, if it is the same. Raises SettingsError where it is another."""
        job = self.job()
        if job is None or job.asked == asked:
            return job
        names = {"bytes": "size of the file", "regions": "regions", "pixel_size_um": "pixel size"}
        other = [
            names.get(name, name) for name in Asked.model_fields if getattr(job.asked, name) != getattr(asked, name)
        ]
        raise SettingsError(
            f"The folder {self.folder} holds a slide that was begun otherwise ({', '.join(other)} differ). "
            "Choose another folder, or delete this one to begin anew."
        )

    def begin(self, job: SlideJob) -> None:
        """Note what is to be done."""
        write_atomically(self.folder / "job.json", job.to_json(indent=1))

    def done(self) -> list[PartRecord]:
        """Records of the blocks that are done, in order."""
        found: list[PartRecord] = []
        while (path := self._part(len(found), "json")).exists():
            found.append(PartRecord.from_json(path.read_bytes()))
        return found

    def keep(self, number: int, record: PartRecord, csv: bytes, features: list[dict[str, Any]]) -> None:
        """Note that a block is done; all of it or nothing."""
        write_atomically(self._part(number, "csv"), csv)
        lines = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in features)
        write_atomically(self._part(number, "jsonl"), "".join(f"{line}\n" for line in lines).encode())
        write_atomically(self._part(number, "json"), record.to_json())

    def tables(self) -> list[Path]:
        """CSV files of the blocks that are done, in order."""
        return [self._part(k, "csv") for k in range(len(self.done()))]

    def features(self, number: int) -> Iterator[str]:
        """GeoJSON features of a block, a line each."""
        with self._part(number, "jsonl").open(encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\n")

    def _part(self, number: int, kind: str) -> Path:
        return self.parts / f"{number:06d}.{kind}"
