"""From maps to cells, step by step, with thresholds at and beside their values."""

import cv2
import numpy as np
import pytest

from bccseg.config import Thresholds
from bccseg.imaging.instances import (
    ProbabilityMaps,
    clean_labels,
    distance_from_mask,
    fill_holes,
    max_per_label,
    mean_per_label,
    merge_basins,
    separate_cells,
    split_by_distance,
    upsample_labels,
)
from bccseg.imaging.label_image import equivalent_diameter

NO_DEPTH = Thresholds(marker_depth=0, marker_threshold=0.01)


def dots(places, shape=(21, 25)):
    """A distance map that is 0 but for single pixels: {(row, column): value}."""
    out = np.zeros(shape, np.float32)
    for (row, column), value in places.items():
        out[row, column] = value
    return out


def split(distance, thresholds=NO_DEPTH, diameter=10.0, **more):
    return split_by_distance(distance, np.ones(distance.shape, bool), thresholds, diameter, **more)


@pytest.mark.parametrize(("diameter", "sigma"), [(10.0, 0.5), (25.0, 0.5), (50.0, 1.0), (100.0, 2.0)])
def test_the_distance_map_is_smoothed_by_a_fiftieth_of_a_cell(diameter, sigma):
    _, peak = split(dots({(40, 40): 1.0}, (81, 81)), diameter=diameter)
    middle = 1 / np.exp(-(np.arange(-20, 21) ** 2) / (2 * sigma**2)).sum()
    assert peak.tolist() == pytest.approx([middle**2], rel=0.01)
    assert peak.dtype == np.float32


@pytest.mark.parametrize(
    ("places", "cells"),
    [
        ({(10, 8): 0.97, (10, 10): 1.0, (10, 12): 0.98}, 3),  # a pixel between them
        ({(8, 10): 0.97, (10, 10): 1.0, (12, 10): 0.98}, 3),
        ({(8, 8): 0.96, (10, 10): 1.0, (12, 12): 0.98, (8, 12): 0.97, (12, 8): 0.95}, 5),
        ({(10, 10): 1.0, (11, 11): 1.0}, 1),  # one peak of two pixels, though they touch at a corner only
        ({(10, 10): 1.0, (11, 9): 1.0}, 1),
        ({(10, 10): 1.0, (10, 11): 0.9}, 1),
        ({(10, 10): 1.0, (11, 11): 0.9}, 1),  # a neighbour across the corner is higher
    ],
)
def test_a_peak_is_as_high_as_its_eight_neighbours(places, cells):
    labels, peak = split(dots(places))
    assert (labels.max(), len(peak)) == (cells, cells)
    assert labels.dtype == np.int32
    for row, column in places:
        assert peak[labels[row, column] - 1] == pytest.approx(
            cv2.GaussianBlur(dots(places), (0, 0), 0.5)[row, column], rel=0.15 if cells == 1 else 1e-6
        )


@pytest.mark.parametrize(("threshold", "cells"), [(0.25, 1), (0.26, 0)])
def test_a_peak_of_exactly_the_threshold_counts(threshold, cells):
    flat = np.full((12, 12), 0.25, np.float32)
    labels, peak = split(flat, Thresholds(marker_threshold=threshold))
    assert (labels == cells).all()
    assert len(peak) == cells
    assert labels.shape == (12, 12)
    assert (labels.dtype, peak.dtype) == (np.int32, np.float32)


def test_cells_stay_inside_the_mask_and_peaks_keep_their_order():
    distance = dots({(5, 5): 0.8, (5, 20): 1.0, (15, 5): 0.9})
    mask = np.zeros(distance.shape, bool)
    mask[3:8, 3:8] = mask[3:8, 18:23] = mask[13:18, 3:8] = True
    labels, peak = split_by_distance(distance, mask, NO_DEPTH, 10.0)
    assert [labels[5, 5], labels[5, 20], labels[15, 5]] == [1, 2, 3]
    assert np.bincount(labels.ravel()).tolist() == [distance.size - 75, 25, 25, 25]
    assert (peak / peak[1]).tolist() == pytest.approx([0.8, 1.0, 0.9])


