import numpy as np
import pytest

from bccseg.imaging.label_image import areas, border_ids, equivalent_diameter, label_mask, median_diameter, relabel


def test_border_ids(discs):
    assert border_ids(discs).tolist() == [3]
    assert border_ids(np.zeros((4, 4), np.int32)).tolist() == []


def test_relabel_drops_and_renumbers(discs):
    kept = relabel(discs, np.array([True, False, True, True]))
    assert kept.dtype == np.int32
    assert areas(kept)[1:].tolist() == areas(discs)[2:].tolist()


def test_label_mask_is_4_connected_and_drops_specks():
    mask = np.zeros((10, 10), bool)
    mask[1:4, 1:4] = mask[4:7, 4:7] = True  # touch at a corner only
    mask[9, 9] = True
    assert label_mask(mask).max() == 3
    assert label_mask(mask, 2).max() == 2


def test_equivalent_diameter_of_a_known_area():
    assert equivalent_diameter(np.pi * 100) == pytest.approx(20)


def test_median_diameter_uses_whole_cells(discs):
    assert median_diameter(np.zeros((5, 5), np.int32)) is None
    only_cut = np.where(discs == 3, 1, 0)
    assert median_diameter(only_cut) == pytest.approx(float(equivalent_diameter((discs == 3).sum())))
    third = discs.copy()
    third[80:90, 60:70] = 4  # a square of area 100: d = 11.28; with r=10 (d=20.1) and r=20 the median is r=10
    assert median_diameter(third) == pytest.approx(float(equivalent_diameter((discs == 2).sum())))
