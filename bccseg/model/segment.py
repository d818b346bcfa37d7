"""The main job: image in, labels and a score for each cell out, whatever the size of the image."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.errors import Stopped
from bccseg.imaging.calibration import Calibration
from bccseg.imaging.export.result import DiameterFrom
from bccseg.imaging.instances import select_cells, separate
from bccseg.imaging.labels import Labels, border_ids
from bccseg.imaging.normalise import is_blank, white_level
from bccseg.model.predict import Predictor
from bccseg.model.scale import estimate_diameter, resize

TILE_PX = 1024  # working pixels a side; an image up to this size is one tile
OVERLAP = 3.0  # cell diameters that neighbouring tiles share: any cell is whole in one of them
SEAM = 0.4  # cells closer than this many diameters to a tile's inner edge are left to the next tile

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
        found, score = separate(maps[0], distance, settings, trained, view.shape[:2])
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


def tile_windows(shape: tuple[int, int], factor: float, diameter_px: float) -> Iterator[tuple[slice, slice]]:
    """Windows (rows, columns) in image px that cover an image (H, W), row by row.

    Neighbours overlap by OVERLAP cell diameters; a window is TILE_PX at the working scale `factor`.
    """
    side, overlap = max(1, round(TILE_PX / factor)), round(OVERLAP * diameter_px)

    def spans(length: int) -> list[slice]:
        if length <= side * 1.25:  # a little more than a tile is still one tile
            return [slice(0, length)]
        count = -(-(length - overlap) // max(1, side - overlap))
        starts = np.linspace(0, length - side, count).round().astype(int)
        return [slice(int(s), int(s) + side) for s in starts]

    for rows in spans(shape[0]):
        for cols in spans(shape[1]):
            yield rows, cols


def paste(
    labels: Labels,
    found: Labels,
    score: NDArray[np.float32],
    window: tuple[slice, slice],
    diameter_px: float,
    used: int,
    *,
    single: bool,
) -> NDArray[np.float32]:
    """Add, in place, the cells of a tile to the labels of the image; returns the scores of those added.

    A cell that comes near a tile edge inside the image may be cut, and is left to the neighbour that
    sees it whole; one that mostly lies on a cell already there is that cell.
    """
    if single:
        labels[...] = found
        return score
    count = len(score)
    seam = near_inner_edge(found, labels.shape, window, round(SEAM * diameter_px))
    area = np.bincount(found.ravel(), minlength=count + 1)
    target = labels[window]
    covered = np.bincount(found[target > 0].ravel(), minlength=count + 1)
    take = (covered < 0.5 * area) & ~seam
    take[0] = False
    number = np.zeros(count + 1, np.int32)
    number[take] = used + 1 + np.arange(int(take.sum()))
    new = np.where(target == 0, number[found], 0)
    target[new > 0] = new[new > 0]
    return score[np.flatnonzero(take) - 1]


def near_inner_edge(
    found: Labels, shape: tuple[int, int], window: tuple[slice, slice], margin: int
) -> NDArray[np.bool_]:
    """Ids 0..N of a tile that come within `margin` px of a tile edge that is no image edge: bool (N + 1,)."""
    rows, cols = window
    near = np.zeros(int(found.max(initial=0)) + 1, bool)
    for inner, strip in (
        (rows.start > 0, found[:margin]),
        (rows.stop < shape[0], found[found.shape[0] - margin :]),
        (cols.start > 0, found[:, :margin]),
        (cols.stop < shape[1], found[:, found.shape[1] - margin :]),
    ):
        if inner:
            near[np.unique(strip)] = True
    return near


def stop_when(flag: Callable[[], bool], on_progress: Progress | None = None) -> Progress:
    """A progress callback that raises Stopped as soon as `flag()` is true."""

    def tell(share: float) -> None:
        if flag():
            raise Stopped("Stopped.")
        if on_progress:
            on_progress(share)

    return tell
