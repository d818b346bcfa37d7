"""What somebody wants of a slide, and the whole way from there to its files."""

import hashlib
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from bccseg.config import SegmentSettings
from bccseg.files import write_atomically
from bccseg.imaging.regions import Region
from bccseg.report.run_record import FILE_NAME, RunImage, RunRecord, RunWeights, system, versions
from bccseg.slides.job import JobFolder, SlideJob, SlidePart
from bccseg.slides.open import open_slide
from bccseg.slides.results import write_results
from bccseg.slides.segmenting import SlideStep, segment_slide

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor

READ_BYTES = 1 << 24  # at once, of a file whose sum is taken


class SlideRequest(SlidePart):
    """request.json: what to count, and how."""

    title = "slide request"

    regions: Literal["auto", "all"] | tuple[Region, ...] = "auto"
    weights: str | None = None  # None: those in use
    device: str = "auto"
    settings: SegmentSettings = SegmentSettings()
    pixel_size_um: float | None = None  # None: as the slide says
    geojson: bool = True
    who: str = ""
    when: str = ""  # ISO 8601, UTC


def count_slide(
    path: Path, out: Path, request: SlideRequest, predictor: "Predictor", tell: Callable[[SlideStep], None]
) -> pd.DataFrame:
    """Segment what is asked of the slide `path`, and write tables, maps and `run.json` into `out`; the summary.

    predictor: of the weights that are asked for. tell: may raise Stopped. Called again with the same wishes it goes on
    where it was. Raises SettingsError, StoreError, ImageError.
    """
    from bccseg.model.device import describe_device

    with open_slide(path) as slide:
        job = segment_slide(
            slide, predictor, out, request.regions, request.settings, request.pixel_size_um, tell,
            weights=predictor.source, device=describe_device(predictor.device, predictor.dtype),
        )  # fmt: skip
        tell(SlideStep("tables"))
        summary = write_results(slide, out, geojson=request.geojson)
    record = _record(path, job, JobFolder(out), summary, request.who)
    write_atomically(out / FILE_NAME, record.to_json(indent=1))
    return summary


def _record(path: Path, job: SlideJob, folder: JobFolder, summary: pd.DataFrame, who: str) -> RunRecord:
    """The run record of a slide: one image, whose numbers are those of all regions together."""
    pooled = summary.iloc[-1].drop(["region"], errors="ignore").to_dict()
    numbers = {name: _plain(value) for name, value in pooled.items()}
    image = RunImage(
        name=path.name, file_sha256=_sha256(path), settings=job.asked.settings.replace(diameter_px=job.diameter_px),
        pixel_size_um=job.asked.pixel_size_um, device=job.device, when=job.began,
        seconds=round(sum(one.seconds for one in folder.done()), 3), bccseg_version=job.bccseg_version,
        regions=tuple(job.regions), numbers=numbers,
    )  # fmt: skip
    return RunRecord(
        made=datetime.now(UTC).isoformat(timespec="seconds"), user=who, system=system(), versions=versions(),
        weights=(RunWeights(name=job.asked.weights, sha256=job.asked.weights_sha256),), images=(image,),
    )  # fmt: skip


def _plain(value: object) -> int | float | bool | None:
    """A number as JSON knows it; None for a text or nothing."""
    item = getattr(value, "item", None)
    value = item() if item else value
    return value if isinstance(value, bool | int | float) and not math.isnan(value) else None


def _sha256(path: Path) -> str:
    """Of a file; '' of a folder."""
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(READ_BYTES):
            digest.update(part)
    return digest.hexdigest()
