"""Classes of the cells of an image, and its small cells, gathered tile by tile."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.cell_classes import Classification, classify_cells, join_classes
from bccseg.imaging.cell_head import CellHead
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import Labels, relabel
from bccseg.imaging.small_cells import LEAST_CANDIDATE, SmallCells, find_small_cells
from bccseg.imaging.small_rule import small_looks
from bccseg.inference.cell_features import TileFeatures, apply_cell_head
from bccseg.inference.tiling import paste_tile
from bccseg.model.weights import WeightsConfig


class TileClasses:
    """What the class maps of the tiles of an image (H, W) say, and a head that looks at whole cells, if there is one.

    Of weights with neither they say nothing.
    """

    def __init__(
        self, config: WeightsConfig, image: NDArray[np.uint8], white: NDArray[np.float32], head: CellHead | None
    ) -> None:
        self.config, classes = config, config.classes
        self.classes, self.image, self.white, self.head = classes, image, white, head
        self.names = tuple(one.name for one in config.told_classes)
        self.features = TileFeatures()
        self.asked = {"features": True} if head else {}  # of the predictor
        self.small_labels = np.zeros(image.shape[:2], np.int32)
        nothing = Classification.unknown(0, tuple(one.name for one in classes))
        self.cells, self.small = [nothing], [nothing]

    def add(
        self,
        maps: ProbabilityMaps,
        found: Labels,
        rows: NDArray[np.intp],
        window: tuple[slice, slice],
        view: NDArray[np.uint8],
        diameter_px: float,
        threshold: float,
        *,
        single: bool,
    ) -> None:
        """Add a tile with the cells `found`, of which `rows` are in the image.

        view: uint8 (h, w, 3), the tile at the scale of the network. threshold: see `find_small_cells`; the others are
        those of `paste_tile`.
        """
        if self.head:
            self.features.add(maps, found, rows)
        self.cells.append(classify_cells(found, maps.classes, self.classes).take(rows))
        if maps.classes is not None:
            pieces, kinds = self._small_cells(maps, found, view, diameter_px, threshold)
            taken = paste_tile(
                self.small_labels, pieces, window, diameter_px, sum(map(len, self.small)), single=single
            )  # fmt: skip
            self.small.append(kinds.take(taken))

    def _small_cells(
        self, maps: ProbabilityMaps, found: Labels, view: NDArray[np.uint8], diameter_px: float, threshold: float
    ) -> tuple[Labels, Classification]:
        assert maps.classes is not None
        rule = self.config.small_rule
        least = LEAST_CANDIDATE if rule else threshold
        pieces, kinds = find_small_cells(maps.classes, self.classes, found.shape, diameter_px, least)
        if rule is None or not len(kinds):
            return pieces, kinds
        looks = small_looks(pieces, found, kinds.score, view, self.white, maps, self.config.diameter_px)
        score = rule(looks)
        keep = np.concatenate([[False], score > threshold])
        kept = kinds.take(np.flatnonzero(keep[1:]))
        return relabel(pieces, keep), replace(kept, score=score[keep[1:]])

    def finish(self, labels: Labels, factor: float) -> tuple[Classification | None, SmallCells | None]:
        """The classes of the cells of `labels`, and all small cells, also where others lie; None where nothing is told.

        factor: from the image to the scale of the network.
        """
        classes = small = None
        if self.classes:
            classes, small = join_classes(self.cells), SmallCells.of(self.small_labels, join_classes(self.small))
        if self.head is None:
            return classes, small
        features = self.features.finish(labels, self.image, self.white, factor)
        return apply_cell_head(self.head, features, classes, small, self.names)
