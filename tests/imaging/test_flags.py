"""Cells and fields whose numbers should not be trusted."""

import cv2
import numpy as np
import pytest

from bccseg.imaging.flags import BLURRED, SEVERAL, flag_cells, is_crowded, rim_width
from bccseg.imaging.measure import measure_cells, summarise

RADIUS = 24


def draw(discs, shape=(400, 600)):
    """Labels and picture of discs (y, x, radius); those with the same number are one cell."""
    labels = np.zeros(shape, np.int32)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    for number, y, x, radius in discs:
        labels[(rows - y) ** 2 + (cols - x) ** 2 <= radius**2] = number
    image = np.full((*shape, 3), 235, np.uint8)
    image[labels > 0] = (190, 140, 160)
    return labels, cv2.GaussianBlur(image, (0, 0), 1.0)


ORDINARY = [(k + 1, 60 + 90 * (k // 5), 60 + 90 * (k % 5), RADIUS) for k in range(10)]


def flags_of(labels, image):
    cells = measure_cells(labels, image)
    return dict(zip(cells["cell_id"], flag_cells(cells, labels, image), strict=True))


def test_ordinary_cells_are_not_flagged():
    assert set(flags_of(*draw(ORDINARY)).values()) == {""}


@pytest.mark.parametrize("distance", [20, 30, 40])
def test_a_pair_in_one_outline_is_probably_several(distance):
    found = flags_of(*draw([*ORDINARY, (11, 320, 100, RADIUS), (11, 320, 100 + distance, RADIUS)]))
    assert [k for k, flag in found.items() if flag] == [11]
    assert found[11] == SEVERAL


def test_a_white_cell_is_large_but_one_and_a_small_long_cell_is_no_pair():
    white = (11, 320, 100, round(1.6 * RADIUS))
    slim = [(12, 320, 300 + k, 12) for k in range(30)]
    assert set(flags_of(*draw([*ORDINARY, white, *slim])).values()) == {""}


def test_a_soft_rim_is_out_of_focus_and_a_sharp_one_beside_it_is_not():
    labels, image = draw(ORDINARY)
    soft = cv2.GaussianBlur(image, (0, 0), 0.12 * 2 * RADIUS)
    image[:105, :105] = soft[:105, :105]
    found = flags_of(labels, image)
    assert [k for k, flag in found.items() if flag == BLURRED] == [1]
    ids = np.arange(1, 11)
    width = rim_width(ids, labels, image, 2 * RADIUS)
    assert width[0] > 1.8 * np.median(width)
    large = [cv2.resize(values, None, fx=3, fy=3, interpolation=how) for values, how in
             ((labels.astype(np.float32), cv2.INTER_NEAREST), (image, cv2.INTER_LINEAR))]  # fmt: skip
    again = rim_width(ids, large[0].astype(np.int32), large[1], 6 * RADIUS)
    assert again == pytest.approx(width, rel=0.2)  # a share of the diameter, at any magnification


def test_a_rim_among_other_cells_says_nothing():
    labels, image = draw([(1, 200, 200, RADIUS)])
    labels[labels == 0] = 2
    assert rim_width(np.array([1]), labels, image, 2 * RADIUS).tolist() == [0]


def test_no_cells_no_flags():
    assert len(flags_of(*draw([]))) == 0
    cut = flags_of(*draw([(1, 0, 100, RADIUS)]))
    assert cut == {1: ""}  # no whole cell says what is typical


def test_the_summary_is_given_with_and_without_flagged_cells():
    labels, image = draw([*ORDINARY, (11, 320, 100, RADIUS), (11, 320, 130, RADIUS)])
    cells = measure_cells(labels, image)
    plain = summarise(cells, labels.shape)
    assert (plain.flagged_count, plain.too_crowded) == (0, False)
    assert plain.diameter_cv_percent_unflagged == plain.diameter_cv_percent
    cells["flag"] = flag_cells(cells, labels, image)
    summary = summarise(cells, labels.shape)
    assert summary.flagged_count == 1
    assert summary.cell_count == 11
    assert summary.diameter_cv_percent > 8
    assert summary.diameter_cv_percent_unflagged < 0.1
    assert summary.median_diameter_px_unflagged == pytest.approx(2 * RADIUS, rel=0.01)
    cells["flag"] = [SEVERAL] * 11
    none = summarise(cells, labels.shape)
    assert (none.median_diameter_px_unflagged, none.diameter_cv_percent_unflagged) == (None, None)
    assert none.too_crowded


@pytest.mark.parametrize(
    ("cells", "flagged", "covered", "crowded"),
    [(100, 25, 0.6, False), (100, 26, 0.1, True), (100, 0, 0.61, True), (0, 0, 0.0, False)],
)
def test_when_a_field_is_too_crowded(cells, flagged, covered, crowded):
    assert is_crowded(cells, flagged, covered) is crowded
