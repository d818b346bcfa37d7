"""How the cell diameter is found, with a network that says what it is told."""

import numpy as np
import pytest

from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.label_image import equivalent_diameter
from bccseg.inference.diameter import (
    ScaleCandidate,
    busiest_window,
    estimate_diameter,
    evaluate_scale,
    is_reliable,
)


class Network:
    """Sees what is bright in the red channel as cell, each at the height of the green one."""

    def __init__(self):
        self.views = []

    def __call__(self, view):
        self.views.append(view.shape[:2])
        maps = view.astype(np.float32) / 255
        return ProbabilityMaps(maps[..., 0], maps[..., 1])


def cones(places, diameter, shape, red=255, green=255):
    """Discs as a network sees them: red all over, green falling to their edge."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    out = np.zeros((*shape, 3), np.float32)
    for x, y in places:
        r = np.hypot(xx - x, yy - y) / (diameter / 2)
        out[..., 0] = np.maximum(out[..., 0], red * (r <= 1))
        out[..., 1] = np.maximum(out[..., 1], green * (1 - r).clip(0))
    return np.round(out).astype(np.uint8)


def grid(diameter, shape=(512, 512), columns=4, rows=4, **more):
    height, width = shape[0] // rows, shape[1] // columns
    return np.tile(cones([(width / 2, height / 2)], diameter, (height, width), **more), (rows, columns, 1))


@pytest.mark.parametrize(
    ("shape", "views"),
    [
        ((512, 512), [512, 256, 512, 128, 512, 64, 512]),  # 1, 1/2, 2, 1/4, 4, 1/8, 8 times; 16 and 32 are too much
        ((256, 200), [(256, 200), (128, 100), (512, 400), (64, 50), 512, (32, 25), 512]),
        ((1024, 300), [(512, 150), (256, 75), (512, 300), (128, 38), 512, (64, 19), 512, 512]),  # from a half on
        ((100, 16), [(100, 16), (200, 32), (400, 64), (512, 128)]),  # no view of less than 16 px
        ((100, 15), [(200, 30), (400, 60), (512, 120)]),
    ],
)
def test_magnifications_are_tried_from_the_middle_outwards(shape, views):
    network = Network()
    assert estimate_diameter(np.zeros((*shape, 3), np.uint8), network, 48) is None
    assert network.views == [(v, v) if isinstance(v, int) else v for v in views]


@pytest.mark.parametrize(
    ("diameter", "many", "views"),
    [(48, 4, 1), (30, 4, 1), (62, 4, 1), (90, 4, 2), (24, 8, 3), (120, 4, 2), (12, 16, 5)],
)
def test_a_clear_view_ends_the_search(diameter, many, views):
    """Within 0.55 and 1.4 of the size the network knows; half first, then double, then a quarter, then four times."""
    network = Network()
    found = estimate_diameter(grid(diameter, columns=many, rows=many), network, 48)
    assert found == pytest.approx(diameter, rel=0.06)
    assert len(network.views) == views


def test_the_best_view_is_looked_at_again_where_none_is_clear():
    """Three cells are too few to be sure; the last view shows them at the size the network knows."""
    network = Network()
    image = cones([(100, 100), (300, 300), (400, 100)], 70, (512, 512))
    assert estimate_diameter(image, network, 48) == pytest.approx(70, rel=0.02)
    assert len(network.views) == 8
    assert network.views[-1][0] == pytest.approx(512 * 48 / 70, abs=5)


class Answers:
    """A network that says what it is asked for first, second, ...: one square at a time, or nothing."""

    def __init__(self, sides):
        self.sides, self.views = list(sides), []

    def __call__(self, view):
        self.views.append(view.shape[:2])
        cell, side = np.zeros(view.shape[:2], np.float32), self.sides.pop(0) if self.sides else 0
        middle = view.shape[0] // 2, view.shape[1] // 2
        cell[middle[0] - side // 2 : middle[0] + side // 2, middle[1] - side // 2 : middle[1] + side // 2] = 1
        return ProbabilityMaps(cell, cell)


@pytest.mark.parametrize(("again", "side", "enlarged"), [(42, 42, True), (8, 40, False)])
def test_the_second_look_counts_only_if_it_is_as_good(again, side, enlarged):
    """The first view shows a square of 40 px, 45 px wide as a circle; the last one `again`."""
    image = np.zeros((512, 512, 3), np.uint8)
    network = Answers([40, 0, 0, 0, 0, 0, 0, again])
    found = estimate_diameter(image, network, 48)
    assert network.views[-1][0] == pytest.approx(512, abs=2)
    factor = 48 / equivalent_diameter(1600) if enlarged else 1.0
    assert found == pytest.approx(equivalent_diameter(side**2) / factor, rel=0.001)


def test_of_views_alike_the_first_is_kept():
    network = Answers([40, 40, 40])
    found = estimate_diameter(np.zeros((512, 512, 3), np.uint8), network, 48)
    assert found == pytest.approx(equivalent_diameter(1600))  # of the first view; nothing is found in the last


@pytest.mark.parametrize(("trained", "share"), [(48, 1), (24, np.exp(-1)), (96, np.exp(-1)), (12, np.exp(-4))])
@pytest.mark.parametrize(("cells", "enough"), [(4, 1), (2, 0.5), (1, 0.25), (6, 1)])
def test_the_quality_of_a_view(trained, share, cells, enough):
    image = grid(48, (160, 480), 6, 1)
    image[:, 80 * cells :] = 0
    found = evaluate_scale(image, 1.0, Network(), trained)
    assert found.factor == 1.0
    assert found.cells == cells
    assert found.diameter_px == pytest.approx(48, abs=0.6)
    fit = np.exp(-(np.log2(found.diameter_px / trained) ** 2))
    assert fit == pytest.approx(share, rel=0.06)
    sure = found.quality / fit / enough
    assert 0.88 < sure < 1.0  # the height of the peaks, a little smoothed away


@pytest.mark.parametrize(("red", "green"), [(255, 255), (204, 255), (255, 230), (204, 230)])
def test_the_quality_goes_with_the_scores(red, green):
    perfect = evaluate_scale(grid(48, (160, 480), 6, 1), 1.0, Network(), 48).quality
    found = evaluate_scale(grid(48, (160, 480), 6, 1, red=red, green=green), 1.0, Network(), 48).quality
    assert found / perfect == pytest.approx(red / 255 * green / 255, rel=0.02)


def test_scores_count_by_area():
    """A small sure cell hardly matters beside three large unsure ones."""
    image = grid(60, (160, 480), 3, 1, red=153)
    small = cones([(160, 80), (320, 80), (160, 40)], 20, (160, 480))
    together = np.maximum(image, small)
    alone = evaluate_scale(image, 1.0, Network(), 48)
    found = evaluate_scale(together, 1.0, Network(), 48)
    assert (alone.cells, found.cells) == (3, 6)
    fit = [np.exp(-(np.log2(v.diameter_px / 48) ** 2)) * min(1, v.cells / 4) for v in (alone, found)]
    sure = [v.quality / f for v, f in zip((alone, found), fit, strict=True)]
    assert sure[0] == pytest.approx(0.58, abs=0.02)
    assert sure[0] + 0.02 < sure[1] < sure[0] + 0.06  # 1 / 10 of the area, a third surer


def test_cut_cells_count_only_where_whole_ones_are_fewer_than_four():
    def view(whole):
        places = [(60 + 90 * k, 80) for k in range(whole)]
        return np.maximum(cones(places, 40, (160, 480)), cones([(479, 80), (440, 0), (200, 159)], 80, (160, 480)))

    four = evaluate_scale(view(4), 1.0, Network(), 48)
    assert four.cells == 4
    assert four.diameter_px == pytest.approx(40, abs=0.6)
    three = evaluate_scale(view(3), 1.0, Network(), 48)
    assert three.cells == 6
    assert three.diameter_px > 44
    nothing = evaluate_scale(np.zeros((160, 480, 3), np.uint8), 1.0, Network(), 48)
    assert nothing == ScaleCandidate(1.0, 0.0, 0, 0.0)


@pytest.mark.parametrize(("factor", "side"), [(1.0, 512), (0.5, 600), (2.0, 512), (3.0, 513), (8.0, 512)])
def test_views_are_512_px_wide(factor, side):
    network = Network()
    found = evaluate_scale(np.zeros((1200, 1200, 3), np.uint8), factor, network, 48)
    assert network.views == [(min(side, 512) if factor == 0.5 else side,) * 2]
    assert found.factor == factor


def test_a_view_is_of_at_least_16_px_of_the_image():
    network = Network()
    evaluate_scale(np.zeros((100, 100, 3), np.uint8), 64.0, network, 48)
    assert network.views == [(16 * 64, 16 * 64)]


@pytest.mark.parametrize(
    ("cells", "ratio", "quality", "reliable"),
    [
        (4, 1.0, 0.41, True),
        (3, 1.0, 0.9, False),
        (4, 1.0, 0.4, False),
        (4, 0.55, 0.9, True),
        (4, 0.549, 0.9, False),
        (4, 1.4, 0.9, True),
        (4, 1.401, 0.9, False),
    ],
)
def test_a_view_is_believed_within_known_limits(cells, ratio, quality, reliable):
    assert is_reliable(ScaleCandidate(1.0, ratio * 100, cells, quality), 100) is reliable


def speckled(shape, rows, columns, level=0):
    """An image that is flat but for one window of random levels."""
    image = np.full((*shape, 3), level, np.uint8)
    rng = np.random.default_rng(0)
    image[rows, columns] = rng.integers(100, 256, (rows.stop - rows.start, columns.stop - columns.start, 3))
    return image


@pytest.mark.parametrize(
    ("shape", "top", "left", "side"),
    [
        ((300, 400), 150, 220, 100),  # below 512 px every pixel is looked at
        ((300, 400), 0, 0, 100),
        ((300, 400), 200, 300, 100),
        ((300, 400), 37, 123, 51),
        ((1024, 1024), 400, 600, 200),  # every fourth
        ((1024, 1024), 824, 0, 200),
        ((1024, 768), 0, 568, 200),
    ],
)
def test_the_busiest_window_is_the_one_with_the_cells(shape, top, left, side):
    image = speckled(shape, slice(top, top + side), slice(left, left + side))
    window = busiest_window(image, side)
    assert window.shape == (side, side, 3)
    assert np.array_equal(window, image[top : top + side, left : left + side])
    assert np.shares_memory(window, image)


def test_contrast_is_the_distance_from_the_usual_level_either_way():
    image = np.full((300, 400, 3), 200, np.uint8)
    image[50:150, 250:350] = np.arange(100, dtype=np.uint8)[:, None, None]  # dark
    image[150:250, 20:120] = 235  # bright, but less so
    assert np.array_equal(busiest_window(image, 100), image[50:150, 250:350])


@pytest.mark.parametrize("shape", [(40, 400), (400, 40)])
def test_a_narrow_image_is_cut_along_its_length_only(shape):
    along = slice(210, 310)
    window = (slice(0, 40), along) if shape[1] == 400 else (along, slice(0, 40))
    image = speckled(shape, *window)
    assert np.array_equal(busiest_window(image, 100), image[window])


def test_an_image_no_larger_than_the_window_is_looked_at_as_a_whole():
    image = np.zeros((100, 80, 3), np.uint8)
    assert busiest_window(image, 100) is image
    assert busiest_window(image, 99).shape == (99, 80, 3)
