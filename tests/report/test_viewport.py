"""The window of the Correct page: exact both ways, inside the image, and drawn for images of any size."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.segmentation import find_boundaries

from bccseg.io.encode import jpeg, palette_png
from bccseg.report import viewport
from bccseg.report.overlay import cell_edges
from bccseg.report.viewport import ADDED_COLOUR, REMOVED_COLOUR, draw_marks, draw_photograph, make_view, overview

sizes = st.tuples(st.integers(1, 3000), st.integers(1, 3000))


@settings(max_examples=200, deadline=None)
@given(
    sizes,
    st.none() | st.floats(0.05, 16),
    st.none() | st.tuples(st.floats(-100, 4000), st.floats(-100, 4000)),
    st.tuples(st.integers(50, 1500), st.integers(50, 900)),
)
def test_a_view_lies_inside_the_image_and_maps_exactly(shape, zoom, middle, room):
    view = make_view(shape, zoom, middle, room)
    assert 0 <= view.left <= view.left + view.width <= shape[1]
    assert 0 <= view.top <= view.top + view.height <= shape[0]
    assert view.width >= 1
    assert view.height >= 1
    assert view.to_image(0, 0) == (view.left, view.top)
    corner = view.to_image(view.screen_width, view.screen_height)
    assert corner == pytest.approx((view.left + view.width, view.top + view.height))
    x, y = view.to_screen(*view.to_image(12.5, 7.25))
    assert (x, y) == pytest.approx((12.5, 7.25))
    moved = view.moved(10_000, -10_000, shape)
    assert moved.left + moved.width == shape[1]
    assert moved.top == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 7), (300, 400)])
@pytest.mark.parametrize("show", ["image", "outlines", "filled", "proposal", "changes"])
def test_any_size_is_drawn(shape, show):
    image, labels = np.full((*shape, 3), 200, np.uint8), np.zeros(shape, np.int32)
    labels[: (shape[0] + 1) // 2] = 1
    for zoom in (None, 1.0, 8.0):
        view = make_view(shape, zoom, None, (640, 480))
        out, marks = draw_photograph(view, image), draw_marks(view, labels, labels * 0, show)
        assert out.shape == (view.screen_height, view.screen_width, 3)
        layer = Image.open(io.BytesIO(palette_png(marks.index, marks.colours)))
        assert layer.size == (view.screen_width, view.screen_height)
        assert np.array_equal(np.asarray(layer.convert("RGBA")), marks.colours[marks.index])
    assert max(overview(image, labels, 260).shape) <= 260
    assert jpeg(out)[:2] == b"\xff\xd8"


def test_changes_are_green_and_red():
    base, labels = np.zeros((40, 60), np.int32), np.zeros((40, 60), np.int32)
    base[10:20, 5:15], labels[10:20, 35:45] = 1, 2
    marks = draw_marks(make_view((40, 60), 1.0, None, (60, 40)), labels, base, "changes", opacity=1.0)
    for column, colour in ((10, REMOVED_COLOUR), (40, ADDED_COLOUR)):
        assert marks.colours[marks.index[15, column]].tolist() == [*colour, round(0.6 * 255)]
    assert not marks.index[30].any()


def test_outlines_are_those_of_scikit_image(smear):
    _, labels = smear
    assert (cell_edges(labels, 1) == find_boundaries(labels, connectivity=2, mode="inner")).all()
    assert (viewport._edges(labels) == find_boundaries(labels, connectivity=1, mode="thick")).all()
