"""Pixel sizes from optics and from lines; ends that find the bar; what the cells say."""

import numpy as np
import pytest

from bccseg.errors import SettingsError, StoreError
from bccseg.imaging.calibration import Calibration, Optics, measure_line, read_length_um, verdict
from bccseg.imaging.line_ends import snap_line


def noisy(image):
    return np.clip(image + np.random.default_rng(1).normal(0, 4, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def with_bar():
    """A white bar of exactly 200 px, from x = 300 to 500."""
    image = np.full((300, 800, 3), 210.0)
    image[200:208, 300:500] = 255
    return noisy(image)


@pytest.fixture
def micrometer():
    """Dark lines 60.2 px apart, the first at x = 100.3."""
    x = np.arange(800) + 0.5
    image = np.full((300, 800, 3), 210.0)
    for k in range(10):
        image -= 120 * np.exp(-(((x - 100.3 - 60.2 * k) / 1.5) ** 2) / 2)[None, :, None]
    return noisy(image)


@pytest.mark.parametrize(
    ("optics", "size"),
    [
        ({"objective": 40, "camera_pixel_um": 3.45, "binning": 1, "tube_factor": 1}, 0.08625),
        ({"objective": 100, "camera_pixel_um": 6.5, "binning": 1, "tube_factor": 1}, 0.065),
        ({"objective": 40, "camera_pixel_um": 3.45, "binning": 2, "tube_factor": 0.5}, 0.345),
    ],
)
def test_a_pixel_on_the_slide_is_the_cameras_over_the_magnification(optics, size):
    assert Optics(**optics).pixel_size_um == pytest.approx(size)


def test_optics_of_no_microscope_are_refused():
    with pytest.raises(SettingsError, match="objective must be between"):
        Optics(objective=0)


@pytest.mark.parametrize(
    ("text", "unit", "um"),
    [("10", "µm", 10), ("0,1 mm", "µm", 100), ("0.1", "mm", 100), ("500nm", "mm", 0.5), ("5 μm", "mm", 5),
     ("", "µm", None), ("1 cm", "nm", 10_000), ("20 um", "cm", 20)],
)  # fmt: skip
def test_lengths_are_read_in_any_unit(text, unit, um):
    assert read_length_um(text, unit) == (None if um is None else pytest.approx(um))


@pytest.mark.parametrize("text", ["abc", "-1", "0", "11 cm", "1 inch", "1e3", "nan"])
def test_lengths_that_cannot_be_are_refused(text):
    with pytest.raises(SettingsError):
        read_length_um(text)


def test_ends_find_the_edges_of_a_bar(with_bar):
    start, end, found = snap_line(with_bar, (304, 204), (495, 204), "bar", 12)
    assert found == (True, True)
    assert (start[0], end[0]) == (pytest.approx(300, abs=0.1), pytest.approx(500, abs=0.1))
    assert (start[1], end[1]) == (204, 204)


def test_ends_find_the_lines_of_a_micrometer(micrometer):
    start, end, found = snap_line(micrometer, (103, 150), (639, 150), "micrometer", 10)
    assert found == (True, True)
    assert (start[0], end[0]) == (pytest.approx(100.3, abs=0.15), pytest.approx(642.1, abs=0.15))


def test_ends_without_anything_near_stay(with_bar, micrometer):
    for image, to in ((with_bar, "bar"), (micrometer, "micrometer")):
        assert snap_line(image, (130, 104), (671, 104), to, 8) == ((130, 104), (671, 104), (False, False))
    assert snap_line(with_bar, (304, 204), (495, 204), "none", 12)[0] == (304, 204)
    assert snap_line(with_bar, (304, 204), (304, 204), "bar", 12)[2] == (False, False)
    assert snap_line(with_bar, (-50, -50), (900, 400), "bar", 12)[2] == (False, False)  # beyond the image


def test_a_line_gives_size_length_and_error():
    found = measure_line((0, 0), (300, 400), 50.0, (0.3, 0.4))
    assert found == (pytest.approx(0.1), 500, pytest.approx(0.1))  # 0.5 px of 500 are 0.1 %
    assert measure_line((0, 0), (1, 0), 50.0, (1, 1)) is None
    assert measure_line((0, 0), (10, 0), 5000.0, (1, 1)) is None  # 500 µm a pixel


@pytest.mark.parametrize(
    ("diameter", "pixel", "fits", "words"),
    [(100, 0.075, True, "7.5 µm across: as usual"), (100, 0.04, False, "smaller"), (100, 0.12, False, "larger"),
     (100, 0.75, False, "cannot be right")],
)  # fmt: skip
def test_the_cells_say_whether_it_can_be(diameter, pixel, fits, words):
    said = verdict(diameter, pixel, "red cells")
    assert said.fits is fits
    assert words in said.words
    assert "red cells here" in said.words
    assert verdict(None, pixel) is None
    assert verdict(diameter, None) is None


def test_a_calibration_is_read_back_and_says_where_it_comes_from():
    optics = Optics(objective=40, camera_pixel_um=3.45)
    kept = Calibration(
        name="40x", pixel_size_um=optics.pixel_size_um, how="optics", optics=optics, when="2026-05-04T10:00:00Z"
    )
    assert Calibration.from_json(kept.to_json()) == kept
    assert kept.source == "objective and camera: 40x (2026-05-04)"
    assert Calibration(name="oil", pixel_size_um=0.06, how="measured", who="Ana").source == "measured: oil (Ana)"
    with pytest.raises(StoreError):
        Calibration(name="", pixel_size_um=0.06, how="measured")
