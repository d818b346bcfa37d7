"""The main job: image in, labels and a score for each cell out, whatever the size of the image."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.imaging.instances import select_cells, separate_cells
from bccseg.imaging.label_image import Labels, border_ids
from bccseg.imaging.normalise import is_blank, white_level
from bccseg.imaging.resize import resize
from bccseg.inference.diameter import estimate_diameter
from bccseg.inference.predictor import Predictor
from bccseg.inference.tiling import paste, tile_windows
from bccseg.metrics.calibration import Calibration
from bccseg.report.result import DiameterFrom

Progress = Callable[[float], None]  # told the finished share, 0 to 1


@dataclass(frozen=True)
class Segmentation:
    """Cells of one image."""

    labels: Labels  # int32 (H, W)
    scores: NDArray[np.float32]  # (N,), 0 to 1, by id: how likely each is a true cell, where calibrated
    places: NDArray[np.float32]  # (K, 3): x, y, score of what was left out as too doubtful
    diameter_px: float  # typical cell that was looked for
    diameter_from: DiameterFrom
    seconds: dict[str, float]  # scale, network, instances


def segment(
    image: NDArray[np.uint8],
    predictor: Predictor,
    settings: SegmentSettings | None = None,
    on_progress: Progress | None = None,
) -> Segmentation:
    """Find the cells of an RGB image uint8 (H, W, 3).

    settings default to SegmentSettings with the thresholds of the weights. `on_progress` is told the
    finished share after each tile; it may raise Stopped, which ends the work.
    """
    settings = settings or settings_for(predictor)
    tell = on_progress or (lambda _share: None)
    white, trained = white_level(image), predictor.config.diameter_px
    seconds = {"scale": 0.0, "network": 0.0, "instances": 0.0}
    started = time.perf_counter()
    diameter = settings.diameter_px
    if is_blank(image):
        tell(1.0)
        nothing = np.zeros(image.shape[:2], np.int32), np.zeros(0, np.float32), np.zeros((0, 3), np.float32)
        return Segmentation(*nothing, diameter or trained, "given" if diameter else "assumed", seconds)
    source: DiameterFrom = "given"
    if diameter is None:
        diameter = estimate_diameter(image, lambda view: predictor(view, white), trained)
        source = "measured" if diameter else "assumed"
    diameter = diameter or trained
    seconds["scale"] = time.perf_counter() - started
    tell(0.1)

    factor = trained / diameter
    labels, scores = np.zeros(image.shape[:2], np.int32), [np.zeros(0, np.float32)]
    tiles = list(tile_windows(image.shape[:2], factor, diameter))
    for k, window in enumerate(tiles, start=1):
        started = time.perf_counter()
        view = image[window]
        maps = predictor(resize(view, factor), white)
        halfway = time.perf_counter()
        distance = maps[1] if len(maps) > 1 else None
        found, score = separate_cells(maps[0], distance, settings, trained, view.shape[:2])
        scores.append(paste(labels, found, score, window, diameter, sum(map(len, scores)), single=len(tiles) == 1))
        seconds["network"] += halfway - started
        seconds["instances"] += time.perf_counter() - halfway
        tell(0.1 + 0.9 * k / len(tiles))
    started = time.perf_counter()
    labels, kept, places = select_cells(labels, np.concatenate(scores), settings, diameter, border_ids(labels))
    if predictor.config.calibration:
        meaning = Calibration(**predictor.config.calibration)
        kept, places[:, 2] = meaning(kept), meaning(places[:, 2])
    seconds["instances"] += time.perf_counter() - started
    return Segmentation(labels, kept, places, diameter, source, seconds)


def settings_for(predictor: Predictor, settings: SegmentSettings | None = None) -> SegmentSettings:
    """Settings with the thresholds that the weights prefer."""
    return replace(settings or SegmentSettings(), **predictor.config.thresholds)
