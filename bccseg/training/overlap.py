"""Training augmentation: cells that overlap, with exact truth.

Whole cells of an image are laid beside and over others of the same image. Light passes through both cells, so their
optical densities add up (Beer-Lambert), as far as the cell in front lets the one behind shine through. No annotator
needs to guess where the hidden outline runs: it is known. Pixels that two cells share go to the one in whose ellipse
they lie deeper, or to the one in front where it hides the other.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.config import OverlapConfig
from bccseg.imaging.cell_shape import CellShapes, cell_shapes, depth_inside
from bccseg.imaging.normalise import normalise
from bccseg.training.targets import cell_distance
from bccseg.training.training_image import HALO_PX, TrainingImage

TRIES = 4  # places that are tried for each cell
LEAST_VISIBLE = 0.25  # share of a cell that must stay its own
HIDES = 0.3  # below this transmission the cell in front counts as opaque
TURN_SCALE = (0.85, 1.18)  # pasted cells are that much smaller or larger than they were
STACK_STEP = (0.25, 0.6)  # distance of neighbours in a stack, in diameters
RIM_PX = 1.5  # soft edge of a pasted cell


@dataclass(frozen=True)
class Patch:
    """A cell taken out of its image, turned and scaled."""

    density: NDArray[np.float32]  # (h, w, 3), optical density over that of the background around it
    alpha: NDArray[np.float32]  # (h, w), 1 on the cell, soft beyond its edge
    mask: NDArray[np.bool_]  # (h, w)
    radius: float  # px, of the circle of the same area
    possible: np.uint32  # classes, see `TrainingImage`


def add_overlaps(
    view: TrainingImage, source: TrainingImage, config: OverlapConfig, rng: np.random.Generator
) -> TrainingImage:
    """The view of an image with up to `config.cells` cells of `source` more on it, and the truth of them all."""
    if not len(source.free_cells) or not view.labels.any():
        return view
    canvas = Canvas(view)
    last: tuple[float, float, float, float] | None = None  # where the stack has come to, and its direction
    for _ in range(rng.integers(1, config.cells + 1)):
        patch = cut_patch(source, int(rng.choice(source.free_cells)), rng)
        transmission = rng.uniform(config.transmission_min, config.transmission_max)
        stacked = last is not None and rng.random() < config.stack_share
        for _ in range(TRIES):
            y, x, angle = canvas.next_in_stack(last, patch, rng) if stacked else canvas.beside_a_cell(patch, rng)
            if canvas.paste(patch, y, x, transmission, config, rng):
                last = (y, x, angle, patch.radius)
                break
    return canvas.finished()


def cut_patch(source: TrainingImage, cell: int, rng: np.random.Generator) -> Patch:
    """A whole cell of an image, turned by any angle, mirrored and scaled at random."""
    box = source.boxes[cell - 1]
    rows, cols = (slice(span.start - HALO_PX, span.stop + HALO_PX) for span in box)
    light = np.clip(normalise(source.image[rows, cols], source.white), 0.02, 1.2)
    labels = source.labels[rows, cols]
    mask = (labels == cell).astype(np.uint8)
    free = labels == 0
    background = np.median(light[free], axis=0) if free.any() else np.ones(3, np.float32)
    density = -np.log(light / background)
    h, w = mask.shape
    side = int(np.ceil(np.hypot(h, w) * TURN_SCALE[1]))
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), rng.uniform(0, 360), rng.uniform(*TURN_SCALE))
    turn[:, 2] += (side - 1) / 2 - np.array([(w - 1) / 2, (h - 1) / 2])
    if rng.random() < 0.5:
        turn[0] = -turn[0]
        turn[0, 2] += side - 1
    flat = cv2.warpAffine(mask.astype(np.float32), turn, (side, side))
    density = cv2.warpAffine(density.astype(np.float32), turn, (side, side))
    mask = flat > 0.5
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    alpha = cv2.GaussianBlur(wide, (0, 0), RIM_PX)
    return Patch(density, alpha, mask, float(np.sqrt(mask.sum() / np.pi)), source.possible[cell])


class Canvas:
    """A view of an image that cells are pasted on."""

    def __init__(self, view: TrainingImage) -> None:
        self.view = view
        self.light = normalise(view.image, view.white)
        self.labels, self.cell = view.labels.copy(), view.cell.copy()
        self.trusted, self.small = view.trusted.copy(), view.small.copy()
        self.possible = [*view.possible]
        self.centre, self.spread = [*view.shapes.centre], [*view.shapes.spread]
        self.whole = [*view.shapes.whole]
        self.size = [*np.bincount(self.labels.ravel(), minlength=len(self.centre))]  # what shows of each cell
        self.full = list(self.size)
        self.there = np.flatnonzero(np.array(self.size[1:]) > 0) + 1
        self.changed: set[int] = set()

    def beside_a_cell(self, patch: Patch, rng: np.random.Generator) -> tuple[float, float, float]:
        """A place (y, x) where the patch touches or overlaps one of the cells, and the direction to it."""
        cell = int(rng.choice(self.there))
        angle = rng.uniform(0, 2 * np.pi)
        reach = (np.sqrt(self.full[cell] / np.pi) + patch.radius) * rng.uniform(0.3, 1.05)
        y, x = self.centre[cell]
        return y + np.sin(angle) * reach, x + np.cos(angle) * reach, angle

    def next_in_stack(
        self, last: tuple[float, float, float, float], patch: Patch, rng: np.random.Generator
    ) -> tuple[float, float, float]:
        """The next place in a stack of cells (rouleau), which bends a little."""
        y, x, angle, radius = last
        angle += rng.normal(0, 0.2)
        step = (radius + patch.radius) * rng.uniform(*STACK_STEP)
        return y + np.sin(angle) * step, x + np.cos(angle) * step, angle

    def paste(
        self, patch: Patch, y: float, x: float, transmission: float, config: OverlapConfig, rng: np.random.Generator
    ) -> bool:
        """Lay the patch with its middle at (y, x), unless too much would be hidden; returns whether it was."""
        side = len(patch.mask)
        top, left = round(y - side / 2), round(x - side / 2)
        if top < 0 or left < 0 or top + side > self.labels.shape[0] or left + side > self.labels.shape[1]:
            return False
        window = np.s_[top : top + side, left : left + side]
        below, area = self.labels[window], int(patch.mask.sum())
        hit = np.bincount(below[patch.mask], minlength=len(self.centre))
        hit[0] = 0
        under = np.flatnonzero(hit)
        shares = [hit[k] / min(area, max(self.full[k], 1)) for k in under]
        if hit.sum() > config.overlap_max * area or any(s > config.overlap_max for s in shares):
            return False
        if config.overlap_min and max(shares, default=0) < config.overlap_min:
            return False
        shape = cell_shapes(patch.mask.astype(np.int32))
        take = patch.mask.copy()
        if transmission >= HIDES:
            rows, cols = np.mgrid[:side, :side]
            mine = depth_inside(rows, cols, shape.centre[1], shape.spread[1])
            for k in under:
                other = depth_inside(rows, cols, self.centre[k] - np.array([top, left]), self.spread[k])
                take &= ~((below == k) & (other < mine))
        lost = np.bincount(below[take], minlength=len(self.centre))
        if take.sum() < LEAST_VISIBLE * area:
            return False
        if any(self.size[k] - lost[k] < LEAST_VISIBLE * self.full[k] for k in under):
            return False
        number = len(self.centre)
        below[take] = number
        for k in under:
            self.size[k] -= int(lost[k])
        self.centre.append(shape.centre[1] + np.array([top, left], np.float32))
        self.spread.append(shape.spread[1])
        self.whole.append(True)
        self.possible.append(patch.possible)
        self.size.append(int(take.sum()))
        self.full.append(area)
        self.changed |= {number, *under.tolist()}
        self.there = np.append(self.there, number)
        self._lay(patch, window, transmission, config, rng)
        return True

    def _lay(
        self,
        patch: Patch,
        window: tuple[slice, slice],
        transmission: float,
        config: OverlapConfig,
        rng: np.random.Generator,
    ) -> None:
        """Light through the cell in front and, as far as it lets it pass, through what lies behind."""
        alpha = patch.alpha[..., None]
        behind = -np.log(np.clip(self.light[window], 0.02, 1.5))
        stain = np.float32(rng.uniform(config.density_min, config.density_max))
        covered = cv2.GaussianBlur(patch.mask.astype(np.float32), (0, 0), 0.7)[..., None]
        passing = 1 - covered * np.float32(1 - transmission)
        mixed = behind * (1 - alpha * (1 - passing)) + (alpha * stain) * patch.density
        self.light[window] = np.exp(-mixed)
        self.cell[window] = np.maximum(self.cell[window], np.round(255 * covered[..., 0]).astype(np.uint8))
        self.trusted[window][patch.mask] = 255
        self.small[window][patch.mask] = 0

    def finished(self) -> TrainingImage:
        """The view with all that was pasted."""
        if not self.changed:
            return self.view
        view, distance = self.view, self.view.distance.copy()
        for k, box in enumerate(ndi.find_objects(self.labels), start=1):
            if k in self.changed and box:
                own = self.labels[box] == k
                distance[box][own] = np.round(255 * cell_distance(self.labels, k, box)[own])
        return replace(
            view,
            image=np.clip(np.round(self.light * view.white), 0, 255).astype(np.uint8),
            cell=self.cell, distance=distance, trusted=self.trusted, labels=self.labels,
            small=self.small, possible=np.array(self.possible, np.uint32),
            shapes=CellShapes(np.stack(self.centre), np.stack(self.spread), np.array(self.whole)),
        )  # fmt: skip
