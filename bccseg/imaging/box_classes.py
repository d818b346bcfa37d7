"""What boxes say about cells beside where they are: which class each is of, and where the smallest ones lie."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from skimage.filters import threshold_otsu

from bccseg.classes import CellClass, ImageClasses
from bccseg.config import MIN_PIECE_PX
from bccseg.imaging.label_image import Labels, Mask
from bccseg.imaging.part_mask import Boxes, box_window, ellipse_depth

SAME_PLACE = 0.4  # overlap (IoU) of a box and that of a cell, from which they mean one thing
ROUND_THE_BOX = 0.5  # of its size: background that a small object is compared with
LEAST_SHARE = 0.15  # of its box that a small object fills; less is stain in a corner


def box_of_cells(labels: Labels, boxes: Boxes) -> NDArray[np.intp]:
    """For each id 0..N the box that means it, as a row of `boxes` (M, 4); -1 where none does: int (N + 1,)."""
    owner, best = np.full(int(labels.max(initial=0)) + 1, -1), np.zeros(int(labels.max(initial=0)) + 1)
    around = ndi.find_objects(labels)
    for k, box in enumerate(boxes):
        window = box_window(box, labels.shape)
        inside = np.bincount(labels[window][ellipse_depth(box[None], window)[0] <= 1], minlength=2)
        cell = int(inside[1:].argmax()) + 1
        if not inside[cell]:
            continue
        rows, cols = around[cell - 1]
        own = np.array([cols.start, rows.start, cols.stop, rows.stop], np.float64)
        overlap = box_iou(own, box)
        if overlap >= SAME_PLACE and overlap > best[cell]:
            owner[cell], best[cell] = k, overlap
    return owner


def classes_from_boxes(
    labels: Labels,
    image: NDArray[np.uint8] | None,
    numbers: NDArray[np.intp],
    boxes: Boxes,
    classes: dict[int, CellClass],
) -> tuple[Labels, ImageClasses]:
    """Classes of the cells that have a box, and the labels with the cells of small classes added.

    labels: int32 (H, W), the cells of all other classes. image: RGB uint8 (H, W, 3), to outline small cells on; None:
    those are left out. numbers: int (M,), of the class of each of the boxes (M, 4). classes: by these numbers.
    """
    labels, cells = labels.copy(), {}
    plain = np.array([k for k, n in enumerate(numbers) if n in classes and not classes[n].small], np.intp)
    for cell, row in enumerate(box_of_cells(labels, boxes[plain])):
        if row >= 0:
            cells[cell] = classes[numbers[plain[row]]].name
    used = {one.name: one for one in classes.values() if image is not None or not one.small}
    for number, box in zip(numbers, boxes, strict=True):
        if image is None or number not in classes or not classes[number].small:
            continue
        window, own = outline_in_box(image, box, labels > 0)
        if own.sum() >= MIN_PIECE_PX:
            cell = int(labels.max()) + 1
            labels[window][own] = cell
            cells[cell] = classes[number].name
    return labels, ImageClasses(classes=tuple(used.values()), cells=cells, complete=tuple(used))


def box_iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes: left, top, right, bottom."""
    width, height = np.maximum(0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]))
    union = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - width * height
    return float(width * height / union) if union > 0 else 0.0


def outline_in_box(image: NDArray[np.uint8], box: NDArray[np.float64], taken: Mask) -> tuple[tuple[slice, slice], Mask]:
    """A stained object that a box says is there, such as a platelet: the window (rows, columns), and its pixels there.

    What is darker in green, where azure and eosin absorb, than Otsu's threshold between it and its surroundings
    (doi 10.1109/TSMC.1979.4310076), inside the ellipse of the box; the whole ellipse where that is nearly nothing.
    image: RGB uint8 (H, W, 3). taken: bool (H, W), pixels of other cells, which it gets none of.
    """
    wide = box + np.array([-1, -1, 1, 1]) * ROUND_THE_BOX * max(box[2:] - box[:2])
    window = box_window(wide, taken.shape)
    green = cv2.GaussianBlur(image[window][..., 1], (0, 0), 0.7)
    free = ~taken[window]
    ellipse = (ellipse_depth(box[None], window)[0] <= 1.1) & free
    if not ellipse.any() or np.ptp(green[free]) == 0:
        return window, ellipse
    dark = ellipse & (green <= threshold_otsu(green[free]))
    filled = ndi.binary_fill_holes(ndi.binary_opening(dark, iterations=1) | (dark & ~ndi.binary_erosion(ellipse)))
    found = filled & ellipse
    return window, found if found.sum() >= LEAST_SHARE * ellipse.sum() else ellipse
