"""Classes of cells from class maps; known numbers."""

import numpy as np
import pytest

from bccseg.classes import DEFAULT_CLASSES, CellClass
from bccseg.imaging.cell_classes import classify_cells
from tests.imaging.class_maps import maps_of


def test_a_cell_is_of_the_class_that_its_pixels_name_on_average():
    labels = np.zeros((6, 12), np.int32)
    labels[1:5, 1:5], labels[1:5, 6:10] = 1, 2
    maps = maps_of((6, 12), (slice(1, 5), slice(1, 4), (0.5, 0.4, 0.1, 0)), (slice(1, 5), slice(4, 5), (0, 0, 1, 0)),
                   (slice(1, 5), slice(6, 10), (0.2, 0.2, 0.6, 0)))  # fmt: skip
    found = classify_cells(labels, maps, DEFAULT_CLASSES)
    assert found.name_of_each() == ["white", "white"]
    # 12 pixels say 0.4 red and 0.1 white, 4 say white: 5.2 of 10; what they say of "none" does not count.
    assert found.score == pytest.approx([5.2 / 10, 0.75])
    assert found.counts() == {"red": 0, "white": 2, "platelet": 0}


def test_maps_may_be_of_another_size():
    labels = np.zeros((40, 40), np.int32)
    labels[:20, :20], labels[20:, 20:] = 1, 2
    maps = maps_of((10, 10), (slice(0, 5), slice(0, 5), (0, 0, 1, 0)), (slice(5, 10), slice(5, 10), (0.5, 0.5, 0, 0)))
    found = classify_cells(labels, maps, DEFAULT_CLASSES)
    assert found.name_of_each() == ["white", "red"]
    assert found.score.tolist() == [1, 1]


def test_a_cell_that_the_cell_map_found_is_of_no_small_class_but_doubtful():
    labels = np.ones((4, 4), np.int32)
    found = classify_cells(labels, maps_of((4, 4), (slice(0, 4), slice(0, 4), (0, 0.1, 0.3, 0.6))), DEFAULT_CLASSES)
    assert found.name_of_each() == ["white"]
    assert found.score == pytest.approx([0.3])


def test_nothing_is_known_without_maps_or_without_a_pixel_of_them():
    labels = np.zeros((40, 40), np.int32)
    labels[:, 0], labels[10:, 10:] = 1, 2  # the first is narrower than a pixel of the maps
    unknown = classify_cells(labels, None, ())
    assert unknown.name_of_each() == ["unclassified", "unclassified"]
    assert np.isnan(unknown.score).all()
    some = classify_cells(labels, maps_of((4, 4), (slice(0, 4), slice(0, 4), (0, 1, 0, 0))), DEFAULT_CLASSES)
    assert some.name_of_each() == ["unclassified", "red"]
    assert classify_cells(np.zeros((4, 4), np.int32), None, DEFAULT_CLASSES).counts() == {
        "red": 0, "white": 0, "platelet": 0,
    }  # fmt: skip
    only_small = (CellClass(name="platelet", colour="#000000", small=True),)
    assert classify_cells(labels, np.ones((2, 4, 4), np.float32), only_small).name_of_each() == ["unclassified"] * 2
