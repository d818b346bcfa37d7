"""Windows, seams and numbers of tiles, and what a segmentation makes of them, with a network that sees brightness."""

import numpy as np
import pytest

from bccseg.config import NetworkConfig, SegmentSettings
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.inference import tiling
from bccseg.inference.segment import segment
from bccseg.inference.tiling import near_inner_edge, paste_tile, tile_windows
from bccseg.model.weights import CalibrationCurve, WeightsConfig


def spans(length, factor=1.0, diameter=48.0):
    """First and last of the columns of each window of an image one px high."""
    windows = list(tile_windows((1, length), factor, diameter))
    assert all(rows == slice(0, 1) for rows, _ in windows)
    return [(cols.start, cols.stop) for _, cols in windows]


@pytest.mark.parametrize(
    ("length", "factor", "diameter", "windows"),
    [
        (1024, 1.0, 48.0, [(0, 1024)]),
        (1280, 1.0, 48.0, [(0, 1280)]),  # a quarter more is one tile
        (1281, 1.0, 48.0, [(0, 1024), (257, 1281)]),
        (1904, 1.0, 48.0, [(0, 1024), (880, 1904)]),  # exactly three diameters shared
        (1905, 1.0, 48.0, [(0, 1024), (440, 1464), (881, 1905)]),
        (3000, 1.0, 48.0, [(0, 1024), (659, 1683), (1317, 2341), (1976, 3000)]),
        (2560, 0.5, 96.0, [(0, 2560)]),  # twice the px of the image
        (2561, 0.5, 96.0, [(0, 2048), (513, 2561)]),
        (641, 2.0, 24.0, [(0, 512), (129, 641)]),
        (10, 5000.0, 0.1, [(k, k + 1) for k in range(10)]),  # a tile of no pixel would never end
        (1, 1.0, 48.0, [(0, 1)]),
    ],
)
def test_windows_of_known_lengths(length, factor, diameter, windows):
    assert spans(length, factor, diameter) == windows


def test_windows_go_row_by_row():
    windows = list(tile_windows((1904, 1300), 1.0, 48.0))
    rows, columns = (slice(0, 1024), slice(880, 1904)), (slice(0, 1024), slice(276, 1300))
    assert windows == [(r, c) for r in rows for c in columns]
    assert (tiling.TILE_PX, tiling.OVERLAP, tiling.SEAM) == (1024, 3.0, 0.4)


SIDES = {"top": (1, 10), "bottom": (18, 10), "left": (10, 1), "right": (10, 18)}


@pytest.mark.parametrize("inner", [*SIDES, "all", "none"])
def test_only_tile_edges_inside_the_image_are_seams(inner):
    found = np.zeros((20, 20), np.int32)
    for k, place in enumerate(SIDES.values(), start=1):
        found[place] = k
    at = {side: inner in (side, "all") for side in SIDES}
    rows = slice(30 if at["top"] else 0, (30 if at["top"] else 0) + 20)
    cols = slice(30 if at["left"] else 0, (30 if at["left"] else 0) + 20)
    shape = rows.stop + (30 if at["bottom"] else 0), cols.stop + (30 if at["right"] else 0)
    near = near_inner_edge(found, shape, (rows, cols), 2)
    assert near[1:].tolist() == list(at.values())
    assert near.shape == (5,)
    assert near.dtype == bool


@pytest.mark.parametrize(("margin", "near"), [(1, False), (2, False), (3, True)])
def test_the_seam_is_as_wide_as_its_margin(margin, near):
    for place in ((2, 10), (17, 10), (10, 2), (10, 17)):
        found = np.zeros((20, 20), np.int32)
        found[place] = 1
        window = slice(5, 25), slice(5, 25)
        assert near_inner_edge(found, (40, 40), window, margin).tolist() == [bool(margin), near]


