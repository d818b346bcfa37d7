"""Classes of the cells of an image, and its small cells, gathered tile by tile."""

import numpy as np
from numpy.typing import NDArray

from bccseg.imaging.cell_classes import Classification, SmallCells, classify_cells, find_small_cells, join_classes
from bccseg.imaging.cell_head import CellHead
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import Labels
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
        classes = config.classes
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
        diameter_px: float,
        threshold: float,
        *,
        single: bool,
    ) -> None:
        """Add a tile with the cells `found`, of which `rows` are in the image.

        threshold: see `find_small_cells`; the others are those of `paste_tile`.
        """
        if self.head:
            self.features.add(maps, found, rows)
        self.cells.append(classify_cells(found, maps.classes, self.classes).take(rows))
        if maps.classes is not None:
            pieces, kinds = find_small_cells(maps.classes, self.classes, found.shape, diameter_px, threshold)
            taken = paste_tile(
                self.small_labels, pieces, window, diameter_px, sum(map(len, self.small)), single=single
            )  # fmt: skip
            self.small.append(kinds.take(taken))

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
