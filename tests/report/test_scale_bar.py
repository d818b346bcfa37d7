"""The scale bar: a round length that fits, drawn as long as it says."""

import numpy as np
import pytest

from bccseg.report.scale_bar import draw_scale_bar, length_words, scale_bar


@pytest.mark.parametrize(
    ("width", "pixel", "um", "px"),
    [(1600, 0.1, 20, 200), (1600, 0.0625, 20, 320), (1000, 1.0, 200, 200), (640, 0.5, 50, 100), (100, 0.01, 0.2, 20)],
)
def test_the_length_is_round_and_fits(width, pixel, um, px):
    bar = scale_bar(width, pixel)
    assert bar.um == pytest.approx(um)
    assert bar.px == pytest.approx(px)


def test_every_width_has_a_bar_of_1_2_or_5_between_a_twelfth_and_a_quarter():
    for pixel in np.geomspace(0.001, 100, 60):
        bar = scale_bar(1000, pixel)
        assert 1000 * 0.22 / 2.5 - 1e-6 <= bar.px <= 220 + 1e-6
        assert float(f"{bar.um:e}".split("e")[0]) in (1, 2, 5)


def test_lengths_are_written_in_units_of_their_size():
    assert [length_words(v) for v in (0.2, 1, 20, 500, 1000, 2000)] == [
        "200 nm", "1 µm", "20 µm", "500 µm", "1 mm", "2 mm",
    ]  # fmt: skip


def test_the_bar_that_is_drawn_is_as_long_as_it_says():
    image = np.full((1200, 1600, 3), 200, np.uint8)
    drawn = draw_scale_bar(image, 0.1)
    white = (drawn == 255).all(axis=2)
    assert white.sum(axis=1).max() == 200  # 20 µm
    assert white[:600].sum() == white[:, :800].sum() == 0
    assert (image == 200).all()


def test_without_a_pixel_size_or_room_nothing_is_drawn():
    image = np.full((300, 400, 3), 200, np.uint8)
    for pixel in (None, 0.0, -1.0, float("nan")):
        assert scale_bar(400, pixel) is None
        assert (draw_scale_bar(image, pixel) == image).all()
    small = np.full((12, 12, 3), 200, np.uint8)
    assert (draw_scale_bar(small, 0.1) == small).all()
