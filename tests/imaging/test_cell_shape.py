"""Centre and spread of cells, against what geometry says."""

import numpy as np
import pytest

from bccseg.imaging.cell_shape import cell_shapes, depth_inside, ellipse_area, log_spread, spread_from_log
from bccseg.imaging.resize import resize_labels


def ellipse(shape, y, x, half_height, half_width, angle=0.0):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    along = (cols - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    across = (rows - y) * np.cos(angle) - (cols - x) * np.sin(angle)
    return (along / half_width) ** 2 + (across / half_height) ** 2 <= 1


def test_a_disc_and_an_ellipse_have_the_spread_of_the_formula():
    labels = np.zeros((200, 300), np.int32)
    labels[ellipse(labels.shape, 60, 70, 40, 40)] = 1
    labels[ellipse(labels.shape, 120, 200, 20, 60, 0.5)] = 2
    shapes = cell_shapes(labels)
    assert shapes.centre[1:] == pytest.approx(np.array([[60, 70], [120, 200]]), abs=0.05)
    assert shapes.spread[1] == pytest.approx([400, 400, 0], rel=2e-3, abs=0.5)  # r^2 / 4
    long, short = 60**2 / 4, 20**2 / 4
    c, s = np.cos(0.5), np.sin(0.5)
    expected = [short * c * c + long * s * s, long * c * c + short * s * s, (long - short) * c * s]
    assert shapes.spread[2] == pytest.approx(expected, rel=5e-3)
    assert ellipse_area(shapes.spread)[1:] == pytest.approx(np.bincount(labels.ravel())[1:], rel=2e-3)


def test_one_pixel_is_a_cell_of_its_own_size():
    labels = np.zeros((5, 5), np.int32)
    labels[2, 3] = 1
    shapes = cell_shapes(labels)
    assert shapes.centre[1].tolist() == [2, 3]
    assert shapes.spread[1] == pytest.approx([1 / 12, 1 / 12, 0])
    assert cell_shapes(np.zeros((5, 5), np.int32)).centre.shape == (1, 2)


def test_cells_that_are_cut_or_lean_on_others_are_not_whole():
    labels = np.zeros((60, 90), np.int32)
    labels[:10, 40:50] = 1  # cut by the border
    labels[20:40, 5:25] = 2
    labels[20:40, 25:45] = 3  # a quarter of its outline is shared
    labels[20:40, 55:75] = 4
    labels[40, 74] = 5  # touches one side of a pixel
    assert cell_shapes(labels).whole.tolist() == [False, False, False, False, True, False]


def test_scaling_and_moving_a_picture_scales_and_moves_its_cells():
    labels = np.zeros((60, 80), np.int32)
    labels[ellipse(labels.shape, 30, 33, 8, 15, 0.3)] = 1
    twice = cell_shapes(resize_labels(labels, (160, 120)))
    assert cell_shapes(labels).scaled(2).centre[1] == pytest.approx(twice.centre[1], abs=0.01)
    assert cell_shapes(labels).scaled(2).spread[1] == pytest.approx(twice.spread[1], rel=0.01)
    moved = cell_shapes(np.roll(labels, (5, -7), axis=(0, 1)))
    assert cell_shapes(labels).moved(5, -7).centre[1] == pytest.approx(moved.centre[1])


def test_the_logarithm_is_zero_for_the_disc_and_comes_back():
    spread = np.array([[36, 36, 0], [36 * np.e**2, 36, 0], [50, 20, 11]], np.float32)
    logarithm = log_spread(spread, 24)
    assert logarithm[0] == pytest.approx([0, 0, 0], abs=1e-6)  # (24 / 4)^2 = 36
    assert logarithm[1] == pytest.approx([2, 0, 0], abs=1e-5)
    assert spread_from_log(logarithm, 24) == pytest.approx(spread, rel=1e-4, abs=1e-3)
    middle = spread_from_log(logarithm[:2].mean(axis=0, keepdims=True), 24)
    assert middle[0] == pytest.approx([36 * np.e, 36, 0], rel=1e-4)  # of two ellipses a mean is an ellipse


def test_depth_is_zero_at_the_centre_and_one_on_the_rim():
    spread = np.array([10.0**2 / 4, 30.0**2 / 4, 0], np.float32)
    depth = depth_inside(np.array([5, 15, 5, 5]), np.array([7, 7, 37, 22]), np.array([5.0, 7.0]), spread)
    assert depth == pytest.approx([0, 1, 1, 0.25])
