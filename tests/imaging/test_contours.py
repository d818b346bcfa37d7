"""Perimeter and circularity against the formulas of the figures, at every magnification."""

import numpy as np
import pytest
from scipy.special import ellipe

from bccseg.imaging.contours import measure_outlines, outline_lengths
from bccseg.imaging.measure import measure_cells


def figure(inside, side):
    """The pixels of a figure, with a margin."""
    rows, cols = np.mgrid[-side : side + 1, -side : side + 1]
    return inside(rows.astype(float), cols.astype(float)).astype(np.int32)


def turned(rows, cols, angle):
    return cols * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - cols * np.sin(angle)


def cell(labels):
    return measure_cells(labels, np.zeros((*labels.shape, 3), np.uint8)).iloc[0]


@pytest.mark.parametrize("radius", [5, 7, 10, 14, 20, 40, 100])
@pytest.mark.parametrize(("y", "x"), [(0, 0), (0.5, 0), (0.3, 0.4), (0.5, 0.5)])
def test_a_disc_is_round_at_any_magnification(radius, y, x):
    disc = figure(lambda rows, cols: (rows - y) ** 2 + (cols - x) ** 2 <= radius**2, radius + 4)
    area = np.array([disc.sum()])
    perimeter = measure_outlines(disc, np.array([1]), area).perimeter
    assert perimeter == pytest.approx(np.sqrt(4 * np.pi * area), rel=0.011)
    found = cell(disc)
    assert found.circularity == pytest.approx(1, abs=0.02 if radius < 10 else 0.01)
    assert found.perimeter_px == perimeter[0]


@pytest.mark.parametrize("angle", [0, 0.2, 0.5, np.pi / 4, 1.3])
@pytest.mark.parametrize(("long", "short"), [(20, 10), (40, 13), (60, 50)])
def test_an_ellipse_has_the_perimeter_of_the_formula(long, short, angle):
    def inside(rows, cols):
        along, across = turned(rows, cols, angle)
        return (along / long) ** 2 + (across / short) ** 2 <= 1

    formula = 4 * long * ellipe(1 - (short / long) ** 2)
    assert cell(figure(inside, long + 4)).perimeter_px == pytest.approx(formula, rel=0.008)


@pytest.mark.parametrize("angle", [0, 0.2, 0.5, np.pi / 4])
@pytest.mark.parametrize(("side", "short"), [(20, 0.05), (40, 0.024), (100, 0.011)])
def test_a_square_loses_less_than_a_pixel_at_each_corner(side, short, angle):
    def inside(rows, cols):
        along, across = turned(rows + 0.13, cols + 0.13, angle)
        return (abs(along) <= side / 2) & (abs(across) <= side / 2)

    square = figure(inside, side)
    formula = 4 * np.sqrt(square.sum())
    found = cell(square)
    assert formula * (1 - short) < found.perimeter_px < formula
    assert formula - found.perimeter_px < 4.1
    assert found.circularity == pytest.approx(np.pi / 4, rel=2.2 * short)


def test_neighbours_and_the_border_do_not_matter():
    disc = figure(lambda rows, cols: rows**2 + cols**2 <= 400, 20)
    alone = cell(np.pad(disc, 5)).perimeter_px
    pair = np.hstack([disc, 2 * disc])
    found = measure_outlines(pair, np.array([1, 2]), np.bincount(pair.ravel())[1:]).perimeter
    assert found == pytest.approx([alone, alone])


def test_a_pixel_has_the_outline_of_a_disc_of_its_width_and_a_line_goes_there_and_back():
    assert outline_lengths([np.array([[3, 4]])])[0] == pytest.approx(np.pi)
    there = np.stack([np.arange(200), np.zeros(200, int)], axis=1)
    assert outline_lengths([np.concatenate([there, there[-2:0:-1]])])[0] == pytest.approx(2 * 199 + np.pi, rel=0.01)


def test_pieces_of_a_cell_count_together():
    labels = np.zeros((40, 60), np.int32)
    labels[5:25, 5:25], labels[5:25, 35:55] = 1, 1
    one = labels * (np.arange(60) < 30)
    both, single = (measure_outlines(values, np.array([1]), np.array([values.sum()])) for values in (labels, one))
    assert both.perimeter == pytest.approx(2 * single.perimeter)
    assert both.solidity[0] == pytest.approx(800 / 1000)


def test_an_image_without_pixels_has_no_cells():
    table = measure_cells(np.zeros((0, 5), np.int32), np.zeros((0, 5, 3), np.uint8))
    assert len(table) == 0
