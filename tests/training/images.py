"""Training images made by hand."""

import numpy as np
from scipy import ndimage as ndi

from bccseg.imaging.cell_shape import cell_shapes
from bccseg.training.training_image import TrainingImage, find_free_cells


def training_image(name, image, cell, distance, trusted, white, cells=1, labels=None, diameter_px=20.0):
    """A training image with the maps as given, and the cells of `labels` (none if left out)."""
    labels = np.zeros(image.shape[:2], np.int32) if labels is None else labels
    boxes = ndi.find_objects(labels)
    return TrainingImage(
        name, image, cell, distance, trusted, np.asarray(white, np.float32), cells, labels,
        np.zeros(labels.shape, np.uint8), np.zeros(int(labels.max(initial=0)) + 1, np.uint32), cell_shapes(labels),
        boxes, find_free_cells(labels, boxes, diameter_px),
    )  # fmt: skip
