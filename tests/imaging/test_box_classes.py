"""Classes and small outlines from boxes, on drawn cells."""

import numpy as np
import pytest

from bccseg.classes import DEFAULT_CLASSES
from bccseg.imaging.box_classes import box_iou, box_of_cells, classes_from_boxes, outline_in_box

RED, WHITE, PLATELET = DEFAULT_CLASSES


def disc(shape, y, x, r):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (rows + 0.5 - y) ** 2 + (cols + 0.5 - x) ** 2 <= r * r


def box(y, x, r):
    return np.array([x - r, y - r, x + r, y + r], np.float64)


@pytest.fixture
def smear():
    """Two cells, one of them without a box, and a platelet; a box that means nothing."""
    labels = np.zeros((120, 200), np.int32)
    labels[disc(labels.shape, 60, 40, 25)] = 1
    labels[disc(labels.shape, 60, 150, 20)] = 2
    image = np.full((120, 200, 3), 230, np.uint8)
    image[labels > 0] = (200, 120, 130)
    image[disc(labels.shape, 30, 95, 6)] = (120, 60, 150)
    boxes = np.array([box(30, 95, 8), box(61, 41, 25), box(100, 100, 10)])
    return image, labels, np.array([2, 1, 1]), boxes


def test_a_cell_belongs_to_the_box_that_lies_on_it(smear):
    _, labels, _, boxes = smear
    assert box_of_cells(labels, boxes).tolist() == [-1, 1, -1]
    assert box_of_cells(np.zeros_like(labels), boxes).tolist() == [-1]
    assert box_iou(np.array([0.0, 0, 10, 10]), np.array([5.0, 0, 15, 10])) == pytest.approx(1 / 3)
    assert box_iou(np.array([0.0, 0, 10, 10]), np.array([20.0, 0, 30, 10])) == 0


def test_small_cells_are_outlined_in_their_boxes_and_added(smear):
    image, labels, numbers, boxes = smear
    names = {0: WHITE, 1: RED, 2: PLATELET}
    found, known = classes_from_boxes(labels, image, numbers, boxes, names)
    assert (found[labels > 0] == labels[labels > 0]).all()
    assert known.cells == {1: "red", 3: "platelet"}
    assert known.complete == ("white", "red", "platelet")
    truth = disc(labels.shape, 30, 95, 6)
    assert ((found == 3) & truth).sum() / ((found == 3) | truth).sum() > 0.85


def test_without_the_image_nothing_is_said_of_small_cells(smear):
    _, labels, numbers, boxes = smear
    found, known = classes_from_boxes(labels, None, numbers, boxes, {0: WHITE, 1: RED, 2: PLATELET})
    assert (found == labels).all()
    assert known.cells == {1: "red"}
    assert known.complete == ("white", "red")


def test_a_small_cell_takes_nothing_of_others_and_a_pale_one_is_its_ellipse():
    image = np.full((60, 60, 3), 200, np.uint8)
    taken = np.zeros((60, 60), bool)
    taken[:, 30:] = True
    window, own = outline_in_box(image, box(30, 30, 10), taken)
    assert own.sum() == pytest.approx(1.1 * np.pi * 10**2 / 2, rel=0.1)  # a rim of 5 % is taken in
    assert not (own & taken[window]).any()