def test_pasted_cells_are_numbered_on_and_are_told():
    labels = np.zeros((12, 30), np.int32)
    labels[5, 14] = 3
    found = np.zeros((12, 16), np.int32)
    found[2:4, 2:4], found[2:4, 10:12], found[8:10, 10:12], found[6:8, 15] = 1, 2, 4, 3  # 3 lies at the image's edge
    window = slice(0, 12), slice(14, 30)
    kept = paste_tile(labels, found, window, 10.0, 3, single=False)
    assert kept.tolist() == [1, 2, 3]  # 1 lies within 4 px of the inner edge
    assert [labels[2, 16], labels[2, 24], labels[6, 29], labels[8, 24], labels[5, 14]] == [0, 4, 5, 6, 3]
    assert np.bincount(labels.ravel())[4:].tolist() == [4, 2, 4]


@pytest.mark.parametrize(("column", "near"), [(3, True), (4, False)])
def test_the_seam_is_two_fifths_of_a_diameter(column, near):
    for used in (0, 7):
        labels, found = np.zeros((10, 40), np.int32), np.zeros((10, 20), np.int32)
        found[5, column] = 1
        paste_tile(labels, found, (slice(0, 10), slice(20, 40)), 10.0, used, single=False)
        assert labels.max() == (0 if near else used + 1)


@pytest.mark.parametrize(("covered", "taken"), [(3, True), (4, False), (5, False)])
def test_a_cell_half_of_which_is_there_already_is_that_cell(covered, taken):
    labels, found = np.zeros((10, 40), np.int32), np.zeros((10, 40), np.int32)
    labels[5, 10 : 10 + covered] = 1
    found[5, 10:18] = 1  # 8 px
    kept = paste_tile(labels, found, (slice(0, 10), slice(0, 40)), 10.0, 1, single=False)
    assert len(kept) == taken
    assert np.bincount(labels.ravel(), minlength=3)[1:].tolist() == [covered, 8 - covered if taken else 0]


def test_one_tile_is_taken_as_it_is():
    labels, found = np.full((4, 4), 9, np.int32), np.zeros((4, 4), np.int32)
    found[0, 0] = 1
    assert paste_tile(labels, found, (slice(0, 4), slice(0, 4)), 10.0, 0, single=True).tolist() == [0]
    assert np.array_equal(labels, found)


class Eye:
    """A predictor that takes what is darker than the background as cell, flat or with cones, and remembers."""

    def __init__(self, **config):
        self.config = WeightsConfig(name="eye", network=NetworkConfig(), diameter_px=20.0, **config)
        self.views, self.whites = [], []

    def __call__(self, image, white):
        self.views.append(image.shape[:2])
        self.whites.append(white.tolist())
        maps = 1 - image.astype(np.float32) / 200
        return ProbabilityMaps(maps[..., 0], maps[..., 1])


