"""What the network should answer, made from the true cells."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

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
        if box is None:
            continue
        inside = np.pad(labels[box] == i, 1)  # a frame of background ...
        for axis, (span, size) in enumerate(zip(box, labels.shape, strict=True)):
            for side, at_border in ((0, span.start == 0), (-1, span.stop == size)):
                if at_border:  # ... but not where the image ends
                    frame, cell = [slice(None)] * 2, [slice(None)] * 2
                    frame[axis], cell[axis] = side, 1 if side == 0 else -2
                    inside[tuple(frame)] = inside[tuple(cell)]
        edt = ndi.distance_transform_edt(np.pad(inside, 1, mode="edge"))[2:-2, 2:-2]
        own = labels[box] == i
        out[box][own] = (edt[own] / edt[own].max()).astype(np.float32)
    return out


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
