"""Segmenting a slide block by block, with the memory of one block, and going on after it was stopped or killed."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.errors import SettingsError, Stopped
from bccseg.imaging.cell_head import CellHead
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.normalise import white_level
from bccseg.imaging.regions import Region
from bccseg.imaging.selection import middles
from bccseg.inference.diameter import estimate_diameter
from bccseg.inference.segment import MapPredictor, segment
from bccseg.report.tables import csv
from bccseg.slides.block_cells import measure_block, origin, small_cells_of
from bccseg.slides.blocks import OVERLAP, Block, block_side, blocks, paste_block
from bccseg.slides.job import Asked, JobFolder, PartRecord, SlideJob
from bccseg.slides.label_store import SlideLabels
from bccseg.slides.overview import Field, Overview, fields, look_at, monolayer
from bccseg.slides.regions import counting, covers, members, rectangle, whole_slide, window_of
from bccseg.slides.slide import Slide

LABELS = "labels.ome.zarr"
AUTO_FIELDS = 12  # that are chosen
LOOK_PX, LOOKS = 2048, 5  # windows in which the diameter and the white of the background are found
AROUND = 1.5  # diameters around a region that are looked at, so that cells on its edge are seen whole

Stage = Literal["waiting", "looking", "blocks", "tables"]  # for its turn; for cells; one by one; results being written


@dataclass(frozen=True)
class SlideStep:
    """How far it is."""

    stage: Stage
    done: int = 0  # blocks
    total: int = 0
    cells: int = 0  # so far
    seconds_left: float | None = None


OnStep = Callable[[SlideStep], None]  # may raise Stopped


class WithWhite:
    """A predictor for which the background has one level all over the slide, also where a block shows none."""

    def __init__(self, predictor: MapPredictor, white: NDArray[np.float32]) -> None:
        self.predictor, self.white, self.config = predictor, white, predictor.config
        self.cell_head: CellHead | None = predictor.cell_head

    def __call__(self, image: NDArray[np.uint8], white: NDArray[np.float32], **asked: Any) -> ProbabilityMaps:
        """Probability maps of an image; `white`, which goes by the block, is not looked at."""
        del white
        return self.predictor(image, self.white, **asked)


def segment_slide(
    slide: Slide,
    predictor: MapPredictor,
    out: Path,
    regions: Literal["all", "auto"] | tuple[Region, ...] = "all",
    settings: SegmentSettings | None = None,
    pixel_size_um: float | None = None,
    on_step: OnStep | None = None,
    *,
    weights: str = "",
    device: str = "",
) -> SlideJob:
    """Find and measure the cells of a slide, and leave them in the folder `out`; `results` makes tables of them.

    regions: all of the slide, AUTO_FIELDS fields that the program chooses, or outlines in px of level 0. pixel_size_um:
    None takes what the slide states. on_step: called after each block; it may raise Stopped. Called again with the same
    folder and the same wishes it goes on where it was. Raises SettingsError, StoreError, ImageError.
    """
    tell, folder = on_step or (lambda _step: None), JobFolder(out)
    asked = Asked(
        slide=slide.path.name,
        bytes=slide.path.stat().st_size if slide.path.is_file() else 0,
        shape=slide.shape,
        regions=regions if isinstance(regions, str) else _fingerprint(regions),
        weights=weights,
        weights_sha256=predictor.config.sha256,
        settings=settings or SegmentSettings(),
        pixel_size_um=pixel_size_um or slide.pixel_size_um,
    )
    with folder.at_work():
        folder.stop_file.unlink(missing_ok=True)
        job = folder.begun(asked)
        if job is None:
            tell(SlideStep("looking"))
            job = _look(slide, predictor, asked, regions, typed=bool(pixel_size_um), device=device)
            folder.begin(job)
        store = SlideLabels(out / LABELS, slide.shape, job.asked.pixel_size_um)
        _run(slide, predictor, folder, job, store, tell)
    return job


def _fingerprint(regions: tuple[Region, ...]) -> str:
    return hashlib.sha256("".join(region.to_json().decode() for region in regions).encode()).hexdigest()[:16]


def _look(
    slide: Slide,
    predictor: MapPredictor,
    asked: Asked,
    regions: Literal["all", "auto"] | tuple[Region, ...],
    *,
    typed: bool,
    device: str,
) -> SlideJob:
    """What must be known before the first block: the white, the diameter, and the regions."""
    if not isinstance(regions, str) and not any(_within(region, slide.shape) for region in counting(regions)):
        height, width = slide.shape
        raise SettingsError(
            f"No region lies on this slide of {width:,} x {height:,} px. Their corners are px of the full resolution."
        )
    overview = look_at(slide)
    found, white = _diameter_and_white(slide, overview, predictor, asked.settings.diameter_px)
    diameter = asked.settings.diameter_px or found or predictor.config.diameter_px
    chosen: list[Field] = []
    if regions == "auto":
        chosen = monolayer(slide, overview, diameter, AUTO_FIELDS)
        if not chosen:
            raise SettingsError(
                "No part of this slide looks like an even, sharp layer of single cells. Draw regions (--regions "
                "FILE.geojson), or count all of it (--regions all)."
            )
    named = [rectangle(f"Field {k}", one.window) for k, one in enumerate(chosen, start=1)]
    return SlideJob(
        asked=asked,
        pixel_size_from="typed" if typed else slide.pixel_size_from,
        diameter_px=diameter,
        diameter_from="given" if asked.settings.diameter_px else "measured" if found else "assumed",
        side_px=block_side(diameter, predictor.config.diameter_px),
        white=tuple(map(float, white)),
        regions=tuple(named) if regions == "auto" else (whole_slide(slide.shape),) if regions == "all" else regions,
        region_scores={name.name: round(one.score, 3) for name, one in zip(named, chosen, strict=True)},
        device=device,
        began=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _within(region: Region, shape: tuple[int, int]) -> bool:
    return all(span.stop > span.start for span in window_of(region, shape))


def _diameter_and_white(
    slide: Slide, overview: Overview, predictor: MapPredictor, given: float | None
) -> tuple[float | None, NDArray[np.float32]]:
    """Medians over the windows that look most like a monolayer; no diameter where one is given or nothing is found."""
    diameters, whites = [], []
    for one in fields(overview, slide.shape, LOOK_PX)[:LOOKS]:
        rows, columns = one.window
        image = slide.region(0, rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
        white = white_level(image)
        whites.append(white)
        if given is None and one.score > 0:
            diameters.append(_diameter(image, white, predictor))
    known = [one for one in diameters if one]
    return (float(np.median(known)) if known else None), np.median(whites, axis=0).astype(np.float32)


def _diameter(image: NDArray[np.uint8], white: NDArray[np.float32], predictor: MapPredictor) -> float | None:
    cells_alone = {"classes": False} if predictor.config.classes else {}
    return estimate_diameter(image, lambda view: predictor(view, white, **cells_alone), predictor.config.diameter_px)


def plan(job: SlideJob) -> list[Block]:
    """The blocks of a job, in the order in which they are done. The same job has the same blocks."""
    shape, diameter = job.asked.shape, job.diameter_px
    side, overlap = int(job.side_px), round(OVERLAP * diameter)
    found: list[Block] = []
    for row, region in enumerate(counting(job.regions)):
        if not _within(region, shape):
            continue
        area = window_of(region, shape, round(AROUND * diameter))
        for one in blocks(area, side, overlap):
            if covers(region, one.core, shape, AROUND * diameter):
                core = tuple(map(_inner, one.core, area, shape, (overlap // 2,) * 2))
                found.append(Block(one.window, core, row))
    return found


def _inner(core: slice, area: slice, length: int, margin: int) -> slice:
    """A core without what lies near an end of its area, unless that is the edge of the slide: there a cell of another
    region may be seen cut.
    """
    low = core.start if area.start == 0 else max(core.start, area.start + margin)
    high = core.stop if area.stop == length else min(core.stop, area.stop - margin)
    return slice(low, max(low, high))


def _run(
    slide: Slide, predictor: MapPredictor, folder: JobFolder, job: SlideJob, store: SlideLabels, tell: OnStep
) -> None:
    planned, done = plan(job), folder.done()
    cells = done[-1].first + done[-1].count - 1 if done else 0
    told, settings = WithWhite(predictor, np.array(job.white, np.float32)), job.asked.settings
    settings = settings.replace(diameter_px=job.diameter_px)
    started, before = time.monotonic(), len(done)
    tell(SlideStep("blocks", before, len(planned), cells))
    for number in range(before, len(planned)):
        block, at, cpu_at = planned[number], time.perf_counter(), time.process_time()
        rows, columns = block.window
        image = slide.region(0, rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
        found = segment(image, told, settings)
        wide = store.whole_chunks(block.window)
        around = store.read(wide)
        left = around > cells  # of a block that was under way when the process ended
        around[left] = 0
        inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(block.window, wide, strict=True))
        target = around[inner]
        before_us = target > 0
        centres = middles(found.labels, np.arange(len(found.scores))) - 0.5 + origin(block)
        wanted = members(job.regions, centres).any(axis=0)
        taken = paste_block(target, found.labels, block, slide.shape, job.diameter_px, wanted, cells + 1)
        if len(taken) or left.any():
            store.write(wide, around)
        table, features = measure_block(image, found, target, before_us, taken, cells, block, job)
        record = PartRecord(
            first=cells + 1,
            count=len(taken),
            seconds=time.perf_counter() - at,
            cpu_seconds=time.process_time() - cpu_at,
            small=small_cells_of(found, block, job),
        )
        folder.keep(number, record, csv(table), features)
        cells += len(taken)
        pace = (time.monotonic() - started) / (number + 1 - before)
        tell(SlideStep("blocks", number + 1, len(planned), cells, pace * (len(planned) - number - 1)))
        if folder.stop_file.exists():
            raise Stopped("Stopped. Call it again to go on.")
