"""Classes of cells and small cells of whole images; no number of the other cells goes by them."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from bccseg.config import SegmentSettings
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference import tiling
from bccseg.inference.segment import segment
from tests.class_painter import ClassPainter, free_places, paint

SETTINGS = SegmentSettings(diameter_px=48)
SIZE = np.pi * 8**2  # with the rim


@pytest.fixture(scope="module")
def field():
    """A field with two white cells and twelve platelets, and green paint on a red cell too: image, labels, places."""
    image, labels = draw_smear((700, 900), cells=70, diameter_px=48, seed=4)
    places = free_places(labels, 12)
    inside = next(k for k in range(3, labels.max() + 1) if (labels == k).sum() > 1500)
    on_cell = ndi.center_of_mass(labels == inside)
    return paint(image, labels, [1, 2], [*places, on_cell]), labels, places


def found_at(found, places):
    labels = found.small_cells.labels(found.labels.shape)
    return [int(labels[y, x]) for y, x in places]


def test_cells_have_classes_and_small_cells_stand_apart(predictor, field):
    image, truth, places = field
    found = segment(image, ClassPainter(predictor), SETTINGS)
    names = dict(enumerate(found.classes.name_of_each(), start=1))
    assert len(names) == len(found.scores) == found.labels.max()
    white = [k for k in names if names[k] == "white"]
    assert sorted(np.bincount(truth[found.labels == k]).argmax() for k in white) == [1, 2]
    assert set(names.values()) == {"red", "white"}
    assert sorted(found_at(found, places)) == list(range(1, 13)), "each platelet once, and none in a cell"
    assert found.small_cells.classes.counts() == {"red": 0, "white": 0, "platelet": 12}
    assert (found.small_cells.classes.score > 0.8).all()
    area = np.bincount(found.small_cells.owner, weights=found.small_cells.length)[1:]
    assert (np.abs(area / SIZE - 1) < 0.3).all()


def test_the_other_numbers_are_those_without_classes(predictor, field):
    plain, told = (segment(field[0], ClassPainter(predictor, classes=c), SETTINGS) for c in (False, True))
    assert plain.classes is None
    assert plain.small_cells is None
    assert plain.candidates.classes is plain.candidates.small is None
    assert (plain.labels == told.labels).all()
    assert (plain.scores == told.scores).all()
    assert plain.in_frame == told.in_frame


def test_no_platelet_is_counted_twice_where_tiles_meet(predictor, field, monkeypatch):
    image, _, places = field
    whole = segment(image, ClassPainter(predictor), SETTINGS)
    monkeypatch.setattr(tiling, "TILE_PX", 320)
    tiled = segment(image, ClassPainter(predictor), SETTINGS)
    assert sorted(found_at(tiled, places)) == list(range(1, 13))
    assert len(tiled.small_cells) == 12
    assert tiled.classes.counts() == whole.classes.counts()
    middle = [np.bincount(whole.labels[tiled.labels == k + 1]).argmax() - 1 for k in range(len(tiled.scores))]
    assert tiled.classes.number.tolist() == whole.classes.number[middle].tolist()


def test_cut_platelets_are_left_out_with_cut_cells(predictor, field):
    image = field[0]
    labels = segment(image, ClassPainter(predictor), SETTINGS).labels
    free = next(x for x in range(60, 880) if not labels[:20, x - 12 : x + 12].any())
    image = paint(image, labels, [], [(0, free)], radius=8)
    every = segment(image, ClassPainter(predictor), SETTINGS)
    whole = segment(image, ClassPainter(predictor), SETTINGS.replace(drop_border_cells=True))
    assert (len(every.small_cells), len(whole.small_cells)) == (13, 12)
    assert len(whole.candidates.small) >= 13, "they can be had again"
    assert found_at(whole, [(0, free)]) == [0]


def test_a_blank_field_has_none_of_each_class(predictor):
    found = segment(np.full((60, 80, 3), 255, np.uint8), ClassPainter(predictor))
    assert found.classes.counts() == found.small_cells.classes.counts() == {"red": 0, "white": 0, "platelet": 0}
    assert segment(np.full((60, 80, 3), 255, np.uint8), ClassPainter(predictor, classes=False)).classes is None
