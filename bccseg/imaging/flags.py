"""Which cells' numbers should not be trusted, and which fields should not be counted."""

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.resize import resize_labels, resize_to, scaled_size

SEVERAL, BLURRED = "several cells?", "out of focus"  # what stands in the column `flag`

# A cell that is probably several: larger than typical, and dented or longer than wide without being wide for a cell.
# On eight held-out fields (18 joined pairs among 609 cells) this finds 16, and half of what it flags is joined; on
# composites with many overlaps it finds 7 of 10, and three of four that it flags are joined.
LARGE = 1.3  # of the median area
DENTED = 0.95  # solidity
LONG, NARROW = 1.25, 1.2  # axis ratio; minor axis over the typical diameter. White cells are wide, not long

LOOK_PX = 48.0  # diameter at which larger cells are looked at: enough to tell sharp from soft
RING = 0.18  # width, in typical diameters, of the rings inside and outside a rim that are compared
SOFT = 0.14  # width of a rim, in typical diameters, from which on a cell counts as out of focus
LEAST_FREE = 0.2  # share of a rim that must border the background, to say how sharp it is

CROWDED_COVER, CROWDED_FLAGS = 0.6, 0.25  # covered share of the image, or flagged share of cells: too crowded to count


def flag_cells(cells: pd.DataFrame, labels: Labels, image: NDArray[np.uint8]) -> NDArray[np.object_]:
    """For each row of a `measure_cells` table SEVERAL, BLURRED, or "" (N,). image: uint8 (H, W, 3)."""
    flags = np.full(len(cells), "", object)
    inside = cells.loc[~cells["touches_border"], "area_px"]
    if not len(inside):
        return flags
    area = float(inside.median())
    diameter = float(np.sqrt(4 * area / np.pi))
    flags[rim_width(cells["cell_id"].to_numpy(), labels, image, diameter) > SOFT] = BLURRED
    narrow = cells["minor_axis_px"] < NARROW * diameter
    long = cells["major_axis_px"] > LONG * cells["minor_axis_px"]
    odd = (cells["solidity"] < DENTED) | (long & narrow)
    flags[((cells["area_px"] > LARGE * area) & odd).to_numpy()] = SEVERAL
    return flags


def rim_width(
    ids: NDArray[np.integer], labels: Labels, image: NDArray[np.uint8], diameter_px: float
) -> NDArray[np.float64]:
    """Width of the rim of each cell, from dark to light, in diameters: float64 (N,); 0 where too little of it is free.

    Contrast between rings inside and outside of the rim over the steepest change across it, as the width of an edge is
    estimated where the slope is known (Marziliano et al. 2002, doi 10.1109/ICIP.2002.1038902, measure it along a row).
    """
    count, factor = int(labels.max(initial=0)) + 1, min(1.0, LOOK_PX / diameter_px)
    if factor < 1:
        size = scaled_size(labels.shape, factor)
        labels, image, diameter_px = resize_labels(labels, size), resize_to(image, size), diameter_px * factor
    grey = cv2.transform(image.astype(np.float32), np.full((1, 3), 1 / 3, np.float32))
    grey = cv2.GaussianBlur(grey, (0, 0), max(0.7, 0.015 * diameter_px))
    across, along = (cv2.Sobel(grey, cv2.CV_32F, dx, 1 - dx, scale=0.125) for dx in (1, 0))
    slope = cv2.magnitude(across, along)
    side = 2 * max(1, round(RING * diameter_px)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    values = labels.astype(np.uint16 if count < 2**16 else np.float32)  # what OpenCV can dilate; the first is faster
    background, cell = (labels == 0).astype(np.uint8), labels > 0
    grown = cv2.dilate(values, kernel).astype(np.int32)
    outside, inner = ~cell & (grown > 0), cell & (cv2.dilate(background, kernel) > 0)
    one = np.ones((3, 3), np.uint8)
    edge = cell & (cv2.morphologyEx(values, cv2.MORPH_GRADIENT, one) > 0)
    free = cell & (cv2.dilate(background, one) > 0)

    def mean(of: NDArray, where: NDArray[np.bool_], owner: Labels) -> NDArray[np.float64]:
        at = np.flatnonzero(where)
        ids = owner.ravel()[at]
        n = np.bincount(ids, minlength=count)
        return np.bincount(ids, weights=of.ravel()[at], minlength=count) / np.maximum(n, 1)

    contrast = np.abs(mean(grey, outside, grown) - mean(grey, inner, labels))
    peak = cv2.dilate(slope, one)  # the steepest place lies within a pixel of the outline
    width = contrast / np.maximum(mean(peak, free, labels), 1e-3)
    flat = labels.ravel()
    of_free, of_edge = (np.bincount(flat[np.flatnonzero(where)], minlength=count) for where in (free, edge))
    share = of_free / np.maximum(of_edge, 1)
    return np.where(share >= LEAST_FREE, width / diameter_px, 0)[ids]


def is_crowded(cells: int, flagged: int, area_fraction: float) -> bool:
    """Whether a field should not be counted: too much is covered, or too many cells are flagged."""
    return area_fraction > CROWDED_COVER or flagged > CROWDED_FLAGS * cells
