"""Which of the small things that a class map shows are cells: a linear rule on how they look.

The map alone takes stain grains and dirt for platelets, too. What tells them apart is colour, sharpness and what lies
around: some forty numbers, weighed by logistic regression, kept in the settings of the weights.
"""

from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage as ndi

from bccseg.errors import WeightsError
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import Labels, Mask, equivalent_diameter
from bccseg.imaging.resize import resize_labels, resize_to
from bccseg.schema import Schema

LIMIT = 4.0  # of a standardised number: one odd value must not decide
RIM, AROUND, NEAR = (
    1,
    4,
    12,
)  # px of the network's scale: left out, around that, and in which other cells are looked for
LEAST_LIGHT = 1  # of 255
OF_COLOUR = 6  # numbers a colour channel
EVERY = 7  # of the pixels of the cells are enough for their typical colour


class SmallRule(Schema):
    """Logistic regression on `small_looks`: what a candidate must look like to be a small cell."""

    error = WeightsError
    title = "rule for small cells"

    mean: tuple[float, ...]  # of each number, over the candidates it was learned from
    scale: tuple[float, ...]  # what counts as 1
    weight: tuple[float, ...]
    bias: float
    learned_from: Annotated[str, Field(max_length=500)] = ""

    def model_post_init(self, _context: Any) -> None:
        """Refuse lists of different lengths."""
        if not len(self.mean) == len(self.scale) == len(self.weight) or min(self.scale, default=1) <= 0:
            raise WeightsError("The rule for small cells needs a mean, a scale above 0 and a weight for each number.")

    def __call__(self, looks: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely each of K candidates is a small cell, float32 (K,), 0 to 1. looks: (K, F) of `small_looks`."""
        x = np.clip((looks - np.array(self.mean)) / np.array(self.scale), -LIMIT, LIMIT)
        return (1 / (1 + np.exp(-(x @ np.array(self.weight) + self.bias)))).astype(np.float32)


def small_looks(
    pieces: Labels,
    cells: Labels,
    score: NDArray[np.float32],
    image: NDArray[np.uint8],
    white: NDArray[np.float32],
    maps: ProbabilityMaps,
    diameter_px: float,
) -> NDArray[np.float32]:
    """What tells small cells from dirt: float32 (K, F).

    pieces, cells: int32 (H, W), the K candidates and the other cells. score: (K,), their mean in the class map. image:
    uint8 (h, w, 3) at the scale of the network, in which a typical cell measures diameter_px. white: (3,), level of the
    background.
    """
    size = image.shape[1::-1]
    small, other = (resize_labels(labels, size) for labels in (pieces, cells))
    of_cells = np.flatnonzero(other > 0)[::EVERY]
    typical = np.median(_absorbance(image.reshape(-1, 3)[of_cells], white), axis=0) if len(of_cells) else np.zeros(3)
    told = [m for m in (maps.cell, maps.distance, *(() if maps.classes is None else maps.classes[1:])) if m is not None]
    shown = [resize_to(m, size) for m in told]
    out = np.zeros((len(score), 1 + OF_COLOUR * 3 + 3 + 3 * len(shown) + 6), np.float32)
    for number, box in enumerate(ndi.find_objects(small, max_label=len(score)), start=1):
        if box is not None:  # else thinner than a pixel of the network
            view = tuple(slice(max(0, s.start - NEAR), s.stop + NEAR) for s in box)
            mine, cell = small[view] == number, other[view] > 0
            out[number - 1] = [
                np.log(equivalent_diameter(mine.sum()) / diameter_px),
                *_looks(mine, cell, _absorbance(image[view], white), typical, [m[view] for m in shown]),
                *_place(mine, cell, small[view] > 0),
            ]
    return np.column_stack([score, out])


def _absorbance(image: NDArray[np.uint8], white: NDArray[np.float32]) -> NDArray[np.float32]:
    """-log(light / white) of each channel: float32 (..., 3)."""
    light = np.maximum(image.astype(np.float32), LEAST_LIGHT)
    return -np.log(light / np.maximum(white, LEAST_LIGHT))


def _looks(mine: Mask, cell: Mask, stain: NDArray, typical: NDArray, shown: list[NDArray]) -> list[float]:
    """Colour of a candidate and of what is around it, how sharp it is, and what the network's maps say there."""
    around = _grown(mine, AROUND) & ~_grown(mine, RIM)
    ring = around & ~cell if (around & ~cell).any() else around
    out: list[float] = []
    for channel, usual in zip(np.moveaxis(stain, 2, 0), typical, strict=True):
        inside, outside = channel[mine], channel[ring].mean()
        mean = inside.mean()
        out += [mean, inside.std(), inside.max(), outside, mean - outside, mean - usual]
    edges = np.hypot(*np.gradient(stain.mean(axis=2)))
    for one in (edges, *shown):
        out += [one[mine].mean(), one[mine].max(), one[ring].mean()]
    return out


def _place(mine: Mask, cell: Mask, small: Mask) -> list[float]:
    """Shape of a candidate, and how much of it and around it belongs to cells or to other candidates."""
    rows, cols = (np.flatnonzero(mine.any(axis=axis)) for axis in (1, 0))
    height, width, area = np.ptp(rows) + 1, np.ptp(cols) + 1, mine.sum()
    edge = _grown(mine, 2) & ~mine
    return [
        abs(np.log(width / height)), area / (height * width), (mine & cell).sum() / area,
        (edge & cell).sum() / max(1, edge.sum()), cell.mean(), (small & ~mine).mean(),
    ]  # fmt: skip


def _grown(mask: Mask, radius: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0
