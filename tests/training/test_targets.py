"""What the network should answer, in numbers worked out by hand."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from bccseg.training.targets import distance_target, trusted_pixels


def test_the_distance_of_a_square_falls_from_its_middle_to_its_edge():
    labels = np.zeros((9, 9), np.int32)
    labels[2:7, 2:7] = 4  # ids need not begin at 1
    out = distance_target(labels)
    assert out.dtype == np.float32
    assert (out[labels == 0] == 0).all()
    assert out[4, 2:7].tolist() == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])
    assert out[2, 2:7].tolist() == pytest.approx([1 / 3] * 5)


def test_touching_cells_have_a_valley_between_them_and_each_its_own_peak():
    labels = np.zeros((9, 14), np.int32)
    labels[2:7, 2:7], labels[2:7, 7:10] = 1, 2
    out = distance_target(labels)
    assert out[4, 2:10].tolist() == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0.5, 1, 0.5])


@pytest.mark.parametrize("turns", range(4))
def test_a_cell_cut_by_the_border_goes_on_beyond_it(turns):
    labels = np.zeros((9, 9), np.int32)
    labels[2:7, :3] = 1
    out = np.rot90(distance_target(np.rot90(labels, turns)), -turns)
    assert out[4, :4].tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])  # highest at the border
    corner = np.zeros((9, 9), np.int32)
    corner[:3, :3] = 1
    out = np.rot90(distance_target(np.rot90(corner, turns)), -turns)
    assert out[0, :4].tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert out[2, 2] == pytest.approx(1 / 3)


def test_background_near_the_border_is_not_trusted():
    labels = np.zeros((40, 50), np.int32)
    labels[0:6, 10:16], labels[20:26, 20:26] = 1, 2
    trusted = trusted_pixels(labels, 8.0)
    assert trusted.dtype == bool
    assert trusted[8:-8, 8:-8].all()
    assert trusted[labels > 0].all()
    assert not trusted[:8, :9].any()
    assert not trusted[-8:].any()
    assert not trusted[:, -8:].any()
    assert trusted[0:6, 9:17].all()  # a ring of an eighth of the band around a cut cell
    assert trusted[6, 10:16].all()
    assert not trusted[0, 8]
    assert not trusted[7, 10]
    assert trusted_pixels(labels, 0.4).all()
    assert trusted_pixels(labels, 0.4).dtype == bool
    wide = trusted_pixels(labels, 16.0)
    assert wide[0, 8]
    assert not wide[0, 7]


def test_a_disc_falls_from_one_by_its_radius():
    y, x = np.mgrid[:41, :41]
    out = distance_target(((y - 20) ** 2 + (x - 20) ** 2 <= 15**2).astype(np.int32))
    assert out[20, 20] == 1
    radius = np.hypot(y - 20, x - 20)
    assert np.abs(out - np.maximum(0, 1 - radius / 16)).max() < 0.07


def test_every_cell_of_a_crowd_has_its_own_distance_as_if_the_image_went_on():
    rng = np.random.default_rng(4)
    seeds = rng.uniform(0, (40, 50), (14, 2))
    y, x = np.mgrid[:40, :50]
    labels = 1 + np.argmin([np.hypot(y - a, x - b) for a, b in seeds], axis=0).astype(np.int32)
    labels[ndi.gaussian_filter(rng.standard_normal(labels.shape), 3) > 0.1] = 0
    labels[labels == 3] = 0  # a number that is not used
    out = distance_target(labels)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    assert len({*np.unique(edge)} - {0}) > 4
    assert len({*np.unique(labels)} - {*np.unique(edge)}) > 1
    assert (out[labels == 0] == 0).all()
    for cell in {*np.unique(labels)} - {0}:
        far = ndi.distance_transform_edt(np.pad(labels == cell, 3, mode="edge"))[3:-3, 3:-3]
        own = labels == cell
        assert out[own] == pytest.approx(far[own] / far[own].max())


@pytest.mark.parametrize("turns", range(4))
def test_beyond_each_border_a_cell_goes_on_as_wide_as_it_was_cut(turns):
    labels = np.zeros((12, 15), np.int32)
    labels[:2, 5:10], labels[2:5, 7] = 1, 1  # wide where the border cuts it, narrow inside
    out = np.rot90(distance_target(np.rot90(labels, turns)), -turns)
    assert out[0, 4:11].tolist() == pytest.approx([0, *(np.array([1, 2, np.sqrt(5), 2, 1]) / np.sqrt(5)), 0])
    assert out[1, 5:10].tolist() == pytest.approx(np.array([1, 1, np.sqrt(2), 1, 1]) / np.sqrt(5))
    assert out[2:6, 7].tolist() == pytest.approx([*[1 / np.sqrt(5)] * 3, 0])


def test_a_cell_from_border_to_border_is_one_along_its_middle():
    labels = np.zeros((9, 12), np.int32)
    labels[2:7] = 1
    out = distance_target(labels)
    assert out[4].tolist() == [1] * 12
    assert out[:, 0].tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0, 0])
    assert np.rot90(distance_target(np.rot90(labels)), -1) == pytest.approx(out)


def test_without_cells_the_distance_is_zero_and_only_the_band_is_not_trusted():
    nothing = np.zeros((20, 30), np.int32)
    assert (distance_target(nothing) == 0).all()
    trusted = trusted_pixels(nothing, 3.4)
    expected = np.zeros((20, 30), bool)
    expected[3:17, 3:27] = True
    assert (trusted == expected).all()
    expected[:] = False
    expected[4:16, 4:26] = True
    assert (trusted_pixels(nothing, 3.6) == expected).all()
    one = trusted_pixels(nothing, 1)
    assert one[1:-1, 1:-1].all()
    assert one.sum() == 18 * 28


def test_what_is_marked_in_the_band_is_trusted_to_the_pixel():
    labels = np.zeros((30, 40), np.int32)
    labels[4:7, 10:13] = 1  # in the band, not cut: trusted without a ring
    labels[0, 20], labels[15, 39] = 2, 3
    expected = np.zeros((30, 40), bool)
    expected[9:-9, 9:-9] = True
    expected[4:7, 10:13] = True
    expected[0, 19:22] = expected[1, 20] = True
    expected[14:17, 39] = expected[15, 38] = True
    assert (trusted_pixels(labels, 9.0) == expected).all()
