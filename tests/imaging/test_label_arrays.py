"""Label images, levels, sizes and outlines in numbers small enough to be worked out by hand."""

import numpy as np
import pytest

from bccseg.imaging.label_image import (
    areas,
    border_ids,
    count_cells,
    equivalent_diameter,
    label_mask,
    median_diameter,
    relabel,
    relabel_consecutive,
    separated_mask,
)
from bccseg.imaging.normalise import is_blank, normalise, thin_out, white_level
from bccseg.imaging.outlines import cell_outlines, polygon_area
from bccseg.imaging.resize import resize, resize_labels, resize_to, scaled_size


@pytest.mark.parametrize(("row", "column"), [(0, 2), (4, 2), (2, 0), (2, 5)])
def test_each_side_of_the_image_is_a_border(row, column):
    labels = np.zeros((5, 6), np.int32)
    labels[2, 2], labels[row, column] = 1, 7
    assert border_ids(labels).tolist() == [7]


def test_the_corner_pixel_is_border_and_the_second_ring_is_not():
    labels = np.zeros((6, 6), np.int32)
    labels[5, 5], labels[0, 0] = 2, 9
    labels[1, 1], labels[4, 1], labels[1, 4], labels[4, 4] = 3, 4, 5, 6
    assert border_ids(labels).tolist() == [2, 9]


def test_ids_with_gaps_are_counted_and_closed_up():
    labels = np.array([[0, 2, 2], [5, 0, 9], [5, 5, 5]], np.int32)
    assert areas(labels).tolist() == [2, 0, 2, 0, 0, 4, 0, 0, 0, 1]
    assert count_cells(labels) == 3
    assert relabel_consecutive(labels).tolist() == [[0, 1, 1], [2, 0, 3], [2, 2, 2]]
    assert relabel_consecutive(labels).dtype == np.int32


def test_relabel_leaves_its_arguments_alone_and_never_keeps_the_background():
    labels, keep = np.array([[0, 1, 2, 3]], np.int32), np.array([True, True, False, True])
    assert relabel(labels, keep).tolist() == [[0, 1, 0, 2]]
    assert keep.tolist() == [True, True, False, True]
    assert labels.tolist() == [[0, 1, 2, 3]]


def test_a_piece_of_exactly_the_least_area_is_kept():
    mask = np.zeros((3, 8), bool)
    mask[1, 1:4], mask[1, 5:7] = True, True  # 3 and 2 px
    for least, left in ((0, [3, 2]), (2, [3, 2]), (3, [3]), (4, [])):
        assert areas(label_mask(mask, least))[1:].tolist() == left
    assert label_mask(mask).dtype == np.int32


def test_the_median_is_of_whole_cells_from_three_on():
    def picture(whole):
        labels = np.zeros((12, 40), np.int32)
        labels[0:10, 0:10] = 1  # cut, 100 px
        for k in range(whole):
            labels[2:4, 12 + 4 * k : 14 + 4 * k] = k + 2  # whole, 4 px
        return labels

    small, large = float(equivalent_diameter(4)), float(equivalent_diameter(100))
    assert median_diameter(picture(3)) == pytest.approx(small)
    assert median_diameter(picture(2)) == pytest.approx(small)  # of all three
    assert median_diameter(picture(1)) == pytest.approx((small + large) / 2)
    assert (small, large) == pytest.approx((2.2567583, 11.2837917))


def test_one_of_both_pixels_is_left_out_where_cells_touch():
    labels = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [3, 0, 0, 4], [3, 3, 4, 4]], np.int32)
    assert separated_mask(labels).tolist() == [
        [255, 0, 255, 255],
        [0, 0, 255, 0],
        [255, 0, 0, 255],
        [255, 0, 255, 255],
    ]
    assert separated_mask(labels).dtype == np.uint8


@pytest.mark.parametrize(("bright", "level"), [(2, 60), (3, 200)])
def test_white_is_the_98th_percentile(bright, level):
    image = np.full((10, 10, 3), 60, np.uint8)
    image.reshape(-1, 3)[:bright] = 200
    assert white_level(image).tolist() == [level] * 3
    assert white_level(image).dtype == np.float32


def test_a_dark_field_has_at_least_level_25_each_channel_by_itself():
    image = np.full((4, 4, 3), (24, 26, 255), np.uint8)
    assert white_level(image).tolist() == [25, 26, 255]


@pytest.mark.parametrize(("other", "blank"), [(107, True), (108, False), (92, False), (93, True)])
def test_blank_is_less_than_8_grey_levels(other, blank):
    image = np.full((40, 50, 3), 100, np.uint8)
    image[:20] = other
    assert is_blank(image) is blank


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize(("pixels", "blank"), [(9, True), (11, False)])
def test_half_a_percent_of_specks_at_either_end_does_not_count(value, pixels, blank):
    image = np.full((40, 50, 3), 128, np.uint8)
    image.reshape(-1, 3)[:pixels] = value  # 0.45 % and 0.55 % of 2000
    assert is_blank(image) is blank


