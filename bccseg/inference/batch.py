"""Many files, one after the other: what fails is reported, the rest is done."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bccseg.config import SegmentSettings
from bccseg.errors import ImageError
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import Progress, segment
from bccseg.io.archive import Entry, expand, is_zip, safe_stem, unique
from bccseg.io.images import decode
from bccseg.io.page import Page
from bccseg.model.device import describe_device
from bccseg.report.result import ImageResult


@dataclass(frozen=True)
class Failure:
    """A file that could not be segmented, and why."""

    name: str
    reason: str


def segment_entries(
    entries: Iterable[Entry],
    predictor: Predictor,
    settings: SegmentSettings,
    pixel_size_um: float | None = None,
    on_progress: Progress | None = None,
    taken: set[str] | None = None,
) -> Iterator[ImageResult | Failure]:
    """A result or a failure for each picture of each file, zips and multi-page files included.

    pixel_size_um: None takes what the file states. taken: file stems in use, lower case, to be kept
    apart from. `on_progress` may raise Stopped.
    """
    taken = set() if taken is None else taken
    for entry in entries:
        for inner in expand(entry.name, entry.data) if is_zip(entry.data) else [entry]:
            try:
                if inner.error:
                    raise inner.error
                pages = decode(inner.data)
            except ImageError as error:
                yield Failure(inner.name, str(error))
                continue
            except MemoryError:
                yield Failure(inner.name, "The memory of this computer is too small for this picture. Crop it.")
                continue
            for page in pages:
                yield segment_page(inner.name, page, predictor, settings, pixel_size_um, on_progress, taken)


def segment_page(
    name: str,
    page: Page,
    predictor: Predictor,
    settings: SegmentSettings,
    pixel_size_um: float | None,
    on_progress: Progress | None,
    taken: set[str],
) -> ImageResult | Failure:
    """Segment one decoded picture."""
    stem = safe_stem(name)
    if page.count > 1:
        name, stem = f"{name}, page {page.number}", f"{stem}_p{page.number:03d}"
    try:
        found = segment(page.image, predictor, settings, on_progress)
    except MemoryError:
        return Failure(name, "The memory of this computer is too small for this picture. Crop it.")
    return ImageResult.measure(
        name=name,
        stem=unique(stem, taken),
        image=page.image,
        labels=found.labels,
        scores=found.scores,
        whole=found.whole,
        rejected=found.rejected,
        diameter_px=found.diameter_px,
        diameter_from=found.diameter_from,
        pixel_size_um=pixel_size_um or page.pixel_size_um,
        stated_pixel_size_um=page.pixel_size_um,
        stated_pixel_size_from=page.pixel_size_from,
        settings=settings,
        in_frame=found.in_frame,
        candidates=found.candidates,
        classes=found.classes,
        small_cells=found.small_cells,
        weights=predictor.source,
        device=describe_device(predictor.device, predictor.dtype),
        notes=page.notes,
        page=page.number,
        seconds=found.seconds,
    )
