"""Cells of small classes from class maps; known numbers."""

import numpy as np
import pytest

from bccseg.classes import DEFAULT_CLASSES, CellClass
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.runs import Runs
from bccseg.imaging.small_cells import SmallCells, find_small_cells
from tests.imaging.class_maps import maps_of


def test_small_cells_are_pieces_of_their_map_of_the_right_size_that_are_likely_enough():
    """At a diameter of 40 px a small cell is 4 to 30 px wide: 13 to 706 px in area; then it gets a rim of 2 px."""
    maps = maps_of((100, 100), *(
        (slice(y, y + size), slice(x, x + size), (1 - likely, 0, 0, likely))
        for y, x, size, likely in [(10, 10, 10, 0.8), (10, 40, 3, 1), (50, 50, 27, 1), (80, 10, 10, 0.4)]
    ))  # fmt: skip
    labels, classes = find_small_cells(maps, DEFAULT_CLASSES, (100, 100), 40, 0.5)
    assert classes.name_of_each() == ["platelet"]
    assert classes.score == pytest.approx([0.8])
    assert (labels[10:20, 10:20] == 1).all()
    assert edges(labels) == (8, 21, 8, 21)
    assert len(find_small_cells(maps, DEFAULT_CLASSES, (100, 100), 40, 0.3)[1]) == 2


def edges(labels):
    rows, cols = np.nonzero(labels)
    return rows.min(), rows.max(), cols.min(), cols.max()


def test_the_edge_lies_at_a_share_of_the_peak():
    maps = np.zeros((4, 60, 60), np.float32)
    maps[3, 20:40, 20:40] = 0.1  # below 0.3 of 0.6
    maps[3, 23:37, 23:37] = 0.2
    maps[3, 29:31, 29:31] = 0.6
    labels, classes = find_small_cells(maps, DEFAULT_CLASSES, (60, 60), 40, 0.2)
    assert edges(labels) == (21, 38, 21, 38)
    assert classes.score == pytest.approx([(192 * 0.2 + 4 * 0.6) / 196])
    assert len(find_small_cells(maps, DEFAULT_CLASSES, (60, 60), 40, 0.21)[1]) == 0  # by the mean, not by the peak


def test_small_cells_are_drawn_at_the_size_of_the_image():
    maps = maps_of((50, 50), (slice(10, 16), slice(10, 16), (0, 0, 0, 1)))
    labels, classes = find_small_cells(maps, DEFAULT_CLASSES, (200, 200), 100, 0.5)
    assert labels.shape == (200, 200)
    assert len(classes) == 1
    assert edges(labels) == (34, 69, 34, 69)  # 40 to 63, a pixel of the slope between, and a rim of 5 px


def test_two_small_classes_have_ids_of_their_own():
    two = (*DEFAULT_CLASSES, CellClass(name="dust", colour="#000000", small=True))
    maps = np.zeros((5, 60, 60), np.float32)
    maps[3, 5:15, 5:15] = maps[4, 30:40, 30:40] = maps[4, 5:15, 15:25] = 1  # two of them touch
    labels, classes = find_small_cells(maps, two, (60, 60), 40, 0.5)
    assert classes.name_of_each() == ["platelet", "dust", "dust"]
    assert [labels[10, 10], labels[10, 20], labels[35, 35]] == [1, 2, 3]
    assert classes.counts() == {"red": 0, "white": 0, "platelet": 1, "dust": 2}


@pytest.fixture
def three():
    """Small cells alone, half in a cell and a third in a cell; one of them at the border."""
    labels = np.zeros((30, 40), np.int32)
    labels[0:4, 0:6], labels[10:14, 10:16], labels[20:24, 20:26] = 1, 2, 3
    scores = np.array([0.7, 0.8, 0.9], np.float32)
    return labels, SmallCells.of(labels, Classification(("platelet",), np.zeros(3, np.int16), scores))


def test_small_cells_come_back_from_their_runs(three):
    labels, small = three
    assert len(small) == 3
    assert len(small.start) == 12
    assert (small.labels((30, 40)) == labels).all()


def test_a_small_cell_that_lies_in_another_cell_is_none(three):
    labels, small = three
    cells = np.zeros_like(labels)
    cells[10:14, 13:30], cells[20:24, 24:30] = 1, 2
    left = small.beside(cells)
    assert left.classes.score == pytest.approx([0.7, 0.9])
    expected = np.zeros_like(labels)
    expected[0:4, 0:6], expected[20:24, 20:24] = 1, 2
    assert (left.labels((30, 40)) == expected).all()
    assert left.beside(cells, off_border=True).classes.score == pytest.approx([0.9])
    assert len(small.beside(np.ones_like(labels))) == 0


def test_no_small_cells():
    nothing = np.zeros((5, 6), np.int32)
    small = SmallCells.of(nothing, Classification.unknown(0, ("platelet",)))
    assert len(small) == len(small.beside(nothing)) == 0
    assert (small.labels((5, 6)) == nothing).all()
    assert small.classes.counts() == {"platelet": 0}


def test_runs_part_where_owners_change():
    at, owner = np.array([2, 3, 4, 7, 8]), np.array([1, 1, 2, 2, 2])
    runs = Runs.of(at, owner)
    assert (runs.start.tolist(), runs.length.tolist(), runs.owner.tolist()) == ([2, 4, 7], [2, 1, 2], [1, 2, 2])
    assert all((a == b).all() for a, b in zip(runs.pixels(), (at, owner), strict=True))


def test_a_chain_of_small_cells_is_as_many_as_it_has_bellies():
    y, x = np.mgrid[:60, :120]
    maps = np.zeros((4, 60, 120), np.float32)
    for cx, radius in ((20, 9), (37, 9), (52, 7)):  # one piece, with two necks
        maps[3][(x - cx) ** 2 + (y - 30) ** 2 <= radius**2] = 1
    maps[3][(y > 26) & (y < 34) & (x > 80) & (x < 110)] = 1  # a rod has none
    labels, classes = find_small_cells(maps, DEFAULT_CLASSES, (60, 120), 60, 0.5)
    assert len(classes) == 4
    assert len({int(labels[30, cx]) for cx in (20, 37, 52, 95)}) == 4
    assert labels[30, 83] == labels[30, 107]
