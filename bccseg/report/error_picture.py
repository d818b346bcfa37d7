"""Where a prediction and the truth differ, as a picture."""

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.resize import resize, resize_labels
from bccseg.metrics.error_types import classify_errors
from bccseg.report.overlay import cell_edges

COLOURS = {"found": (0, 160, 70), "extra": (245, 130, 0), "missed": (215, 0, 160)}  # also told apart when colour-blind


def draw_errors(image: NDArray[np.uint8], truth: Labels, predicted: Labels, longest: int = 0) -> NDArray[np.uint8]:
    """The image with outlines: found cells green and thin; predicted ones without a partner orange; true ones without a
    partner magenta. uint8 (H, W, 3), shrunk so that no side is longer than `longest` (0: as it is).
    """
    scale = min(1.0, longest / max(image.shape[:2])) if longest else 1.0
    if scale < 1:
        image = resize(image, scale)
    missed, extra = classify_errors(truth, predicted)
    out = image.copy()
    for labels, ids, colour, width in (
        (predicted, set(np.unique(predicted).tolist()) - {0} - set(extra), COLOURS["found"], 1),
        (predicted, extra, COLOURS["extra"], 2),
        (truth, missed, COLOURS["missed"], 2),
    ):
        shown = resize_labels(np.where(np.isin(labels, list(ids)), labels, 0), (image.shape[1], image.shape[0]))
        out[cell_edges(shown, width)] = colour
    return out