def test_the_largest_and_the_mean_of_each_label():
    labels = np.array([[0, 1, 1], [3, 3, 3]], np.int32)
    values = np.array([[9, 0.25, 0.5], [0.5, 0.25, 0.75]], np.float32)
    assert max_per_label(values, labels, 4).tolist() == [0, 0.5, 0, 0.75, 0]
    assert max_per_label(values, labels, 4).dtype == np.float32
    assert mean_per_label(values, labels, 4).tolist() == [0.375, 0, 0.5, 0]
    assert mean_per_label(values, labels, 4).dtype == np.float32
    one = np.array([[0, 2]], np.int32)
    assert mean_per_label(np.array([[5, 0.5]], np.float32), one, 2).tolist() == [0, 0.5]


def owners(basins, smooth, height, depth, area=None):
    area = None if area is None else np.array([0, *area], float)
    found = merge_basins(
        np.array(basins, np.int32), np.array(smooth, np.float32), np.array([0, *height], np.float32), depth, area
    )
    return found.tolist()


@pytest.mark.parametrize(("depth", "merged"), [(0.25, False), (0.26, True)])
def test_a_dip_of_exactly_the_depth_parts_cells(depth, merged):
    row, heights = [0.75, 0.5, 0.5, 1.0], [0.75, 1.0]  # the dip goes by the lower peak
    kept = [0, 2, 2] if merged else [0, 1, 2]
    assert owners([[1, 1, 2, 2]], [row], heights, depth) == kept
    assert owners([[1], [1], [2], [2]], [[v] for v in row], heights, depth) == kept


def test_the_saddle_is_the_highest_crossing_of_the_border():
    basins = [[1, 2], [1, 2], [1, 2]]
    smooth = [[0.25, 0.5], [0.625, 0.75], [1.0, 0.5]]  # crossings at 0.25, 0.625, 0.5
    assert owners(basins, smooth, [1.0, 0.875], 0.25) == [0, 1, 2]
    assert owners(basins, smooth, [1.0, 0.875], 0.26) == [0, 1, 1]
    assert owners([[1, 0, 2]], [[1, 1, 1]], [1, 1], 0.9) == [0, 1, 2]  # background between: no neighbours


def test_of_equal_peaks_the_first_keeps_its_id_and_groups_grow_in_chains():
    assert owners([[1, 1, 2, 2]], [[1, 0.9, 0.9, 1]], [1.0, 1.0], 0.3) == [0, 1, 1]
    row = [0.8, 0.7, 0.7, 0.9, 0.75, 0.75, 1.0]
    assert owners([[1, 1, 2, 2, 2, 3, 3]], [row], [0.8, 0.9, 1.0], 0.3) == [0, 3, 3, 3]


def test_the_highest_saddle_is_taken_first():
    """Joined first with its higher neighbour, the middle basin is too high to join the low one."""
    basins, heights = [[1, 2, 2, 3]], [0.75, 0.625, 0.875]
    assert owners(basins, [[0.5, 0.5, 0.625, 0.625]], heights, 0.2) == [0, 1, 3, 3]
    assert owners(basins, [[0.625, 0.625, 0.5, 0.5]], heights, 0.2) == [0, 1, 1, 3]


@pytest.mark.parametrize(
    ("areas", "dip", "merged"),
    [
        ((0.6, 0.6), 0.374, True),  # 1.2 cells: depth × 1.5
        ((0.6, 0.6), 0.376, False),
        ((0.3, 0.3), 0.374, True),
        ((0.3, 0.3), 0.376, False),
        ((0.95, 0.95), 0.199, True),  # 1.9 cells: depth × 0.8
        ((0.95, 0.95), 0.201, False),
        ((3.0, 1.0), 0.199, True),
        ((3.0, 1.0), 0.201, False),
        ((0.75, 0.8), 0.287, True),  # half-way: × 1.15
        ((0.75, 0.8), 0.288, False),
        (None, 0.249, True),
        (None, 0.251, False),
    ],
)
def test_the_depth_asked_for_goes_by_the_size_of_the_piece(areas, dip, merged):
    row = [1.0, 1 - dip, 1 - dip, 1.0]
    assert owners([[1, 1, 2, 2]], [row], [1.0, 1.0], 0.25, areas) == ([0, 1, 1] if merged else [0, 1, 2])


