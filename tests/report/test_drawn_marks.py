"""Every mark that is drawn: where it lies, how wide it is, and in which colour."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from bccseg.report.error_picture import COLOURS, draw_errors
from bccseg.report.overlay import (
    OUTLINE_COLOUR,
    PALETTE,
    cell_edges,
    draw_overlay,
    overlay_png,
)
from bccseg.report.viewport import (
    ADDED_COLOUR,
    MOVED_COLOUR,
    PROPOSAL_COLOUR,
    REMOVED_COLOUR,
    View,
    draw_marks,
    draw_photograph,
    make_view,
    overview,
)


def square(shape, top, left, side, cell=1):
    labels = np.zeros(shape, np.int32)
    labels[top : top + side, left : left + side] = cell
    return labels


def grey(shape, level=100):
    return np.full((*shape, 3), level, np.uint8)


@pytest.mark.parametrize(("width", "inner"), [(1, 8), (2, 6), (3, 4)])
def test_edges_lie_inside_the_cell_and_are_as_wide_as_asked(width, inner):
    edges = cell_edges(square((20, 24), 5, 7, 10), width)
    assert edges.sum() == 100 - inner**2
    assert not edges[5 + width : 15 - width, 7 + width : 17 - width].any()
    assert edges[5, 7:17].all()
    assert edges[14, 7:17].all()
    assert not cell_edges(np.ones((9, 9), np.int32), width).any()  # the border of the image is no edge
    assert cell_edges(square((20, 24), 5, 7, 10)).sum() == 36


def test_edges_tell_large_ids_apart_on_both_sides():
    labels = np.full((8, 12), 70_001, np.int32)
    labels[:, 6:] = 70_000
    assert np.flatnonzero(cell_edges(labels)[3]).tolist() == [5, 6]
    assert np.flatnonzero(cell_edges(labels[:, ::-1], 2)[3]).tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(("side", "width"), [(200, 1), (1349, 1), (1351, 2), (2251, 3)])
@pytest.mark.parametrize("lying", [True, False])
def test_outlines_get_wider_with_the_image(side, width, lying):
    shape = (40, side) if lying else (side, 40)
    out = draw_overlay(grey(shape), square(shape, 10, 12, 20))
    assert (out != 100).any(axis=2).sum() == 400 - (20 - 2 * width) ** 2


def test_the_overlay_file_is_the_outlined_image():
    image, labels = grey((20, 20)), square((20, 20), 5, 5, 10)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(overlay_png(image, labels)))), draw_overlay(image, labels))


def extent(where):
    rows, columns = np.nonzero(where)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


@pytest.mark.parametrize(
    ("shape", "zoom", "middle", "room", "view"),
    [
        ((400, 600), None, None, (300, 300), (0, 0, 600, 400, 300, 200)),  # all of it
        ((400, 600), 0.25, None, (300, 300), (0, 0, 600, 400, 300, 200)),  # never less than all
        ((400, 600), 1.0, None, (300, 200), (150, 100, 300, 200, 300, 200)),
        ((400, 600), 1.0, (200, 150), (300, 200), (50, 50, 300, 200, 300, 200)),
        ((400, 600), 1.0, (10, 390), (300, 200), (0, 200, 300, 200, 300, 200)),
        ((400, 600), 1.0, (590, 10), (300, 200), (300, 0, 300, 200, 300, 200)),
        ((400, 600), 4.0, (300, 200), (310, 210), (261, 174, 78, 52, 312, 208)),
        ((400, 600), 1.0, None, (900, 200), (0, 100, 600, 200, 600, 200)),  # wider than the image
        ((10, 10), 8.0, None, (640, 480), (0, 0, 10, 10, 480, 480)),
        ((400, 600), 500.0, (300.4, 200.4), (300, 200), (300, 200, 1, 1, 500, 500)),
        ((5000, 2), None, None, (100, 100), (0, 0, 2, 5000, 1, 100)),
    ],
)
def test_windows_of_known_images(shape, zoom, middle, room, view):
    assert make_view(shape, zoom, middle, room) == View(*view)


def test_points_go_to_the_screen_and_back():
    view = View(100, 50, 200, 80, 400, 240)  # 2 across, 3 down
    assert view.zoom == (2, 3)
    assert view.to_screen(110, 60) == (20, 30)
    assert view.to_image(20, 30) == (110, 60)
    assert view.moved(30, -20, (400, 600)) == View(130, 30, 200, 80, 400, 240)
    assert view.moved(-101, 400, (400, 600)) == View(0, 320, 200, 80, 400, 240)
    assert view.moved(400, -400, (400, 600)) == View(400, 0, 200, 80, 400, 240)


def over(view, image, labels, base, show="outlines", *opacity):
    """The photograph and the marks over it, as the browser shows them."""
    marks = draw_marks(view, labels, base, show, *opacity)
    colour, share = marks.colours[marks.index][..., :3], marks.colours[marks.index][..., 3:] / 255
    return np.round(draw_photograph(view, image) * (1 - share) + colour * share).astype(np.uint8)


def drawn(show="outlines", zoom=1.0, shape=(40, 60), labels=None, base=None, level=100, opacity=()):
    labels = square(shape, 10, 20, 12) if labels is None else labels
    base = np.zeros(shape, np.int32) if base is None else base
    view = make_view(shape, zoom, None, (round(shape[1] * zoom), round(shape[0] * zoom)))
    return over(view, grey(shape, level), labels, base, show, *([opacity] if opacity else ()))


def test_a_line_runs_on_both_sides_of_every_edge():
    out = drawn(opacity=1.0)
    line = (out == OUTLINE_COLOUR).all(axis=2)
    ring = square((40, 60), 9, 19, 14) - square((40, 60), 11, 21, 10)
    ring[[9, 9, 22, 22], [19, 32, 19, 32]] = 0  # four-connected: not around the corners
    assert np.array_equal(line, ring > 0)
    assert (out[~line] == 100).all()
    touching = square((40, 60), 10, 20, 12) + square((40, 60), 10, 32, 12, 2)
    row = (drawn(labels=touching, opacity=1.0)[16] != 100).any(axis=1)
    assert np.flatnonzero(row).tolist() == [19, 20, 31, 32, 43, 44]


@pytest.mark.parametrize(("opacity", "colour"), [(0.5, (50, 150, 95)), (None, (10, 190, 91))])
def test_lines_let_the_image_through(opacity, colour):
    out = drawn() if opacity is None else drawn(opacity=opacity)  # 0.9 unless asked otherwise
    assert out[10, 25].tolist() == list(colour)


def test_the_proposal_is_shown_alone_and_orange():
    base = square((40, 60), 20, 5, 8)
    out = drawn("proposal", base=base, opacity=1.0)
    assert out[20, 8].tolist() == list(PROPOSAL_COLOUR) == [255, 140, 0]
    assert (out[10, 20:32] == 100).all()  # not the labels of now
    assert (drawn("image", base=base) == 100).all()


def test_cells_are_filled_in_the_colours_of_the_palette():
    ids = enumerate((1, 2, 12, 13))
    labels = sum(square((40, 60), 5 + 18 * (k // 3), 3 + 18 * (k % 3), 12, cell) for k, cell in ids)
    out = drawn("filled", labels=labels, level=200, opacity=0.8)
    for k, cell in enumerate((0, 1, 11, 0)):
        inside = out[11 + 18 * (k // 3), 9 + 18 * (k % 3)]
        assert inside.tolist() == np.round(200 * 0.6 + PALETTE[cell] * 0.4).tolist()
    assert out[11, 16].tolist() == [200] * 3
    assert out[5, 9].tolist() == np.round(0.2 * 200 + 0.8 * np.array(OUTLINE_COLOUR)).tolist()


def test_changes_are_green_red_and_blue():
    base = square((40, 60), 5, 5, 12) + square((40, 60), 5, 25, 12, 2) + square((40, 60), 22, 5, 12, 3)
    labels = square((40, 60), 5, 25, 12, 4) + square((40, 60), 22, 5, 12, 3) + square((40, 60), 22, 40, 12, 5)
    out = drawn("changes", labels=labels, base=base, opacity=0.5)
    for (row, column), colour in (
        ((11, 11), REMOVED_COLOUR), ((11, 31), MOVED_COLOUR), ((28, 46), ADDED_COLOUR),
    ):  # fmt: skip
        assert out[row, column].tolist() == np.round(70 + 0.3 * np.array(colour)).tolist()
    assert out[28, 11].tolist() == [100] * 3  # the same
    assert (REMOVED_COLOUR, MOVED_COLOUR, ADDED_COLOUR) == ((220, 30, 60), (60, 110, 255), (0, 170, 90))
    assert out[10, 5].tolist() == np.round(70 + 0.3 * np.array(REMOVED_COLOUR)).tolist()  # no line around what is gone
    line = out[22, 46] - 0.5 * np.array(OUTLINE_COLOUR)
    assert np.abs(line - 50).max() <= 1


def test_only_the_window_is_drawn():
    image = np.arange(30 * 40, dtype=np.int64).reshape(30, 40) % 251
    image = np.stack([image, image + 1, image + 2], axis=2).astype(np.uint8)
    labels = square((30, 40), 12, 22, 4)
    view = View(20, 10, 8, 9, 8, 9)
    assert np.array_equal(over(view, image, labels, labels, "image"), image[10:19, 20:28])
    filled = over(view, image, labels, labels, "filled", 1.0)
    assert (filled != image[10:19, 20:28]).any(axis=2)[1:7, 1:7].sum() == 36 - 4


@pytest.mark.parametrize(
    ("screen", "how"), [(8, cv2.INTER_AREA), (16, cv2.INTER_CUBIC), (40, cv2.INTER_CUBIC), (47, cv2.INTER_CUBIC),
                        (48, cv2.INTER_NEAREST), (128, cv2.INTER_NEAREST)],
)  # fmt: skip
def test_small_is_averaged_large_is_smooth_and_very_large_shows_pixels(screen, how):
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    out = draw_photograph(View(0, 0, 16, 16, screen, screen), image)
    assert np.array_equal(out, cv2.resize(image, (screen, screen), interpolation=how))


def test_the_overview_is_tinted_a_quarter_and_never_enlarged():
    labels = square((100, 200), 20, 40, 40)
    image = grey((100, 200))
    out = overview(image, labels, 50)
    assert out.shape == (25, 50, 3)
    assert out[10, 15].tolist() == [75, 125, 98]
    assert out[10, 25].tolist() == [100] * 3
    assert (out != 100).any(axis=2).sum() == 100
    assert overview(image, labels, 500).shape == (100, 200, 3)
    assert overview(image.transpose(1, 0, 2), labels.T, 50).shape == (50, 25, 3)
    assert (image == 100).all()


@pytest.mark.parametrize(("longest", "size"), [(0, 120), (120, 120), (500, 120), (60, 60), (40, 40)])
def test_the_picture_of_errors_is_shrunk_to_the_longest_side(longest, size):
    shape = (60, 120)
    out = draw_errors(grey(shape), square(shape, 10, 10, 20), square(shape, 10, 10, 20), longest)
    assert out.shape == (size // 2, size, 3)
    assert (out == COLOURS["found"]).all(axis=2).any()


def test_errors_are_drawn_twice_as_wide_as_what_is_right():
    truth = square((100, 160), 10, 10, 20) + square((100, 160), 50, 50, 20, 2)
    predicted = square((100, 160), 10, 10, 20) + square((100, 160), 60, 110, 20, 2)
    image = grey((100, 160))
    out = draw_errors(image, truth, predicted)
    for (row, left), colour, width in (
        ((20, 10), (0, 160, 70), 1), ((60, 50), (215, 0, 160), 2), ((70, 110), (245, 130, 0), 2),
    ):  # fmt: skip
        line = (out[row, left - 3 : left + 23] == colour).all(axis=1)
        assert np.flatnonzero(line).tolist() == [*range(3, 3 + width), *range(23 - width, 23)]
    assert (out != 100).any(axis=2).sum() == (400 - 18**2) + 2 * (400 - 16**2)
    assert (image == 100).all()
