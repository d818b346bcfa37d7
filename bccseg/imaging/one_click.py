"""The whole outline of a cell from one click on it, as a proposal that can be made larger or smaller."""

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.config import Thresholds
from bccseg.imaging.instances import ProbabilityMaps, separate_cells
from bccseg.imaging.label_image import Labels, Mask
from bccseg.imaging.resize import resize_to

ROOM = 1.6  # of the window around a click, in diameters to each side
REACH = 0.8  # a cell goes no farther from its centre, or the click, in diameters
EDGE = 0.45  # probability at the edge of a cell; at 0.5 outlines come out 1 % too small
ONE_CELL = 1.5  # what is larger, in areas of the typical cell, is parted if the network parts it
PLAUSIBLE = (0.2, 2.5)  # area of a proposal, in areas of the typical cell
SURE = 0.9  # probability of a cell at the click from which the network is believed
LEAST_CONTRAST = 0.8  # of an edge by colours; less is stain in the background
CLEARER = 1.3  # so much more contrast the edge by colours must have
BAND, NOISE = 0.06, 3.0  # of the edge, in diameters; grey levels that are no contrast
OPENING = 0.1  # rims and threads thinner than this are no part of a cell, in diameters
WORK_PX = 48  # diameter of a cell where colours decide
ROUNDS = 4  # of GrabCut
STEP = 0.02  # of the diameter, that a proposal grows or shrinks by at once
Window = tuple[slice, slice]


def click_window(shape: tuple[int, ...], click: tuple[float, float], diameter_px: float) -> Window:
    """Rows and columns of an image (H, W) around a click (x, y)."""
    room = ROOM * diameter_px
    return tuple(
        slice(max(0, int(at - room)), min(size, int(np.ceil(at + room)) + 1))
        for at, size in zip((click[1], click[0]), shape, strict=False)
    )


def propose_cell(
    image: NDArray[np.uint8],
    labels: Labels,
    maps: ProbabilityMaps | None,
    thresholds: Thresholds,
    click: tuple[float, float],
    diameter_px: float,
    trained_px: float,
) -> Mask | None:
    """Pixels of the cell at a click (x, y), bool (H, W), none of them of another cell; None where there is no cell.

    All arrays are of a `click_window`: image RGB uint8 (H, W, 3), labels int32 (H, W), maps at the scale at which a
    cell measures `trained_px`; None: colours alone decide. diameter_px: of a typical cell in the image. The network
    decides where it is sure of a cell; elsewhere the better of its outline and the one by colours (GrabCut: Rother et
    al. 2004, doi 10.1145/1015706.1015720) is taken, by the step in colour at the edge.
    """
    row, col = (int(np.clip(v, 0, n - 1)) for v, n in zip((click[1], click[0]), labels.shape, strict=True))
    if labels[row, col]:
        return None
    found, sure = from_maps(labels, maps, thresholds, (row, col), diameter_px, trained_px) if maps else (None, False)
    if found is not None and sure:
        return found
    by_colour = from_colours(image, labels, (row, col), diameter_px)
    if found is None or by_colour is None:
        return by_colour if found is None else found
    clear = edge_contrast(image, labels, by_colour, diameter_px) > CLEARER * edge_contrast(
        image, labels, found, diameter_px
    )
    return by_colour if clear else found


def from_maps(
    labels: Labels,
    maps: ProbabilityMaps,
    thresholds: Thresholds,
    at: tuple[int, int],
    diameter_px: float,
    trained_px: float,
) -> tuple[Mask | None, bool]:
    """What the network sees at a place (row, column) that no other cell has, and whether it is sure of it.

    All that is connected there, if that is no more than a cell may be; else what the network parts from the rest.
    """
    row, col = at
    cell = resize_to(maps.cell, (labels.shape[1], labels.shape[0]))
    y, x = (min(int(v * n / length), n - 1) for v, n, length in zip(at, maps.cell.shape, labels.shape, strict=True))
    way = (0.0, 0.0) if maps.way is None or maps.cell[y, x] < 0.5 else maps.way[:, y, x] * diameter_px
    near = disc(labels.shape, row + way[0], col + way[1], REACH * diameter_px)
    usual = np.pi * (diameter_px / 2) ** 2
    found = tidy((cell > EDGE) & (labels == 0), row, col, diameter_px)
    if found is not None and found.sum() > ONE_CELL * usual:
        parted, _ = separate_cells(maps, thresholds, trained_px, labels.shape)
        own = parted[row, col] or np.bincount(parted[found & near], minlength=2)[1:].argmax() + 1
        found = (parted == own) & (labels == 0)
    found = tidy(found & near, row, col, diameter_px) if found is not None else None
    if found is None or not PLAUSIBLE[0] <= found.sum() / usual <= PLAUSIBLE[1]:
        return None, False
    return found, bool(cell[row, col] >= SURE)


