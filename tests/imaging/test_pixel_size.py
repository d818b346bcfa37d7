"""Pixel sizes as people type them, and those that cannot be."""

import pytest

from bccseg.errors import SettingsError
from bccseg.imaging.pixel_size import doubt, likely_pixel_size, read_pixel_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0.065", 0.065), ("0,065", 0.065), (" ,065 ", 0.065), ("1", 1), ("0.2 µm", 0.2), ("0,2μm", 0.2),
        ("65 nm", 0.065), ("0.11 um/px", 0.11), ("65nm / pixel", 0.065), ("1.", 1), ("", None), ("  ", None),
        ("100", 100), ("0.001", 0.001),
    ],
)  # fmt: skip
def test_points_commas_and_units_are_read(text, size):
    assert read_pixel_size(text) == (None if size is None else pytest.approx(size))


@pytest.mark.parametrize("text", ["abc", "0.065.1", "1,000.5", "-1", "1e3", "nan", "inf", "0x1", "٣", "0.1 mm", "."])
def test_nonsense_is_refused_with_an_example(text):
    with pytest.raises(SettingsError, match="0,065"):
        read_pixel_size(text)


@pytest.mark.parametrize("text", ["0", "0,0005", "100.1", "65000", "0.5 nm"])
def test_pixels_of_no_microscope_are_refused(text):
    with pytest.raises(SettingsError, match=r"0\.001 to 100 µm"):
        read_pixel_size(text)


@pytest.mark.parametrize(
    ("diameter", "size", "likely"),
    [
        (100, 0.065, None),
        (100, 0.02, None),  # exactly 2 µm
        (100, 0.3, None),  # exactly 30
        (100, 0.65, 0.065),
        (100, 65, 0.065),
        (100, 0.0065, 0.065),
        (100, 0.301, 0.073),  # no slip of the point: 3 or 30 µm
        (50, 352.8, 0.15),  # 72 dpi
        (None, 65, None),
        (100, None, None),
    ],
)
def test_what_was_meant(diameter, size, likely):
    assert likely_pixel_size(diameter, size) == (None if likely is None else pytest.approx(likely))
    assert (doubt(diameter, size) is None) == (likely is None)


def test_the_question_names_both_sizes():
    text = doubt(100, 0.95)
    assert "a typical cell would be 95 µm across; red cells are 6 to 9." in text
    assert text.endswith("Is it 0.095?")
