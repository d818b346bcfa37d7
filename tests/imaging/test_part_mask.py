"""Masks of overlapping cells, parted by boxes."""

import numpy as np
import pytest

from bccseg.imaging.part_mask import box_pieces, box_window, ellipse_depth, part_mask


def disc(shape, y, x, radius):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (cols - x) ** 2 <= radius**2


def box(y, x, radius):
    return [x - radius, y - radius, x + radius, y + radius]


def test_an_overlapping_pair_is_parted_in_its_middle():
    mask = disc((100, 160), 50, 60, 20) | disc((100, 160), 50, 90, 20)
    labels = part_mask(mask, np.array([box(50, 60, 20), box(50, 90, 20)], float))
    assert ((labels > 0) == mask).all()
    assert (labels[:, :75][mask[:, :75]] == 1).all()
    assert (labels[:, 76:][mask[:, 76:]] == 2).all()


def test_three_cells_each_get_what_lies_deepest_in_their_ellipse():
    places = [(50, 50, 20), (50, 80, 18), (75, 65, 15)]
    discs = [disc((120, 140), *p) for p in places]
    labels = part_mask(np.any(discs, axis=0), np.array([box(*p) for p in places], float))
    depth = np.stack(
        [((np.mgrid[:120, :140] - np.array(p[:2])[:, None, None]) ** 2).sum(0) / p[2] ** 2 for p in places]
    )
    mask = np.any(discs, axis=0)
    assert (labels[mask] == depth.argmin(axis=0)[mask] + 1).all()


def test_pieces_with_one_box_or_none_stay_whole_and_specks_go():
    shape = (100, 200)
    mask = disc(shape, 50, 30, 15) | disc(shape, 50, 80, 15) | disc(shape, 50, 130, 15) | disc(shape, 20, 180, 3)
    boxes = np.array([box(50, 30, 15), box(50, 170, 12), [78.0, 48, 82, 52]], float)  # the second lies on nothing
    labels = part_mask(mask, boxes, 100)
    assert labels.max() == 3
    assert labels[20, 180] == 0
    assert len(np.unique(labels[mask & disc(shape, 50, 130, 15)])) == 1
    assert part_mask(mask, np.zeros((0, 4))).max() == 4


def test_a_box_speaks_for_the_piece_that_covers_it_if_enough_is_covered():
    pieces = np.zeros((60, 60), np.int32)
    pieces[:, :20], pieces[:, 30:] = 1, 2
    boxes = np.array([[0, 10, 30, 40], [16, 10, 34, 40], [70, 70, 90, 90]], float)
    assert box_pieces(pieces, boxes).tolist() == [1, 0, 0]


def test_boxes_may_reach_beyond_the_image():
    assert box_window(np.array([-5.0, -5, 10.2, 70]), (60, 50)) == (slice(0, 60), slice(0, 11))
    assert box_window(np.array([60.0, 0, 70, 10]), (60, 50)) == (slice(0, 10), slice(50, 50))
    mask = disc((60, 80), 30, 0, 20) | disc((60, 80), 30, 28, 20)
    labels = part_mask(mask, np.array([box(30, 0, 20), box(30, 28, 20)], float))
    assert labels.max() == 2
    assert labels[30, 10] != labels[30, 18]


def test_depth_is_one_on_the_ellipse():
    depth = ellipse_depth(np.array([[10.0, 20, 30, 80]]), np.s_[0:90, 0:40])[0]
    assert depth[50, 20] == 0
    assert depth[50, [10, 30]] == pytest.approx([1, 1])
    assert depth[[20, 80], 20] == pytest.approx([1, 1])
