"""The features of the cells of an image, tile by tile: of cells that are being found, and of labels that are there."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.cell_classes import Classification, classify_cells
from bccseg.imaging.cell_features import cell_looks, pool_features
from bccseg.imaging.cell_head import CellHead
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import Labels, areas, median_diameter
from bccseg.imaging.normalise import white_level
from bccseg.imaging.resize import resize, resize_labels, scaled_size
from bccseg.imaging.small_cells import SmallCells
from bccseg.inference.diameter import estimate_diameter
from bccseg.inference.tiling import SEAM, near_inner_edge, tile_windows

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor

ENOUGH_FOR_SIZE = 10  # cells whose median diameter is that of the image


class TileFeatures:
    """The decoder's maps pooled in the cells that the tiles of an image add to it."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.float32]] = []

    def add(self, maps: ProbabilityMaps, found: Labels, rows: NDArray[np.intp]) -> None:
        """Add a tile with the cells `found`, of which `rows` are in the image."""
        self._parts.append(_pooled(maps, found)[rows])

    def finish(
        self, labels: Labels, image: NDArray[np.uint8], white: NDArray[np.float32], factor: float
    ) -> NDArray[np.float32]:
        """Features (N, F) of all cells of the image. factor: from the image to the scale of the network."""
        looks = _looks(labels, image, white, factor)
        return np.concatenate([looks, np.concatenate(self._parts)], axis=1) if self._parts else looks


def cell_features(
    predictor: "Predictor", image: NDArray[np.uint8], labels: Labels
) -> tuple[NDArray[np.float32], Classification]:
    """Features (N, F) of the cells 1..N of labels int32 (H, W), and the classes that the network alone tells.

    image: uint8 (H, W, 3).
    """
    white, trained = white_level(image), predictor.config.diameter_px
    diameter, n = median_diameter(labels), int(labels.max(initial=0))
    if n < ENOUGH_FOR_SIZE:  # a few chosen cells need not be typical
        diameter = estimate_diameter(image, lambda view: predictor(view, white), trained) or diameter
    diameter = diameter or trained
    factor = trained / diameter
    pooled: NDArray[np.float32] | None = None
    told = Classification.unknown(n, tuple(one.name for one in predictor.config.classes))
    total, best = np.maximum(areas(labels), 1)[1:], np.zeros(n)
    for window in tile_windows(labels.shape, factor, diameter):
        maps = predictor(resize(image[window], factor), white, features=True)
        view = labels[window]
        here = np.bincount(view.ravel(), minlength=n + 1)[1:] / total  # share of each cell in this tile
        near = near_inner_edge(view, labels.shape, window, round(SEAM * diameter))
        here[: len(near) - 1] *= np.where(near[1:], 0.5, 1)  # the tile that sees all around a cell is better
        better = np.flatnonzero(here > best)
        values = _pooled(maps, view)
        pooled = np.zeros((n, values.shape[1]), np.float32) if pooled is None else pooled
        pooled[better], best[better] = values[better], here[better]
        classes = classify_cells(view, maps.classes, predictor.config.classes)
        told.number[better], told.score[better] = classes.number[better], classes.score[better]
    return np.concatenate([_looks(labels, image, white, factor), pooled], axis=1), told


def apply_cell_head(
    head: CellHead,
    features: NDArray[np.float32],
    told: Classification | None,
    small: SmallCells | None,
    names: tuple[str, ...],
) -> tuple[Classification, SmallCells | None]:
    """Classes of cells and of small cells, both as rows of `names`, `WeightsConfig.told_classes`.

    told, small: what the network's own classes say; None without any.
    """
    classes = head.classify(features, told, names)
    if small is None:
        return classes, None
    rows = np.array([*(names.index(name) for name in small.classes.names), -1], np.int16)
    kinds = Classification(names, rows[small.classes.number], small.classes.score)
    return classes, dataclasses.replace(small, classes=kinds)


def _pooled(maps: ProbabilityMaps, labels: Labels) -> NDArray[np.float32]:
    """Of labels (H, W) at the scale of the image."""
    return pool_features(resize_labels(labels, maps.cell.shape[::-1]), maps.features or (), int(labels.max(initial=0)))


def _looks(labels: Labels, image: NDArray[np.uint8], white: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    small = resize_labels(labels, scaled_size(labels.shape, factor))
    return cell_looks(small, resize(image, factor), white, int(labels.max(initial=0)))