def test_what_was_joined_counts_with_its_whole_size():
    basins, row = [[1, 2, 2, 3]], [1.0, 0.99, 0.7, 1.0]
    heights = [1.0, 1.0, 1.0]
    assert owners(basins, [row], heights, 0.25, (1.0, 0.3, 0.9)) == [0, 1, 1, 3]  # 2.2 cells ask for 0.2 only
    assert owners(basins, [row], heights, 0.25, (0.2, 0.3, 0.6)) == [0, 1, 1, 1]  # 1.1 cells ask for 0.375


def test_sizes_are_in_areas_of_a_typical_cell():
    """Two peaks with a dip of 0.3 on 20 x 40 px: one cell of 800 px or two of 400."""
    x = np.arange(40, dtype=np.float32)
    row = 1 - 0.3 * (1 - np.abs(x - 19.5) / 9.5).clip(0) - 0.01 * (np.abs(x - 19.5) - 9.5).clip(0)
    distance = np.tile(row, (20, 1)) - 0.004 * np.abs(np.arange(20) - 10)[:, None].astype(np.float32)
    for area, typical, cells in ((800, True, 1), (400, True, 2), (800, False, 2), (550, True, 1), (450, True, 2)):
        labels, _ = split(distance, Thresholds(marker_depth=0.25), float(equivalent_diameter(area)), typical=typical)
        assert labels.max() == cells
    assert split(distance, Thresholds(marker_depth=0.25), float(equivalent_diameter(800)))[0].max() == 1


def test_the_stand_in_distance_is_in_cell_radii_and_ends_at_1():
    mask = np.zeros((9, 9), bool)
    mask[:, :4] = True
    assert distance_from_mask(mask, 10.0)[5].tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2, 0, 0, 0, 0, 0], abs=1e-3)
    assert distance_from_mask(mask, 4.0)[0].tolist() == pytest.approx([1, 1, 1, 0.5, 0, 0, 0, 0, 0], abs=1e-3)
    assert (distance_from_mask(np.ones((5, 7), bool), 10.0) == 1).all()  # the border of the image is no edge
    point = np.ones((11, 11), bool)
    point[5, 5] = False
    near = distance_from_mask(point, 20.0)
    assert near.shape == (11, 11)
    assert [near[5, 8], near[8, 5], near[6, 6], near[6, 7]] == pytest.approx([0.3, 0.3, 0.14, 0.2197], abs=1e-3)
    assert near.dtype == np.float32


def plateau(inside, distance, shape=(24, 24)):
    """Maps of one square of 12 px with the same values all over."""
    cell, height = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    cell[6:18, 6:18], height[6:18, 6:18] = inside, distance
    return ProbabilityMaps(cell, height)


@pytest.mark.parametrize(
    ("inside", "distance", "score"),
    [(0.75, 0.875, 0.75 * 0.875), (1.0, 0.6875, 0.6875), (0.75, 1.5, 0.75), (0.5, 1.0, None), (1.0, 0.5, None)],
)
def test_the_score_is_mean_probability_times_height(inside, distance, score):
    labels, scores = separate_cells(plateau(inside, distance), Thresholds(), 14, (24, 24))
    assert scores.tolist() == ([] if score is None else pytest.approx([score], rel=1e-3))
    assert (labels > 0).sum() == (0 if score is None else 144)
    assert (labels.dtype, scores.dtype) == (np.int32, np.float32)


def test_only_pixels_above_the_cell_threshold_count_for_the_score():
    maps = plateau(0.75, 1.0)
    maps.cell[6:18, 6] = maps.cell[6, 6:18] = 0.5  # at the threshold: outside
    labels, scores = separate_cells(maps, Thresholds(), 14, (24, 24))
    assert (labels > 0).sum() == 121
    assert scores.tolist() == pytest.approx([0.75], rel=1e-3)


