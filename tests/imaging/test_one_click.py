"""One click on drawn cells: the whole outline, from maps, from colours, larger and smaller."""

import numpy as np
import pytest

from bccseg.config import Thresholds
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.one_click import (
    click_window,
    disc,
    edge_contrast,
    propose_cell,
    resized,
)

SHAPE, DIAMETER = (128, 128), 40.0
CELL = disc(SHAPE, 60, 64, 20)


def picture(cells, dark=(150, 90, 130)):
    noise = np.random.default_rng(0).normal(0, 4, (*SHAPE, 3))
    return np.clip(np.where(cells[..., None], dark, (225, 220, 228)) + noise, 0, 255).astype(np.uint8)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def propose(image, labels, maps, click=(66.0, 58.0)):
    return propose_cell(image, labels, maps, Thresholds(), click, DIAMETER, DIAMETER)


def test_the_window_reaches_so_far_around_the_click_and_ends_with_the_image():
    assert click_window((500, 600, 3), (300, 200), 50) == (slice(120, 281), slice(220, 381))
    assert click_window((500, 600), (5, 495), 50) == (slice(415, 500), slice(0, 86))


def test_what_the_network_is_sure_of_is_taken_whatever_the_colours():
    maps = ProbabilityMaps(cell=np.where(CELL, 0.98, 0.02).astype(np.float32))
    blank = np.full((*SHAPE, 3), 200, np.uint8)
    assert iou(propose(blank, np.zeros(SHAPE, np.int32), maps), CELL) > 0.97


def test_nothing_is_taken_from_a_neighbour():
    both = CELL | disc(SHAPE, 60, 94, 20)
    maps = ProbabilityMaps(cell=np.where(both, 0.98, 0.02).astype(np.float32))
    labels = disc(SHAPE, 60, 94, 20).astype(np.int32)
    found = propose(picture(both), labels, maps)
    assert not (found & (labels > 0)).any()
    assert iou(found, CELL & (labels == 0)) > 0.95
    assert propose(picture(both), labels, maps, click=(94.0, 60.0)) is None


def test_two_cells_that_were_both_missed_are_parted():
    other = disc(SHAPE, 60, 94, 20)
    both = CELL | other
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    first = (x < 79) & both
    way = np.stack([(60 - y) / DIAMETER, (np.where(first, 64, 94) - x) / DIAMETER]).astype(np.float32) * both
    distance = np.where(both, 0.8, 0).astype(np.float32)
    maps = ProbabilityMaps(cell=np.where(both, 0.98, 0.02).astype(np.float32), distance=distance, way=way)
    found = propose(picture(both), np.zeros(SHAPE, np.int32), maps)
    assert iou(found, first) > 0.95


@pytest.mark.parametrize("negative", [False, True])
def test_colours_find_the_cell_where_the_network_sees_none(negative):
    image = picture(CELL | disc(SHAPE, 104, 64, 20))
    image = 255 - image if negative else image
    labels = disc(SHAPE, 104, 64, 20).astype(np.int32)
    nothing = ProbabilityMaps(cell=np.full(SHAPE, 0.01, np.float32))
    wrong = ProbabilityMaps(cell=np.where(disc(SHAPE, 60, 84, 22), 0.7, 0.01).astype(np.float32))
    for maps in (None, nothing, wrong):
        found = propose(image, labels, maps)
        assert iou(found, CELL) > 0.93
        assert not (found & (labels > 0)).any()


def test_on_a_blank_picture_there_is_no_cell():
    blank = np.full((*SHAPE, 3), 200, np.uint8)
    assert propose(blank, np.zeros(SHAPE, np.int32), None) is None
    nothing = ProbabilityMaps(cell=np.full(SHAPE, 0.01, np.float32))
    assert propose(blank, np.zeros(SHAPE, np.int32), nothing) is None


def test_the_contrast_of_an_edge_is_that_of_the_bands_beside_it():
    image = np.where(CELL[..., None], 100, 200).astype(np.uint8).repeat(3, axis=2)
    labels = np.zeros(SHAPE, np.int32)
    assert edge_contrast(image, labels, CELL, DIAMETER) == pytest.approx(100 * np.sqrt(3) / 3)
    assert edge_contrast(image, labels, disc(SHAPE, 60, 64, 8), DIAMETER) == 0
    assert edge_contrast(image, (~CELL).astype(np.int32), CELL, DIAMETER) == 0


def test_steps_make_it_larger_and_smaller_but_never_into_others_nor_nothing():
    free = ~disc(SHAPE, 60, 86, 3)
    radius = [np.sqrt(resized(CELL, free, step, 100).sum() / np.pi) for step in (-2, -1, 0, 1, 2)]
    assert np.diff(radius) == pytest.approx([2, 2, 2, 2], abs=0.5)
    larger = resized(CELL, free, 3, 100)
    assert not (larger & ~free & ~CELL).any()
    assert (resized(CELL, free, -30, 100) == CELL).all()
