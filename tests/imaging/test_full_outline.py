"""Whole outlines of cells that others hide in part."""

import cv2
import numpy as np
import pytest

from bccseg.imaging.cell_shape import cell_shapes, ellipse_area
from bccseg.imaging.full_outline import (
    ERROR_SCALE,
    ellipse_polygon,
    full_outlines,
    hidden_in_part,
    join_outlines,
    no_outlines,
)
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.report.result import ImageResult
from bccseg.training.targets import shape_maps

SHAPE, DIAMETER = (120, 200), 40.0


def ellipse(y, x, half_height, half_width):
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return ((rows - y) / half_height) ** 2 + ((cols - x) / half_width) ** 2 <= 1


def stack():
    """A disc over an ellipse, and one apart: labels, the whole shapes, and what a perfect network would say."""
    wholes = [ellipse(60, 60, 20, 20), ellipse(60, 88, 15, 25), ellipse(40, 160, 20, 20)]
    labels = np.zeros(SHAPE, np.int32)
    for k in (3, 2, 1):
        labels[wholes[k - 1]] = k
    shapes = cell_shapes(labels)
    for k, whole in enumerate(wholes, start=1):
        one = cell_shapes(whole.astype(np.int32))
        shapes.centre[k], shapes.spread[k] = one.centre[1], one.spread[1]
    shapes.whole[:] = True
    maps = shape_maps(labels, shapes, DIAMETER)[0]
    return labels, wholes, ProbabilityMaps((labels > 0).astype(np.float32), way=maps[:2], spread=maps[2:])


def test_the_hidden_part_counts_in_the_whole_area():
    labels, wholes, maps = stack()
    found = full_outlines(labels, maps, DIAMETER)
    areas = [whole.sum() for whole in wholes]
    assert found.area == pytest.approx(areas, rel=0.01)
    assert (labels == 2).sum() < 0.85 * areas[1]
    assert found.centre == pytest.approx(np.array([[60, 60], [60, 88], [40, 160]]), abs=0.1)
    assert found.error == pytest.approx([0, 0, 0], abs=1e-3)  # all pixels say the same
    assert hidden_in_part(labels, found, np.bincount(labels.ravel())[1:]).tolist() == [False, True, False]


def test_pixels_that_disagree_make_the_area_uncertain():
    labels, _, maps = stack()
    noise = np.random.default_rng(0).normal(0, 0.2, maps.spread.shape).astype(np.float32)
    found = full_outlines(labels, maps._replace(spread=maps.spread + noise), DIAMETER)
    assert found.error == pytest.approx([ERROR_SCALE * 0.2 / np.sqrt(2)] * 3, rel=0.15)


def test_maps_at_another_scale_give_the_outline_in_px_of_the_image():
    labels, wholes, maps = stack()
    large = cv2.resize(labels.astype(np.float32), None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST).astype(np.int32)
    found = full_outlines(large, maps, DIAMETER)
    assert found.area == pytest.approx([9 * whole.sum() for whole in wholes], rel=0.01)
    assert found.centre[2] == pytest.approx([40 * 3 + 1, 160 * 3 + 1], abs=0.2)


def test_a_network_that_does_not_tell_gives_nothing():
    labels, _, maps = stack()
    for silent in (maps._replace(way=None), maps._replace(spread=None)):
        found = full_outlines(labels, silent, DIAMETER)
        assert np.isnan(found.area).all()
        assert not hidden_in_part(labels, found, np.bincount(labels.ravel())[1:]).any()
    assert len(full_outlines(labels * 0, maps, DIAMETER).error) == 0


def test_outlines_are_joined_taken_and_moved():
    labels, _, maps = stack()
    found = full_outlines(labels, maps, DIAMETER)
    both = join_outlines([no_outlines(2), found.moved(10, -5)])
    assert len(both.error) == 5
    assert np.isnan(both.area[:2]).all()
    assert both.take(np.array([3])).centre[0] == pytest.approx(found.centre[1] + [10, -5])


def test_an_ellipse_is_drawn_as_large_as_it_is():
    spread = np.array([100, 225, 40], np.float32)
    ring = ellipse_polygon(np.array([50.0, 80.0]), spread, points=400)
    assert cv2.contourArea(ring.astype(np.float32)) == pytest.approx(ellipse_area(spread), rel=1e-3)
    assert ring.mean(axis=0) == pytest.approx([80.5, 50.5], abs=0.01)


def test_a_result_has_the_whole_area_of_hidden_cells_only():
    labels, wholes, maps = stack()
    image, scores = np.full((*SHAPE, 3), 200, np.uint8), np.ones(3, np.float32)
    facts = {"name": "a", "stem": "a", "diameter_px": DIAMETER}
    result = ImageResult.measure(image, labels, scores, 0.5, full_outlines(labels, maps, DIAMETER), **facts)
    cells = result.cells
    assert np.isnan(cells["area_full_px"]).tolist() == [True, False, True]
    assert cells["area_full_px"][1] == pytest.approx(wholes[1].sum(), rel=0.01)
    assert cells["area_full_um2"][1] == pytest.approx(cells["area_full_px"][1] / 4)
    assert cells["area_full_error_px"][1] == pytest.approx(0, abs=1)
    assert list(result.hidden) == [2]
    plain = ImageResult.measure(image, labels, scores, **facts)
    assert plain.cells["area_full_px"].isna().all()
    assert plain.hidden == {}
