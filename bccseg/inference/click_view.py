"""What a network sees around a click."""

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import Labels, Mask
from bccseg.imaging.normalise import white_level
from bccseg.imaging.one_click import Window, click_window, propose_cell
from bccseg.imaging.resize import resize
from bccseg.inference.tiling import tile_windows

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor


@dataclass
class ClickView:
    """One image, looked at for clicks on it.

    An image that is one tile at the working scale is looked at as a whole, once (`look`); of larger ones, and until
    that is done, a window around each click. image: RGB uint8 (H, W, 3); diameter_px: of its typical cell.
    """

    predictor: "Predictor"
    image: NDArray[np.uint8]
    diameter_px: float
    _white: NDArray[np.float32] | None = None
    _whole: ProbabilityMaps | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def scale(self) -> float:
        """Working px an image px."""
        return self.predictor.config.diameter_px / self.diameter_px

    def look(self) -> None:
        """Look at the whole image, if it is not too large, so that clicks need not wait for the network."""
        tiles = list(tile_windows(self.image.shape[:2], self.scale, self.diameter_px))
        if len(tiles) == 1 and self._whole is None:
            self._whole = self._maps(self.image)

    def propose(self, labels: Labels, click: tuple[float, float]) -> tuple[Window, Mask | None]:
        """The cell at a click (x, y) that has no label yet, bool in a window of the image; see `propose_cell`.

        labels: int32 (H, W), of all other cells.
        """
        window = click_window(labels.shape, click, self.diameter_px)
        whole = self._whole
        if whole is None:
            maps = self._maps(self.image[window])
        else:
            window, seen = self._within(window, whole.cell.shape)
            maps = ProbabilityMaps(*(None if values is None else values[..., *seen] for values in whole))
        thresholds = SegmentSettings().thresholds(self.predictor.config.thresholds)
        within = click[0] - window[1].start, click[1] - window[0].start
        trained = self.predictor.config.diameter_px
        return window, propose_cell(
            self.image[window], labels[window], maps, thresholds, within, self.diameter_px, trained
        )

    def _maps(self, part: NDArray[np.uint8]) -> ProbabilityMaps:
        with self._lock:
            if self._white is None:
                self._white = white_level(self.image)
        found = self.predictor(resize(part, self.scale), self._white, classes=False)
        return found._replace(spread=None)  # wholes of hidden cells are not asked for

    def _within(self, window: Window, shape: tuple[int, ...]) -> tuple[Window, Window]:
        """A window that ends where working px of the maps (H', W') do, and these px."""
        windows = []
        for side, size, length in zip(window, self.image.shape, shape, strict=False):
            start, stop = int(side.start * length / size), min(length, -int(-side.stop * length // size))
            windows.append((slice(round(start * size / length), round(stop * size / length)), slice(start, stop)))
        return tuple(first for first, _ in windows), tuple(second for _, second in windows)
