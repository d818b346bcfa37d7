"""Lines that part drawn pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bccseg.annotation.edits import Edit, apply_edit
from bccseg.imaging.one_click import disc
from bccseg.imaging.split_lines import area_of, areas_cut_off, split_lines

SHAPE = (120, 160)


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(0, np.pi), share=st.floats(0.75, 0.95), ratio=st.floats(0.7, 1.3))
def test_the_first_line_parts_two_discs_where_they_meet(angle, share, ratio):
    apart = share * (20 + 20 * ratio)
    centres = [(60 + s * np.sin(angle) * apart / 2, 80 + s * np.cos(angle) * apart / 2) for s in (-1, 1)]
    radii = 20.0, 20.0 * ratio
    first, second = (disc(SHAPE, *at, r) for at, r in zip(centres, radii, strict=True))
    labels = (first | second).astype(np.int32)
    apply_edit(labels, Edit(kind="cut", points=split_lines(labels > 0)[0]), 2)
    for centre, whole in zip(centres, (first, second), strict=True):
        own = labels == labels[int(centre[0]), int(centre[1])]
        assert (own & whole).sum() / (own | whole).sum() > 0.7
    assert len(np.unique(labels)) == 3


def test_of_three_cells_in_a_row_the_lines_are_told_apart():
    row = np.any([disc(SHAPE, 60, x, 18) for x in (45, 75, 105)], axis=0)
    lines = split_lines(row)
    middles = sorted((x0 + x1) / 2 for (x0, _), (x1, _) in lines[:2])
    assert middles == pytest.approx([60, 90], abs=4)
    assert len(lines) == 6
    assert len(split_lines(row, most=3)) == 3


def test_a_line_cuts_whatever_it_was_found_for():
    for k, cell in enumerate((disc(SHAPE, 60, 80, 30), np.ones(SHAPE, bool), disc(SHAPE, 0, 0, 40))):
        for line in split_lines(cell):
            labels = cell.astype(np.int32)
            apply_edit(labels, Edit(kind="cut", points=line), 2)
            share = (labels == 2).sum() / cell.sum()
            assert 0.1 < share <= 0.5, (k, line)


def test_there_is_no_line_through_nothing_or_a_crumb():
    assert split_lines(np.zeros(SHAPE, bool)) == []
    crumb = np.zeros(SHAPE, bool)
    crumb[5, 5:8] = True
    assert split_lines(crumb) == []


def test_areas_cut_off_are_those_of_polygons():
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)
    assert area_of(square) == 16
    assert areas_cut_off(square, np.array([0, 0, 1]), np.array([2, 1, 3])).tolist() == [8, 0, 8]
