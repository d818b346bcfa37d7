"""The main job: image in, labels and a score for each cell out, whatever the size of the image."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.cell_head import CellHead
from bccseg.imaging.full_outline import FullOutlines, full_outlines, join_outlines, no_outlines
from bccseg.imaging.instances import ProbabilityMaps, separate_cells
from bccseg.imaging.label_image import Labels, areas, equivalent_diameter
from bccseg.imaging.normalise import is_blank, white_level
from bccseg.imaging.resize import resize
from bccseg.imaging.selection import Candidates, middles, select_cells, small_cells_beside
from bccseg.imaging.small_cells import SmallCells
from bccseg.inference.diameter import estimate_diameter
from bccseg.inference.tile_classes import TileClasses
from bccseg.inference.tiling import paste_tile, tile_windows
from bccseg.metrics.calibration import Calibration
from bccseg.model.weights import WeightsConfig
from bccseg.report.result import DiameterFrom

Progress = Callable[[float], None]  # called with the finished share, 0 to 1
DOUBTFUL, TOO_LARGE = 0.5, 1.5  # score of a cell, and its size in diameters looked for: below and above is a mistake
DIAMETER_SHARE = 0.1  # of the progress, for finding the cell diameter


class MapPredictor(Protocol):
    """What `segment` needs of a `Predictor`."""

    config: WeightsConfig
    cell_head: CellHead | None  # where the config has one

    def __call__(
        self, image: NDArray[np.uint8], white: NDArray[np.float32], *, features: bool = False, classes: bool = True
    ) -> ProbabilityMaps:
        """Probability maps of an image whose background has the level `white`; features: for the head to see."""


@dataclass(frozen=True)
class Segmentation:
    """Cells of one image."""

    labels: Labels  # int32 (H, W)
    scores: NDArray[np.float32]  # (N,), 0 to 1, by id: how likely each is a true cell, where calibrated
    rejected: NDArray[np.float32]  # (K, 3): x, y, score of the objects that were left out as too uncertain
    diameter_px: float  # typical cell that was looked for
    diameter_from: DiameterFrom
    seconds: dict[str, float]  # scale, network, instances
    whole: FullOutlines  # of each cell, also where another hides it, if the network tells
    in_frame: int = 0  # cells in the counting frame, cut ones too: what a density goes by
    candidates: Candidates | None = None  # with what was left out, so that this can be changed without the network
    classes: Classification | None = None  # (N,), by id; None: the network tells none
    small_cells: SmallCells | None = None  # such as platelets; they are in no label and in no number above


def segment(
    image: NDArray[np.uint8],
    predictor: MapPredictor,
    settings: SegmentSettings | None = None,
    on_progress: Progress | None = None,
) -> Segmentation:
    """Find the cells of an RGB image uint8 (H, W, 3).

    settings: thresholds that are None there are those of the weights. `on_progress` is called with the finished share
    after each tile; it may raise Stopped, which ends the work. Where the diameter that was measured does not fit what
    is found, the image is looked at once more (`fitting_diameter`).
    """
    settings = settings or SegmentSettings()
    found, sureness, diameter = _segment(image, predictor, settings, on_progress)
    if diameter is None:
        return found
    again, sureness_again, _ = _segment(image, predictor, settings.replace(diameter_px=diameter), on_progress)
    better = again if sureness_again > sureness else found
    seconds = {name: value + again.seconds[name] for name, value in found.seconds.items()}
    return replace(better, diameter_from="measured", seconds=seconds)


def _segment(
    image: NDArray[np.uint8], predictor: MapPredictor, settings: SegmentSettings, on_progress: Progress | None
) -> tuple[Segmentation, float, float | None]:
    """The cells; how sure the network is on average; and a diameter that would fit better."""
    thresholds = settings.thresholds(predictor.config.thresholds)
    report_progress = on_progress or (lambda _share: None)
    white, trained = white_level(image), predictor.config.diameter_px
    told = TileClasses(predictor.config, image, white, predictor.cell_head if predictor.config.cell_head else None)
    seconds = {"scale": 0.0, "network": 0.0, "instances": 0.0}
    started = time.perf_counter()
    diameter = settings.diameter_px
    if is_blank(image):
        report_progress(1.0)
        return _nothing(image, diameter or trained, "given" if diameter else "assumed", seconds, told), 0.0, None
    source: DiameterFrom = "given"
    if diameter is None:
        cells_alone = {"classes": False} if predictor.config.classes else {}
        diameter = estimate_diameter(image, lambda view: predictor(view, white, **cells_alone), trained)
        source = "measured" if diameter else "assumed"
    diameter = diameter or trained
    seconds["scale"] = time.perf_counter() - started
    report_progress(DIAMETER_SHARE)

    factor = trained / diameter
    labels = np.zeros(image.shape[:2], np.int32)
    scores, outlines = [np.zeros(0, np.float32)], [no_outlines(0)]
    tiles = list(tile_windows(image.shape[:2], factor, diameter))
    for k, window in enumerate(tiles, start=1):
        started = time.perf_counter()
        view = image[window]
        scaled = resize(view, factor)
        maps = predictor(scaled, white, **told.asked)
        halfway = time.perf_counter()
        found, score = separate_cells(maps, thresholds, trained, view.shape[:2])
        rows = paste_tile(labels, found, window, diameter, sum(map(len, scores)), single=len(tiles) == 1)
        scores.append(score[rows])
        outlines.append(full_outlines(found, maps, trained).take(rows).moved(window[0].start, window[1].start))
        told.add(maps, found, rows, window, scaled, diameter, thresholds.small_threshold, single=len(tiles) == 1)
        seconds["network"] += halfway - started
        seconds["instances"] += time.perf_counter() - halfway
        report_progress(DIAMETER_SHARE + (1 - DIAMETER_SHARE) * k / len(tiles))
    started = time.perf_counter()
    score, whole = np.concatenate(scores), join_outlines(outlines)
    sure = score >= thresholds.min_score
    if predictor.config.calibration:
        score = Calibration(predictor.config.calibration.slope, predictor.config.calibration.offset)(score)
    other = fitting_diameter(labels, score, sure, diameter) if source == "measured" else None
    chosen = select_cells(labels, sure, settings, diameter)
    rejected = np.column_stack([middles(labels, chosen.rejected), score[chosen.rejected]]).astype(np.float32)
    classes, small = told.finish(labels, factor)
    candidates = Candidates.of(labels, chosen.rows, score, sure, whole, classes, small)
    small = small_cells_beside(small, chosen, labels, sure, settings, diameter)
    seconds["instances"] += time.perf_counter() - started
    found = Segmentation(
        chosen.labels, score[chosen.rows], rejected, diameter, source, seconds, whole.take(chosen.rows),
        chosen.in_frame, candidates, classes.take(chosen.rows) if classes is not None else None, small,
    )  # fmt: skip
    return found, float(score[sure].mean()) if sure.any() else 0.0, other


def _nothing(
    image: NDArray[np.uint8], diameter_px: float, source: DiameterFrom, seconds: dict[str, float], told: TileClasses
) -> Segmentation:
    """No cells."""
    labels = np.zeros(image.shape[:2], np.int32)
    return Segmentation(
        labels, np.zeros(0, np.float32), np.zeros((0, 3), np.float32), diameter_px, source, seconds, no_outlines(0),
        classes=(classes := told.finish(labels, 1.0))[0], small_cells=classes[1],
    )  # fmt: skip


def fitting_diameter(
    labels: Labels, score: NDArray[np.float32], sure: NDArray[np.bool_], diameter_px: float
) -> float | None:
    """A diameter that would fit better; None where the one that was looked for is near enough, or nothing is known.

    score: (N,), of the cells of labels (H, W), of which `sure` are taken. Where a few cells fill the picture, one
    that is seen far too large may look like several: then pieces are large, and the network is not sure of them.
    """
    if not sure.any() or np.median(score[sure]) >= DOUBTFUL:
        return None
    size = float(np.median(equivalent_diameter(areas(labels)[1:][sure])))
    return size if size > TOO_LARGE * diameter_px else None
