"""What the network should answer, made from the true cells."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from bccseg.imaging.cell_shape import CellShapes, log_spread
from bccseg.imaging.label_image import Labels, Mask, border_ids


def distance_target(labels: Labels) -> NDArray[np.float32]:
    """Distance to the cell's own edge, divided by the largest one in that cell: float32 (H, W), 0 to 1.

    1 at the innermost point of every cell whatever its size, 0 outside and between touching cells,
    so each cell has one peak and the valleys separate neighbours; a normalised form of the distance map of
    Naylor et al. 2019, doi 10.1109/TMI.2018.2865709. A cell cut by the image border is taken to go on
    beyond it.
    """
    out = np.zeros(labels.shape, np.float32)
    for i, box in enumerate(ndi.find_objects(labels), start=1):
        if box is not None:
            own = labels[box] == i
            out[box][own] = cell_distance(labels, i, box)[own]
    return out


def cell_distance(labels: Labels, cell: int, box: tuple[slice, slice]) -> NDArray[np.float32]:
    """`distance_target` of one cell in its bounding box."""
    inside = np.pad(labels[box] == cell, 1)  # a frame of background ...
    for axis, (span, size) in enumerate(zip(box, labels.shape, strict=True)):
        for side, at_border in ((0, span.start == 0), (-1, span.stop == size)):
            if at_border:  # ... but not where the image ends
                frame, edge = [slice(None)] * 2, [slice(None)] * 2
                frame[axis], edge[axis] = side, 1 if side == 0 else -2
                inside[tuple(frame)] = inside[tuple(edge)]
    inside = np.pad(inside, 1, mode="edge")
    if inside.all():  # it fills the image: no edge is known
        return np.ones(labels[box].shape, np.float32)
    edt = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[2:-2, 2:-2]
    return edt / edt[labels[box] == cell].max()


def trusted_pixels(labels: Labels, border_px: float) -> Mask:
    """Where the truth can be trusted: bool (H, W).

    Annotators left out some of the cells that the image border cuts, so background within
    `border_px` of the border is not trusted, and training ignores it there. A network must not
    learn to overlook cut cells.
    """
    band = round(border_px)
    if band <= 0:
        return np.ones(labels.shape, bool)
    inner = np.zeros(labels.shape, bool)
    inner[band:-band, band:-band] = True
    marked = np.isin(labels, border_ids(labels))
    return inner | (labels > 0) | ndi.binary_dilation(marked, iterations=max(1, band // 8))


def shape_maps(
    labels: Labels, shapes: CellShapes, diameter_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What each pixel of a cell should know of the cell it belongs to, and where that is known: float32 (5, H, W) each.

    Way to the cell's centre, y and x, in diameters (Neven et al. 2019, doi 10.1109/CVPR.2019.00904; Uhrig et al. 2018,
    doi 10.1007/978-3-030-12939-2_2), and logarithm of its spread (`imaging.cell_shape`). Pixels of overlapping cells
    point to different centres, however little they differ in colour. The spread of cells that are not whole is
    not known; outside of cells nothing is asked. diameter_px: that counts as 1.
    """
    h, w = labels.shape
    way = shapes.centre[labels].transpose(2, 0, 1) - np.mgrid[:h, :w]
    spread = log_spread(shapes.spread, diameter_px)[labels].transpose(2, 0, 1)
    inside = labels > 0
    known = np.stack([inside] * 2 + [inside & shapes.whole[labels]] * 3)
    maps = np.concatenate([way / diameter_px, spread]) * known
    return maps.astype(np.float32), known.astype(np.float32)