def discs(places, radius, shape):
    """Dark discs on a background of level 200, their green falling to the edge; places: x, y, red of the disc."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    image = np.full((*shape, 3), 200.0)
    for x, y, red in places:
        r = np.hypot(xx - x, yy - y) / radius
        image[r <= 1, 0] = red
        image[..., 1] = np.minimum(image[..., 1], 200 * r.clip(0, 1))
    return np.round(image).astype(np.uint8)


PLACES = [(30, 30, 0), (90, 30, 60), (30, 90, 90), (90, 90, 0), (150, 60, 0), (150, 0, 0)]


def test_cells_are_shown_at_the_size_the_network_knows():
    eye = Eye(thresholds={"min_score": 0.0})
    found = segment(discs(PLACES, 20, (120, 180)), eye, SegmentSettings(diameter_px=40))
    assert eye.views == [(60, 90)]
    assert eye.whites == [[200, 200, 200]]
    assert found.labels.max() == 6
    assert (found.labels.shape, found.labels.dtype) == ((120, 180), np.int32)
    assert np.bincount(found.labels.ravel())[1:].max() == pytest.approx(np.pi * 400, rel=0.08)
    assert (found.diameter_px, found.diameter_from) == (40, "given")
    assert set(found.seconds) == {"scale", "network", "instances"}
    assert all(0 <= value < 5 for value in found.seconds.values())
    assert found.seconds["network"] > 0
    assert found.seconds["instances"] > 0


def test_the_weights_say_which_scores_are_enough():
    image, settings = discs(PLACES, 20, (120, 180)), SegmentSettings(diameter_px=40)
    reds = {}
    for least in (0.0, 0.55, 0.8):
        found = segment(image, Eye(thresholds={"min_score": least}), settings)
        reds[least] = len(found.scores), len(found.rejected)
        assert (found.scores >= least).all()
        assert (found.rejected[:, 2] < least).all()
    assert reds == {0.0: (6, 0), 0.55: (5, 1), 0.8: (4, 2)}
    found = segment(image, Eye(), settings)  # 0.55 where the weights say nothing
    assert found.rejected[0] == pytest.approx([30, 90, 0.5], abs=1.2)
    assert 0.45 < found.rejected[0, 2] < 0.55
    asked = segment(image, Eye(thresholds={"min_score": 0.8}), SegmentSettings(diameter_px=40, min_score=0.0))
    assert len(asked.scores) == 6


def test_scores_of_kept_and_rejected_are_calibrated():
    image, settings = discs(PLACES, 20, (120, 180)), SegmentSettings(diameter_px=40)
    raw = segment(image, Eye(), settings)
    found = segment(image, Eye(calibration=CalibrationCurve(slope=8.0, offset=-5.0)), settings)
    for before, after in ((raw.scores, found.scores), (raw.rejected[:, 2], found.rejected[:, 2])):
        assert after.tolist() == pytest.approx((1 / (1 + np.exp(5 - 8 * before))).tolist(), rel=1e-4)
    assert np.array_equal(raw.rejected[:, :2], found.rejected[:, :2])
    assert np.array_equal(raw.labels, found.labels)


def test_tiles_tell_their_progress_and_give_the_same_cells(monkeypatch):
    image, settings = discs(PLACES, 20, (120, 180)), SegmentSettings(diameter_px=20)
    whole = segment(image, Eye(), settings)
    shares = []
    assert segment(image, Eye(), settings, shares.append).labels.max() == whole.labels.max()
    assert shares == [0.1, 1.0]
    monkeypatch.setattr(tiling, "TILE_PX", 100)
    shares, eye = [], Eye()
    found = segment(image, eye, settings, shares.append)
    assert eye.views == [(120, 100)] * 3  # 120 is a little more than a tile; 180 − 60 of 100 − 60 each
    assert shares == pytest.approx([0.1, 0.4, 0.7, 1.0])
    assert np.array_equal(found.labels > 0, whole.labels > 0)
    assert sorted(found.scores.tolist()) == pytest.approx(sorted(whole.scores.tolist()), abs=1e-5)
    assert found.labels.max() == len(found.scores) == 5


def test_the_diameter_is_measured_or_assumed():
    places = [(k, j, 0) for k in (25, 75, 125) for j in (25, 75, 125)]
    shares = []
    found = segment(discs(places, 9, (150, 150)), Eye(), on_progress=shares.append)
    assert found.diameter_from == "measured"
    assert found.diameter_px == pytest.approx(18, rel=0.06)
    assert shares[0] == 0.1
    assert found.seconds["scale"] > 0
    scratched = np.full((150, 150, 3), 200, np.uint8)
    scratched[:, 70:80, 2] = 0  # no cell in the channels the eye looks at
    found = segment(scratched, Eye())
    assert (found.diameter_px, found.diameter_from, found.labels.max()) == (20.0, "assumed", 0)
    assert found.rejected.shape == (0, 3)


@pytest.mark.parametrize(("asked", "diameter", "source"), [(None, 20.0, "assumed"), (33, 33, "given")])
def test_a_blank_field_is_not_shown_to_the_network(asked, diameter, source):
    eye, shares = Eye(), []
    found = segment(np.full((50, 70, 3), 200, np.uint8), eye, SegmentSettings(diameter_px=asked), shares.append)
    assert (eye.views, shares) == ([], [1.0])
    assert (found.diameter_px, found.diameter_from) == (diameter, source)
    assert (found.labels.shape, found.labels.dtype, found.labels.max()) == ((50, 70), np.int32, 0)
    assert (found.scores.shape, found.scores.dtype) == ((0,), np.float32)
    assert (found.rejected.shape, found.rejected.dtype) == ((0, 3), np.float32)
    assert found.seconds == {"scale": 0.0, "network": 0.0, "instances": 0.0}
