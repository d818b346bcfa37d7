"""A result under another pixel size, or when other cells count; the network is not asked again."""

from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from bccseg.config import SegmentSettings
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.full_outline import FullOutlines, no_outlines
from bccseg.imaging.label_image import Labels
from bccseg.imaging.measure import add_micrometres, summarise
from bccseg.imaging.selection import Candidates, middles, select_cells, small_cells_beside
from bccseg.imaging.small_cells import SmallCells
from bccseg.report.result import TYPED, ImageResult, MeasuredImage, add_full_um2, stated_source

MEASURED = (
    "cells", "summary", "scores", "shape", "hidden", "settings", "rejected", "candidates", "pixel_size_um",
    "classes", "small_cells",
)  # fmt: skip
NO_PIXELS = ("flag", "area_full_px", "area_full_error_px")  # columns that do not depend on the pixel size
Result = TypeVar("Result", bound=MeasuredImage)


def candidates_of(result: MeasuredImage) -> Candidates:
    """All objects of an image; its cells alone, if nothing else is known."""
    if result.candidates is not None:
        return result.candidates
    count, none = len(result.scores), np.zeros(0, np.int64)
    return Candidates(
        result.scores, np.ones(count, bool), no_outlines(count), np.arange(count), none, none, none.astype(np.int32),
        result.classes, result.small_cells,
    )  # fmt: skip


def all_labels(result: ImageResult) -> Labels:
    """Labels of all objects of an image, also of those that do not count: int32 (H, W)."""
    return candidates_of(result).restore(result.labels)


def recount(result: ImageResult, settings: SegmentSettings) -> ImageResult:
    """The result when `settings` say how small a cell may be and whether cut ones count.

    What a person has outlined counts at any size.
    """
    of = candidates_of(result)
    return count_cells(result, of.restore(result.labels), of.scores, of.sure, of.whole, settings, of.classes, of.small)


def with_cut_cells(result: ImageResult) -> ImageResult:
    """The result in which cells that the border cuts count: they are corrected like others."""
    settings = result.settings
    return recount(result, settings.replace(drop_border_cells=False)) if settings.drop_border_cells else result


def count_cells(
    like: ImageResult,
    labels: Labels,
    scores: np.ndarray,
    sure: np.ndarray,
    whole: FullOutlines,
    settings: SegmentSettings,
    classes: Classification | None,
    small: SmallCells | None,
    **facts: object,
) -> ImageResult:
    """Measure those of the M objects of `labels` int32 (H, W) that count, in the image of `like`.

    scores: float32 (M,). sure: bool (M,). classes: of the M. small: all small cells. facts: fields that are
    not as in `like`.
    """
    facts = {f.name: getattr(like, f.name) for f in fields(MeasuredImage) if f.name not in MEASURED} | facts
    by_hand = facts["correction"] is not None
    rule = settings.replace(min_cell_percent=0.0) if by_hand else settings
    chosen = select_cells(labels, sure, rule, like.diameter_px)
    unsure = np.column_stack([middles(labels, chosen.rejected), scores[chosen.rejected]]).astype(np.float32)
    return ImageResult.measure(
        like.image,
        chosen.labels,
        scores[chosen.rows],
        like.pixel_size_um,
        whole.take(chosen.rows),
        chosen.in_frame,
        settings=settings,
        rejected=like.rejected if by_hand else unsure,
        candidates=Candidates.of(labels, chosen.rows, scores, sure, whole, classes, small),
        classes=None if classes is None else classes.take(chosen.rows),
        small_cells=small_cells_beside(small, chosen, labels, sure, rule, like.diameter_px),
        **facts,
    )


def pixel_size_of(result: MeasuredImage, typed_um: float | None, typed_from: str = TYPED) -> tuple[float | None, str]:
    """The pixel size, and where it comes from, that a result has if one is typed (None: as its file states it)."""
    if typed_um:
        return typed_um, typed_from
    size = result.stated_pixel_size_um
    return size, stated_source(result.stated_pixel_size_from) if size else ""


def with_pixel_size(result: Result, typed_um: float | None, typed_from: str = TYPED) -> Result:
    """The result in µm of a typed pixel size, and in words where that comes from; None: as its file states it. Needs no
    pixels.
    """
    size, source = pixel_size_of(result, typed_um, typed_from)
    if size == result.pixel_size_um:
        return result if source == result.pixel_size_source else replace(result, pixel_size_from=source)
    cells = add_micrometres(result.cells, size)
    for name in NO_PIXELS:
        cells[name] = result.cells[name]
    add_full_um2(cells, size)
    summary = summarise(cells, result.shape, size, result.summary.cell_count_in_frame)
    return replace(result, pixel_size_um=size, pixel_size_from=source, cells=cells, summary=summary)