@pytest.mark.parametrize(("blue", "blank"), [(123, True), (124, False)])
def test_blank_goes_by_the_mean_of_the_channels(blue, blank):
    image = np.full((10, 10, 3), 100, np.uint8)
    image[:5, :, 2] = blue
    assert is_blank(image) is blank


@pytest.mark.parametrize(("shape", "step"), [((500, 500), 1), ((999, 1000), 1), ((1000, 1000), 2), ((1500, 1500), 3)])
def test_levels_are_read_off_about_250_000_pixels(shape, step):
    image = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(*shape, 1)
    sample = thin_out(image)
    assert sample.shape[:2] == (-(-shape[0] // step), -(-shape[1] // step))
    assert sample[0, 1, 0] == step
    assert sample[1, 0, 0] == step * shape[1]


def test_the_background_becomes_1_in_single_precision():
    out = normalise(np.array([[[200, 50, 0]]], np.uint8), np.array([100, 200, 50], np.float32))
    assert out.dtype == np.float32
    assert out.ravel().tolist() == pytest.approx([2, 0.25, 0])


@pytest.mark.parametrize(
    ("shape", "factor", "size"),
    [((100, 200, 3), 0.5, (100, 50)), ((3, 7), 2.5, (18, 8)), ((1, 1), 0.1, (1, 1)), ((10, 1), 0.26, (1, 3))],
)
def test_scaled_sizes_are_rounded_and_at_least_one(shape, factor, size):
    assert scaled_size(shape, factor) == size


def test_shrinking_averages_and_enlarging_interpolates():
    grey = np.array([[0, 100, 20, 40], [50, 50, 60, 80]], np.uint8)
    assert resize(grey, 0.5).tolist() == [[50, 50]]
    quarter = np.array([[0, 80, 40, 200]] * 4, np.uint8)
    assert resize(quarter, 0.25).tolist() == [[80]]  # of all sixteen, not of the four in the middle
    assert resize_to(np.array([[0, 100]], np.uint8), (4, 1)).tolist() == [[0, 25, 75, 100]]
    assert resize_to(np.array([[0, 100]], np.uint8), (4, 2)).tolist() == [[0, 25, 75, 100]] * 2
    assert resize_to(grey, (4, 2)) is grey
    assert resize_to(grey, (2, 4)).shape == (4, 2)
    assert resize_to(np.zeros((6, 8, 3), np.uint8), (5, 6)).shape == (6, 5, 3)


def test_labels_are_never_mixed_even_large_and_reversed_ones():
    labels = np.array([[0, 70_001], [3, 16_000_001]], np.int64)[:, ::-1]
    big = resize_labels(labels, (6, 4))
    assert big.dtype == np.int32
    assert big.tolist() == [[70_001] * 3 + [0] * 3] * 2 + [[16_000_001] * 3 + [3] * 3] * 2
    assert resize_labels(big, (2, 2)).tolist() == labels.tolist()


def test_the_outline_of_a_pixel_is_a_diamond_about_its_centre():
    labels = np.zeros((5, 6), np.int32)
    labels[2, 3] = 4  # ids 1 to 3 do not occur
    ((cell, ring),) = cell_outlines(labels)
    assert cell == 4
    assert sorted(ring.tolist()) == [[3.0, 2.5], [3.5, 2.0], [3.5, 3.0], [4.0, 2.5]]
    assert abs(polygon_area(ring)) == 0.5


def test_the_outline_is_open_and_that_of_the_largest_piece():
    labels = np.zeros((8, 8), np.int32)
    labels[1:4, 0:2], labels[4, 2] = 1, 1  # a block at the image's edge, and a pixel at its corner
    ((_, ring),) = cell_outlines(labels)
    assert (ring.min(axis=0).tolist(), ring.max(axis=0).tolist()) == ([0, 1], [2, 4])
    assert len(np.unique(ring, axis=0)) == len(ring)
    assert abs(polygon_area(ring)) == 6 - 4 / 8  # each corner is cut


def test_a_hole_does_not_replace_the_outer_outline():
    labels = np.ones((9, 9), np.int32)
    labels[1:8, 1:8] = 0
    labels[0, 0] = 2
    by_id = dict(cell_outlines(labels))
    assert list(by_id) == [1, 2]
    assert by_id[1].max() == 9


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([(0, 0), (2, 0), (2, 1), (0, 1)], 2.0),
        ([(0, 1), (2, 1), (2, 0), (0, 0)], -2.0),
        ([(1, 1), (5, 2), (6, 7), (3, 9), (0, 4)], 30.5),  # (−3 + 23 + 33 + 12 − 4) / 2
        ([(0, 0), (4, 0), (0, 3)], 6.0),
    ],
)
def test_areas_of_polygons_have_the_sign_of_their_turn(points, area):
    assert polygon_area(np.array(points, float)) == area