@pytest.mark.parametrize(("beside", "further"), [(0.21, 5), (0.19, 4)])
@pytest.mark.parametrize("head", ["distance", "binary"])
def test_labels_grow_to_two_fifths_of_the_threshold_before_they_are_cut(beside, further, head):
    """At eight times the size the edge lies 0.63 px beyond the last pixel, but the pixel beside must be in reach."""
    maps = plateau(1.0, 1.0)
    maps.cell[6:18, 18] = beside
    if head == "binary":
        maps = ProbabilityMaps(maps.cell, None)
    labels, _ = separate_cells(maps, Thresholds(marker_threshold=0.5), 6, (192, 192))
    assert labels.max() == 1
    row = np.flatnonzero(labels[96])
    assert row[-1] == 17 * 8 + 3 + further
    assert labels.shape == (192, 192)


def test_edges_come_from_the_enlarged_map_and_ids_from_the_nearest_pixel():
    grown = np.array([[1, 1, 2, 2]], np.int32)
    cell = np.array([[1.0, 1.0, 0.75, 0.25]], np.float32)
    assert upsample_labels(grown, cell, 0.25, (1, 4)).tolist() == [[1, 1, 2, 0]]
    big = upsample_labels(grown, cell, 0.5, (2, 8))
    assert big.tolist() == [[1, 1, 1, 1, 2, 2, 0, 0]] * 2  # 0.8125, 0.625 | 0.375, 0.25
    assert big.dtype == np.int32
    assert upsample_labels(grown, cell, 0.625, (2, 8)).tolist() == [[1, 1, 1, 1, 2, 0, 0, 0]] * 2


def test_pieces_that_touch_at_a_corner_are_two_and_the_larger_stays():
    labels = np.array([[3, 0, 0, 0], [0, 3, 3, 0], [0, 0, 0, 1], [2, 0, 0, 1]], np.int32)
    out, scores = clean_labels(labels, np.array([0.5, 0.25, 0.75, 0.1], np.float32))  # id 4 has no pixel
    assert out.tolist() == [[0, 0, 0, 0], [0, 3, 3, 0], [0, 0, 0, 1], [2, 0, 0, 1]]
    assert scores.tolist() == [0.5, 0.25, 0.75]
    assert (out.dtype, scores.dtype) == (np.int32, np.float32)


def test_ids_close_up_and_scores_go_with_them():
    labels = np.zeros((6, 9), np.int32)
    labels[0:3, 0:3], labels[4:6, 5:8] = 4, 2
    labels[1, 1] = 0  # a hole
    out, scores = clean_labels(labels, np.array([0.1, 0.2, 0.3, 0.4], np.float32))
    assert scores.tolist() == pytest.approx([0.2, 0.4])
    assert np.bincount(out.ravel()).tolist() == [54 - 15, 6, 9]


def filled(*rows):
    labels = np.array([[int(c) for c in row] for row in rows], np.int32)
    fill_holes(labels)
    return ["".join(map(str, row)) for row in labels.tolist()]


@pytest.mark.parametrize(
    ("rows", "result"),
    [
        (["11111", "10101", "11111"], ["11111", "11111", "11111"]),  # both holes
        (["0111", "1011", "1110"], ["0111", "1111", "1110"]),  # gaps join through sides only, not through corners
        (["0222", "1022", "1112"], ["0222", "1022", "1112"]),  # between two cells
        (["111", "101", "101"], ["111", "101", "101"]),  # open to the border
        (["11100", "10120", "11100"], ["11100", "11120", "11100"]),  # another cell behind the wall is no neighbour
        (["1112", "1001", "1111"], ["1112", "1111", "1111"]),  # nor one at the corner of the wall
        (["2110", "1010", "1110"], ["2110", "1110", "1110"]),  # nor one at the corner of the hole
        (["11111", "10011", "11011", "11111"], ["11111"] * 4),
        (["000", "000", "000"], ["000", "000", "000"]),
        (["222", "202", "222"], ["222", "222", "222"]),
    ],
)
def test_holes_are_background_enclosed_by_one_cell(rows, result):
    assert filled(*rows) == result
