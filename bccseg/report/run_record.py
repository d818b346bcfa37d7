"""What a run was made of, as `run.json`: enough to repeat it, and to say where a number differs.

It travels with every zip, report and folder of results. `python -m bccseg segment --from run.json` repeats it.
"""

import hashlib
import math
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import ClassVar

from pydantic import ConfigDict, Field

from bccseg import __version__
from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError, DataError
from bccseg.imaging.regions import Region
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.tables import class_columns
from bccseg.schema import Schema

FILE_NAME = "run.json"
FORMAT = 1
LIBRARIES = ("torch", "numpy", "scipy", "scikit-image", "opencv-python-headless", "pandas", "statsmodels")
SAME = 1e-6  # relative difference up to which two numbers are the same

Number = int | float | bool | None


class RecordPart(Schema):
    """A part of a run record. Raises DataError."""

    model_config = ConfigDict(extra="ignore")  # what later versions add
    error: ClassVar[type[BccsegError]] = DataError
    title = "run record"


class RunWeights(RecordPart):
    """Weights that were used."""

    name: str  # as `segment --weights` takes it
    sha256: str = ""  # of model.safetensors
    head_sha256: str = ""  # of the classes of whole cells that came with it


class RunImage(RecordPart):
    """One image, how it was segmented, and what came out."""

    name: str
    file_sha256: str = ""  # "" in results of earlier versions
    file: str = ""  # where the command line found it, as seen from the record's folder
    page: int = 1
    weights: int = 0  # place in RunRecord.weights
    settings: SegmentSettings = Field(default_factory=SegmentSettings)
    pixel_size_um: float | None = None
    device: str = ""
    when: str = ""  # ISO 8601, UTC
    seconds: float = 0.0
    bccseg_version: str = ""  # of the program that segmented it
    edits: int = 0  # by hand, afterwards
    corrected_by: str = ""
    labels_sha256: str = ""  # of the labels, int32, row by row; "" where only numbers were at hand
    regions: tuple[Region, ...] = ()  # of a slide: where cells were counted
    numbers: dict[str, Number] = Field(default_factory=dict)  # of the summary


class RunRecord(RecordPart):
    """run.json."""

    program: str = "bccseg"
    format: int = FORMAT
    bccseg_version: str = __version__
    made: str = ""  # ISO 8601, UTC
    user: str = ""  # who asked for it, where known
    system: str = ""
    versions: dict[str, str] = Field(default_factory=dict)  # of Python and libraries
    weights: tuple[RunWeights, ...] = ()
    images: tuple[RunImage, ...] = ()

    @property
    def devices(self) -> list[str]:
        """Where networks ran, each once."""
        return list(dict.fromkeys(image.device for image in self.images if image.device))

    @property
    def settings(self) -> list[SegmentSettings]:
        """The settings that images were segmented with, each once."""
        return list(dict.fromkeys(image.settings for image in self.images))


class RunRecorder:
    """Takes results one after the other; keeps none."""

    def __init__(self, user: str = "") -> None:
        self.user = user
        self._weights: dict[tuple[str, str, str], int] = {}
        self._images: list[RunImage] = []

    def add(self, result: MeasuredImage, file: str = "") -> RunImage:
        """Note an image. file: where it lies, if that may be told."""
        of = result.provenance
        weights = self._weights.setdefault((result.weights, of.weights_sha256, of.head_sha256), len(self._weights))
        labels = ""
        if isinstance(result, ImageResult):
            labels = hashlib.sha256(result.labels.astype("<i4").tobytes()).hexdigest()
        image = RunImage(
            name=result.name,
            file_sha256=of.file_sha256,
            file=file,
            page=result.page,
            weights=weights,
            settings=result.settings,
            pixel_size_um=result.pixel_size_um,
            device=result.device,
            when=of.when,
            seconds=round(sum(result.seconds.values()), 3),
            bccseg_version=of.version,
            edits=result.correction.edits if result.correction else 0,
            corrected_by=result.correction.author if result.correction else "",
            labels_sha256=labels,
            numbers={**asdict(result.summary), **class_columns(result)},
        )
        self._images.append(image)
        return image

    def take(self, other: RunRecord) -> None:
        """Note the images of another record, such as that of a worker."""
        for image in other.images:
            one = other.weights[image.weights]
            place = self._weights.setdefault((one.name, one.sha256, one.head_sha256), len(self._weights))
            self._images.append(image.replace(weights=place))

    def record(self) -> RunRecord:
        """What was noted."""
        return RunRecord(
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            user=self.user,
            system=system(),
            versions=versions(),
            weights=tuple(RunWeights(name=n, sha256=s, head_sha256=h) for n, s, h in self._weights),
            images=tuple(self._images),
        )


def system() -> str:
    """Of this computer, as run records name it."""
    return f"{platform.system()} {platform.machine()}"


def versions() -> dict[str, str]:
    """Of Python and the libraries that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # another build of it, such as opencv-python
            continue
    return found


def differences(before: RunImage, now: RunImage) -> list[str]:
    """Where a repeated image differs, in words; [] where it does not."""
    out = []
    for name, old in before.numbers.items():
        new = now.numbers.get(name)
        if not _same(old, new):
            out.append(f"{name} was {_said(old)}, is now {_said(new)}")
    out += [f"{name} was not told, is now {_said(now.numbers[name])}" for name in now.numbers.keys() - before.numbers]
    if not out and before.labels_sha256 and now.labels_sha256 and before.labels_sha256 != now.labels_sha256:
        out.append("its numbers are the same, but outlines differ by some pixels")
    return out


def _same(old: Number, new: Number) -> bool:
    if old is None or new is None:
        return old is new
    return math.isclose(old, new, rel_tol=SAME, abs_tol=1e-9)


def _said(value: Number) -> str:
    return "unknown" if value is None else f"{value:.7g}" if isinstance(value, float) else str(value)
