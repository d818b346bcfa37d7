"""A part of a slide at full resolution with the cells that were found there."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.regions import Region
from bccseg.slides.label_store import SlideLabels
from bccseg.slides.open import open_slide
from bccseg.slides.regions import window_of
from bccseg.slides.segmenting import LABELS

SIDE_PX = 1200
GOLDEN = 0.6180339887  # steps of it, modulo 1, come nowhere twice and leave no gap


@dataclass(frozen=True)
class Closeup:
    """A part of a slide."""

    image: NDArray[np.uint8]  # (h, w, 3)
    labels: Labels  # int32 (h, w), ids from 1 on in the order of the slide's
    left: int  # px of level 0
    top: int
    cells: int


def closeup(slide_path: Path, folder: Path, region: Region, number: int = 0) -> Closeup:
    """A place in a region: its middle first, others with other numbers. Raises ImageError, StoreError."""
    with open_slide(slide_path) as slide:
        rows, columns = window_of(region, slide.shape)
        spans = [_part(rows, (0.5 + number * GOLDEN) % 1), _part(columns, (0.5 + number * GOLDEN**2) % 1)]
        (top, height), (left, width) = spans
        image = slide.region(0, top, left, height, width)
        found = SlideLabels(folder / LABELS, slide.shape).read((slice(top, top + height), slice(left, left + width)))
    ids, labels = np.unique(found, return_inverse=True)
    labels = labels.reshape(found.shape).astype(np.int32) + (0 if ids[0] == 0 else 1)
    return Closeup(image, labels, left, top, int(np.count_nonzero(ids)))


def _part(span: slice, at: float) -> tuple[int, int]:
    """Start and length of a part of a span; at: 0 to 1, its place."""
    length = min(SIDE_PX, span.stop - span.start)
    return span.start + round(at * (span.stop - span.start - length)), length
