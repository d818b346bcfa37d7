"""An image with its truth, scaled to one cell diameter and ready for crops."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.classes import CellClass, ImageClasses
from bccseg.config import TrainConfig
from bccseg.errors import DataError
from bccseg.imaging.cell_shape import CellShapes, cell_shapes
from bccseg.imaging.contours import measure_outlines
from bccseg.imaging.label_image import Labels, areas, median_diameter, relabel
from bccseg.imaging.normalise import white_level
from bccseg.imaging.resize import resize, resize_labels, scaled_size
from bccseg.io.images import read_image
from bccseg.io.truth import read_classes, read_objects, read_truth
from bccseg.training.targets import distance_target, trusted_pixels

STORED_DIAMETER = 1.5  # images are kept at this many training diameters, so that zooming in stays sharp


HALO_PX = 4  # what belongs to a cell around its outline: diffraction, blur
PLAIN_AREA = (0.5, 1.6)  # of the median; what is smaller or larger is a fragment, a white cell, or several cells
PLAIN_SOLIDITY = 0.93  # less is several cells, or a deformed one


@dataclass(frozen=True)
class TrainingImage:
    """An image and its truth at the stored scale, or a view of one."""

    name: str
    image: NDArray[np.uint8]  # (H, W, 3)
    cell: NDArray[np.uint8]  # (H, W), 0 to 255: inside any cell
    distance: NDArray[np.uint8]  # (H, W), 0 to 255: `distance_target`
    trusted: NDArray[np.uint8]  # (H, W), 0 to 255: `trusted_pixels`
    white: NDArray[np.float32]  # (3,), level of the background
    cells: int
    labels: Labels  # int32 (H, W), without the cells of small classes
    small: NDArray[np.uint8]  # (H, W): number of the small class that is there, from 1; 0: none
    possible: NDArray[np.uint32]  # (N + 1,) of the ids 0..N: bit k for the k-th class, bit 0 for none; 0: not known
    shapes: CellShapes  # of the ids 0..N
    boxes: list[tuple[slice, slice] | None]  # of the ids 1..N; of the whole image
    free_cells: NDArray[np.intp]  # ids of plain cells that nothing touches

    def view(self, rows: slice, cols: slice) -> "TrainingImage":
        """What lies in a window; arrays are views."""
        window = (rows, cols)
        return replace(
            self, image=self.image[window], cell=self.cell[window], distance=self.distance[window],
            trusted=self.trusted[window], labels=self.labels[window], small=self.small[window],
            shapes=self.shapes.moved(-rows.start, -cols.start),
        )  # fmt: skip


def load_training_image(image_path: Path, truth_path: Path, config: TrainConfig) -> TrainingImage:
    """Read an image and its truth (`io.truth`), and bring the cells to the stored diameter.

    Raises DataError, ImageError.
    """
    image = read_image(image_path)
    labels, unknown = read_truth(truth_path, image, image_path.name)
    objects = read_objects(truth_path, labels, image_path.name)
    labels, small, possible = class_truth(objects, read_classes(truth_path), config.classes)
    diameter = median_diameter(labels)
    if diameter is None:
        raise DataError(f"{truth_path.name} marks no cell. Take the pair out or mark its cells.")
    trusted = trusted_pixels(labels, config.ignore_border_cells * diameter) & ~unknown
    scale = STORED_DIAMETER * config.diameter_px / diameter

    def stored(values: NDArray) -> NDArray[np.uint8]:
        return np.round(resize(values.astype(np.float32), scale) * 255).astype(np.uint8)

    size = scaled_size(labels.shape, scale)
    resized = resize_labels(labels, size)
    boxes = ndi.find_objects(resized, max_label=int(labels.max()))
    return TrainingImage(
        name=image_path.stem,
        image=resize(image, scale),
        cell=stored(labels > 0),
        distance=stored(distance_target(labels)),
        trusted=stored(trusted),
        white=white_level(image),
        cells=int(labels.max()),
        labels=resized,
        small=resize_labels(small, size).astype(np.uint8),
        possible=possible,
        shapes=cell_shapes(labels).scaled(scale),
        boxes=boxes,
        free_cells=find_free_cells(resized, boxes, STORED_DIAMETER * config.diameter_px),
    )


def class_truth(
    labels: Labels, known: ImageClasses, classes: tuple[CellClass, ...]
) -> tuple[Labels, NDArray[np.uint8], NDArray[np.uint32]]:
    """Labels without what is no cell, where the small classes are, and which classes each cell left may be of.

    See `TrainingImage`. classes: those to be learned; what is known about others is not used.
    """
    number = {one.name: k for k, one in enumerate(classes, start=1)}
    owner = np.zeros(int(labels.max(initial=0)) + 1, np.uint8)
    keep = np.ones(len(owner), bool)
    for cell in known.no_cells():
        if cell < len(owner):
            owner[cell], keep[cell] = number.get(known.cells[cell], 0), False
    keep[0] = False
    possible = np.full(len(owner), (2 << len(classes)) - 2, np.uint32)  # any class, but one
    for cell, name in known.cells.items():
        if cell < len(owner) and name in number:
            possible[cell] = 1 << number[name]
    possible[0] = 1 + sum(1 << k for name, k in number.items() if name not in known.complete)
    if not classes:
        possible[:] = 0
    return relabel(labels, keep), owner[labels], np.concatenate([possible[:1], possible[keep]])


def find_free_cells(labels: Labels, boxes: list, diameter_px: float) -> NDArray[np.intp]:
    """Ids of the cells of usual size and shape with nothing but background within HALO_PX: int (M,)."""
    size = areas(labels)
    relative = size / (np.pi * (diameter_px / 2) ** 2)
    usual = np.flatnonzero((relative >= PLAIN_AREA[0]) & (relative <= PLAIN_AREA[1]))
    usual = usual[usual > 0]
    free = []
    for k, solid in zip(usual, measure_outlines(labels, usual, size[usual]).solidity, strict=True):
        if solid < PLAIN_SOLIDITY:
            continue
        box = boxes[k - 1]
        around = tuple(slice(span.start - HALO_PX, span.stop + HALO_PX) for span in box)
        if any(s.start < 0 or s.stop > n for s, n in zip(around, labels.shape, strict=True)):
            continue
        own = (labels[around] == k).astype(np.uint8)
        near = cv2.dilate(own, np.ones((2 * HALO_PX + 1,) * 2, np.uint8)) > 0
        if not ((labels[around] > 0) & near & (own == 0)).any():
            free.append(k)
    return np.array(free, np.intp)
