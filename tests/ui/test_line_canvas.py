"""A line of the drawing canvas as two points, also after it was moved, turned or flipped by its handles."""

import numpy as np
import pytest

from ui.components.canvas import _as_drawn, drawn_ends

LINE = ((10.0, 40.0), (70.0, 20.0))


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({}, LINE),
        ({"left": 50.0, "top": 35.0}, ((20.0, 45.0), (80.0, 25.0))),
        ({"angle": 90}, ((30.0, 0.0), (50.0, 60.0))),
        ({"scaleX": 2, "scaleY": 0.5}, ((-20.0, 35.0), (100.0, 25.0))),
        ({"flipX": True}, ((70.0, 40.0), (10.0, 20.0))),
        ({"originX": "left", "originY": "top", "left": 10.0, "top": 20.0}, LINE),
    ],
)
def test_the_ends_of_a_line(change, ends):
    assert np.allclose(drawn_ends(_as_drawn(LINE) | change), ends)
