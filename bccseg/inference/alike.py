"""Images of one batch that look alike share a cell diameter: found in the first, checked in each of the others."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import median_diameter
from bccseg.imaging.normalise import white_level
from bccseg.report.result import ImageResult

VIEW_PX = 400  # width at which an image is looked at
SAME_WHITE = 15.0  # grey levels
SAME_GRAIN = 1.15  # and its inverse
FITS = 0.05  # how far the cells that are found may be from the diameter that was looked for
LEAST_CELLS, LEAST_SCORE = 10, 0.5  # cells off the border, and their median score, for that to be known


class Look(NamedTuple):
    """What tells without a network whether two images may show cells of one size."""

    shape: tuple[int, int]  # (H, W)
    white: NDArray[np.float32]  # (3,), level of the background
    grain: float  # px: area of what is dark over the length of its outline; a quarter of the diameter of lone discs

    def like(self, other: "Look") -> bool:
        """Whether they may; what is found then has to fit."""
        if self.shape != other.shape or np.abs(self.white - other.white).max() > SAME_WHITE:
            return False
        return 1 / SAME_GRAIN < self.grain / other.grain < SAME_GRAIN


def look_at(image: NDArray[np.uint8]) -> Look:
    """Look at an image uint8 (H, W, 3)."""
    shrink = min(1.0, VIEW_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else image
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    outline = (dark[1:] != dark[:-1]).sum() + (dark[:, 1:] != dark[:, :-1]).sum()
    return Look(image.shape[:2], white_level(image), max(1, int(dark.sum())) / max(1, int(outline)) / shrink)


def fits(found: ImageResult) -> bool:
    """Whether the cells that were found have the diameter that was looked for, and the network is sure of them."""
    inside = found.cells.loc[~found.cells["touches_border"]]
    if len(inside) < LEAST_CELLS or inside["score"].median() < LEAST_SCORE:
        return False
    size = median_diameter(found.labels)
    return size is not None and abs(size / found.diameter_px - 1) <= FITS


class First(NamedTuple):
    """The first picture of a batch."""

    look: Look
    diameter_px: float

    @classmethod
    def of(cls, found: ImageResult) -> "First | None":
        """None where its diameter was not measured."""
        return cls(look_at(found.image), found.diameter_px) if found.diameter_from == "measured" else None
