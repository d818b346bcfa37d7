"""The enlarged end of a line."""

import numpy as np
import pytest

from bccseg.report.line_ends import SIDE_PX, end_view


def test_an_end_lies_in_the_middle_and_is_marked_across_the_line():
    image = np.full((60, 80, 3), 255, np.uint8)
    image[:, 30:] = 0  # an edge at x = 30
    view = end_view(image, (30.0, 25.0), (70.0, 25.0), 10)
    assert view.shape == (SIDE_PX, SIDE_PX, 3)
    assert (view[10] == 255).all(axis=1).sum() == SIDE_PX // 2, "the edge lies in the middle"
    red = view[..., 0].astype(int) - view[..., 1] > 50  # between two pixels a line is half as strong
    assert red[60:140, 98:102].any(axis=1).all(), "a mark across"
    assert red[98:102, 110:].any(axis=0).all(), "a line to the other end"
    assert not red[98:102, :80].any()


@pytest.mark.parametrize(("at", "sum_px"), [((0.0, 30.0), SIDE_PX**2 // 2), ((0.0, 0.0), 3 * SIDE_PX**2 // 4)])
def test_beside_the_image_it_is_grey(at, sum_px):
    image = np.full((60, 80, 3), 255, np.uint8)
    view = end_view(image, at, (80.0, 30.0), 10)
    assert abs((view == 128).all(axis=2).sum() - sum_px) < 800  # less the marks
