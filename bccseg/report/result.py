"""What is known of one segmented image; every export starts from it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.imaging.label_image import Labels
from bccseg.imaging.measure import ImageSummary, measure_cells, summarise

# measured in the image; given by the person; assumed, because no cells were found
DiameterFrom = Literal["measured", "given", "assumed"]


@dataclass(frozen=True)
class ImageResult:
    """One image, its cells, and how they were found."""

    name: str  # as the person knows it, e.g. "smear 7.tif, page 2"
    stem: str  # for file names, unique in a batch
    image: NDArray[np.uint8]  # (H, W, 3)
    labels: Labels  # (H, W)
    scores: NDArray[np.float32]  # (N,)
    diameter_px: float  # typical cell that was looked for
    diameter_from: DiameterFrom = "measured"
    pixel_size_um: float | None = None
    weights: str = ""
    device: str = ""
    notes: tuple[str, ...] = ()
    page: int = 1  # of a file with several
    seconds: dict[str, float] = field(default_factory=dict)
    # Where doubtful cells were left out: x, y, score.
    places: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3), np.float32))

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Table of the cells; see `measure_cells`."""
        return measure_cells(self.labels, self.image, self.scores, self.pixel_size_um)

    @cached_property
    def summary(self) -> ImageSummary:
        """Numbers of the image; see `summarise`."""
        return summarise(self.cells, self.labels.shape, self.pixel_size_um)
