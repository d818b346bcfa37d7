"""Classes of the cells of an image, and its small cells, gathered tile by tile."""

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import CellClass
from bccseg.imaging.cell_classes import Classification, SmallCells, classify_cells, find_small_cells, join_classes
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import Labels
from bccseg.inference.tiling import paste_tile


class TileClasses:
    """What the class maps of the tiles of an image (H, W) say; of weights without classes they say nothing."""

    def __init__(self, classes: tuple[CellClass, ...], shape: tuple[int, int]) -> None:
        self.classes = classes
        self.small_labels = np.zeros(shape, np.int32)
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
        self.cells.append(classify_cells(found, maps.classes, self.classes).take(rows))
        if maps.classes is not None:
            pieces, kinds = find_small_cells(maps.classes, self.classes, found.shape, diameter_px, threshold)
            taken = paste_tile(
                self.small_labels, pieces, window, diameter_px, sum(map(len, self.small)), single=single
            )  # fmt: skip
            self.small.append(kinds.take(taken))

    def finish(self) -> tuple[Classification | None, SmallCells | None]:
        """The classes of all cells, and all small cells, also where others lie; None for weights without classes."""
        if not self.classes:
            return None, None
        return join_classes(self.cells), SmallCells.of(self.small_labels, join_classes(self.small))
