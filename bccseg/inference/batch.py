"""Many files, one after the other: what fails is reported, the rest is done."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bccseg import __version__
from bccseg.config import SegmentSettings
from bccseg.errors import ImageError
from bccseg.inference.alike import First, fits, look_at
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import Progress, segment
from bccseg.io.archive import Entry, expand, is_zip, safe_stem, unique
from bccseg.io.images import decode
from bccseg.io.page import Page
from bccseg.model.device import describe_device
from bccseg.report.result import ImageResult, Provenance


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
    first: First | None = None,
) -> Iterator[ImageResult | Failure]:
    """A result or a failure for each picture of each file, zips and multi-page files included.

    pixel_size_um: None takes what the file states. taken: file stems in use, lower case, to be kept
    apart from. first: the first picture of a batch of one magnification: a picture that looks like it is segmented with
    its diameter, as if it had been given, and with one of its own if what is found does not fit. `on_progress` may
    raise Stopped.
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
            sha256 = hashlib.sha256(inner.data).hexdigest()
            for page in pages:
                rest = (pixel_size_um, on_progress, taken, sha256)
                if first and settings.diameter_px is None and first.look.like(look_at(page.image)):
                    names, shared = set(taken), settings.replace(diameter_px=first.diameter_px)
                    found = segment_page(inner.name, page, predictor, shared, *rest)
                    if isinstance(found, ImageResult) and fits(found):
                        yield found
                        continue
                    taken.intersection_update(names)  # the stem is free again
                yield segment_page(inner.name, page, predictor, settings, *rest)


def segment_page(
    name: str,
    page: Page,
    predictor: Predictor,
    settings: SegmentSettings,
    pixel_size_um: float | None,
    on_progress: Progress | None,
    taken: set[str],
    file_sha256: str = "",
) -> ImageResult | Failure:
    """Segment one decoded picture. file_sha256: of the file that it was decoded from."""
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
        provenance=Provenance(
            file_sha256=file_sha256,
            weights_sha256=predictor.config.sha256,
            head_sha256=predictor.config.cell_head.sha256 if predictor.config.cell_head else "",
            version=__version__,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
        notes=page.notes,
        page=page.number,
        seconds=found.seconds,
    )
