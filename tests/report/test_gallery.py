"""Order and crops of the gallery."""

import numpy as np

from bccseg.classes import CellMark
from bccseg.report.gallery import BEYOND, crop_sheet, gallery_order, inner_points, rarest_first


def test_least_sure_first_and_what_people_said_last():
    marks = {
        1: CellMark(name="red", by="network", score=0.9), 2: CellMark(name="red", by="network", score=0.6),
        3: CellMark(name="white"), 4: CellMark(name="white", by="network", score=0.99), 6: CellMark(name="burr"),
    }  # fmt: skip
    assert gallery_order(range(1, 7), marks, ["white", "red"]) == [4, 3, 2, 1, 6, 5]
    assert rarest_first({"red": 9, "white": 1, "platelet": 0, "burr": 3, "unclassified": 1}) == ["white", "burr", "red"]


def test_each_point_lies_in_its_cell():
    yy, xx = np.mgrid[:60, :80]
    ring = np.hypot(xx - 30, yy - 30)
    labels = np.zeros((60, 80), np.int32)
    labels[(ring > 15) & (ring < 25)] = 1
    labels[ring < 5] = 3
    labels[5, 70] = 4
    points = inner_points(labels)
    assert np.isnan(points[[0, 2]]).all()
    for cell in (1, 3, 4):
        x, y = points[cell]
        assert labels[int(y), int(x)] == cell
    assert inner_points(np.zeros((3, 3), np.int32)).shape == (1, 2)


def test_crops_are_centred_and_show_sizes_as_they_are():
    image, labels = np.full((100, 100, 3), 200, np.uint8), np.zeros((100, 100), np.int32)
    for cell, (y, x, width) in enumerate([(40, 40, 20), (60, 10, 10), (0, 0, 16), (20, 60, 32)], start=1):
        labels[y : y + width, x : x + width] = cell
        image[y : y + width, x : x + width] = 40
    sheet = crop_sheet(image, labels, [1, 2, 3, 4], 20, 30, 3)
    assert sheet.shape == (60, 90, 3)
    dark = sheet[..., 0] < 120
    assert np.argwhere(dark[:30, :30]).min(axis=0).tolist() == [5, 5]
    assert dark[:30, :30].sum() == 20 * 20
    small, large = dark[:30, 30:60].sum(), dark[30:, :30].sum()
    assert 15**2 < small < 18**2, "10 px of 18 became 17 of 30"
    assert 25**2 < large < 27**2, "32 px of 37 became 26 of 30"
    assert (sheet[:7, 60:90] == BEYOND).all(), "beyond the image there is nothing"
    assert sheet[2, 2, 0] == 218, "what is not the cell is paler"
    assert (sheet[30:, 30:] == BEYOND).all()
    assert crop_sheet(image, labels, [], 20, 30, 3).shape == (30, 90, 3)