def edge_contrast(image: NDArray[np.uint8], labels: Labels, mask: Mask, diameter_px: float) -> float:
    """Step in colour from a band inside an edge to the one outside, in standard deviations within the bands."""
    width = max(2, round(BAND * diameter_px))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    own = mask.astype(np.uint8)
    inner = mask & (cv2.erode(own, around) == 0)
    outer = (cv2.dilate(own, around) > 0) & ~mask & (labels == 0)
    if not inner.any() or not outer.any():
        return 0.0
    inside, outside = image[inner].astype(np.float64), image[outer].astype(np.float64)
    step = inside.mean(axis=0) - outside.mean(axis=0)
    along = step / (np.linalg.norm(step) + 1e-6)
    spread = np.sqrt(((inside @ along).var() + (outside @ along).var()) / 2)
    return float(np.linalg.norm(step) / (spread + NOISE))


def from_colours(image: NDArray[np.uint8], labels: Labels, at: tuple[int, int], diameter_px: float) -> Mask | None:
    """What differs in colour from its surroundings, by GrabCut from a disc around a place (row, column)."""
    factor = min(1.0, WORK_PX / diameter_px)
    size = (max(8, round(labels.shape[1] * factor)), max(8, round(labels.shape[0] * factor)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    others = cv2.resize((labels > 0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    row, col = (int(v * n / length) for v, n, length in zip(at, size[::-1], labels.shape, strict=True))
    diameter = diameter_px * factor
    trimap = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    trimap[disc(trimap.shape, row, col, REACH * diameter)] = cv2.GC_PR_BGD
    trimap[disc(trimap.shape, row, col, 0.5 * diameter)] = cv2.GC_PR_FGD
    trimap[disc(trimap.shape, row, col, 0.15 * diameter)] = cv2.GC_FGD
    trimap[others] = cv2.GC_BGD
    # Other cells look as this one does, and must not be learned as background: they are painted over with it.
    outside = (trimap == cv2.GC_BGD) & ~cv2.dilate(others.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if not (trimap == cv2.GC_FGD).any() or not outside.any() or np.ptp(small) == 0:
        return None
    background = small[outside]
    small = small.copy()
    small[others] = background[np.arange(int(others.sum())) * 7919 % len(background)]
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # the same click gives the same outline
    cv2.grabCut(small, trimap, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    found = (cv2.resize(inside, labels.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5) & (labels == 0)
    found = tidy(found, *at, diameter_px)
    if found is None or found.sum() < PLAUSIBLE[0] * np.pi * (diameter_px / 2) ** 2:
        return None
    return found if edge_contrast(image, labels, found, diameter_px) > LEAST_CONTRAST else None


def tidy(mask: Mask, row: int, col: int, diameter_px: float) -> Mask | None:
    """Without rims, threads and holes, in one piece: that at the click, else the largest. None if nothing is left."""
    width = max(1, round(OPENING * diameter_px)) | 1
    opened = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    )
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count == 1:
        return None
    piece = pieces[row, col] or 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return filled(pieces == piece)


def filled(mask: Mask) -> Mask:
    """With its holes: what no way over sides of pixels leads to from outside (`scipy.ndimage.binary_fill_holes`)."""
    around = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(around, None, (0, 0), 2, flags=4)
    return around[1:-1, 1:-1] != 2


def resized(mask: Mask, free: Mask, step: int, diameter_px: float) -> Mask:
    """A proposal that is `step` steps larger (or smaller, below 0) all around; it grows into `free` pixels only."""
    if step == 0:
        return mask
    distance = cv2.distanceTransform((~mask if step > 0 else mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    by = abs(step) * max(1.0, STEP * diameter_px)
    changed = (mask | (distance <= by)) & (free | mask) if step > 0 else distance > by
    return changed if changed.any() else mask


def disc(shape: tuple[int, ...], row: float, col: float, radius: float) -> Mask:
    """Pixels within a radius of a place."""
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2
