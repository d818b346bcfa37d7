"""Training labels of images whose cells have boxes but no outlines."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.config import MIN_PIECE_PX
from bccseg.imaging.label_image import Labels, Mask, areas, relabel
from bccseg.imaging.normalise import white_level
from bccseg.imaging.part_mask import Boxes, box_window, ellipse_depth, part_mask
from bccseg.imaging.resize import resize, resize_to
from bccseg.inference.predictor import Predictor

SURE_INSIDE, SURE_OUTSIDE = 0.7, 1.3  # depths in a box's ellipse: what is deeper is the cell, what is farther is not
FOUND = 0.75  # share of the box's ellipse that the outline must fill, to be taken as it is


class BoxLabels(NamedTuple):
    """What boxes and a network know together of an image."""

    labels: Labels  # int32 (H, W)
    unknown: Mask  # bool (H, W): neither says for sure what is there


def label_boxes(image: NDArray[np.uint8], cells: Boxes, others: Boxes, predictor: Predictor) -> BoxLabels:
    """Outlines of the cells that have a box: where the network sees a cell, parted by the boxes.

    cells: boxes of whole cells; others: of what is no cell (platelets). Nearly every cell must have a box. What the
    network takes for a cell and nobody boxed is unknown; a boxed cell that it does not see is the inside of its ellipse
    with an unknown rim.
    """
    shape = image.shape[:2]
    unknown = np.zeros(shape, bool)
    if not len(cells):
        return BoxLabels(np.zeros(shape, np.int32), ~unknown)
    seen = cell_mask(image, cells, predictor)
    boxed, nearest = depth_of_boxes(cells, shape)
    seen &= ~((depth_of_boxes(others, shape)[0] <= 1) & (boxed > 1))
    labels = part_mask(seen & (boxed <= SURE_OUTSIDE), cells)
    unknown |= seen & (labels == 0)
    boxes_of = set()  # ids that have a box; the rest are scraps of what nobody boxed
    for k, box in enumerate(cells, start=1):
        window = box_window(box, shape)
        own = (nearest[window] == k) & (boxed[window] <= 1)  # of its ellipse, what no other box lies nearer to
        covering = np.bincount(labels[window][own], minlength=2)
        owner = int(covering[1:].argmax()) + 1
        if covering[owner] >= FOUND * own.sum():
            boxes_of.add(owner)
            continue
        depth = ellipse_depth(box[None], window)[0]
        core = own & (depth <= SURE_INSIDE)
        labels[window][own & ~core & (labels[window] == owner)] = 0
        labels[window][core] = labels.max() + 1
        boxes_of.add(int(labels.max()))
        unknown[window] |= (depth > SURE_INSIDE) & (depth <= SURE_OUTSIDE) & (labels[window] == 0)
    keep = np.isin(np.arange(labels.max() + 1), list(boxes_of)) & (areas(labels) >= MIN_PIECE_PX)
    unknown |= (labels > 0) & ~keep[labels]
    return BoxLabels(relabel(labels, keep), unknown)


def cell_mask(image: NDArray[np.uint8], cells: Boxes, predictor: Predictor) -> Mask:
    """Where the network sees cells, shown at the size that the boxes say: bool (H, W)."""
    diameter = float(np.median((cells[:, 2:] - cells[:, :2]).mean(axis=1)))
    maps = predictor(resize(image, predictor.config.diameter_px / diameter), white_level(image))
    return ndi.binary_fill_holes(resize_to(maps.cell, (image.shape[1], image.shape[0])) > 0.5)


def depth_of_boxes(boxes: Boxes, shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Depth of each pixel in the box it lies deepest in (`ellipse_depth`), infinite far from all: float64 (H, W); and
    that box's number from 1, 0 for none: int (H, W).
    """
    best, number = np.full(shape, np.inf), np.zeros(shape, np.intp)
    for k, box in enumerate(boxes, start=1):
        width, height = box[2:] - box[:2]
        wide = box + np.array([-1, -1, 1, 1]) * 0.1 * max(width, height)
        window = box_window(wide, shape)
        depth = ellipse_depth(box[None], window)[0]
        deeper = depth < best[window]
        best[window][deeper], number[window][deeper] = depth[deeper], k
    return best, number
