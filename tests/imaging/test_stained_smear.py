"""The drawn example: its truth is exact, it is always the same, and the shipped weights find what is in it."""

import numpy as np
import pytest

from bccseg.imaging.label_image import areas, count_cells
from bccseg.imaging.stained_smear import draw_stained_smear
from bccseg.metrics.matching import match


@pytest.fixture(scope="module")
def example():
    return draw_stained_smear()


def test_the_same_field_every_time_and_another_for_another_seed(example):
    assert np.array_equal(example.image, draw_stained_smear().image)
    assert not np.array_equal(example.image, draw_stained_smear(seed=8).image)


def test_what_is_in_the_field(example):
    image, labels = example.image, example.labels
    assert (image.dtype, image.shape, labels.dtype, labels.shape) == (np.uint8, (900, 1200, 3), np.int32, (900, 1200))
    assert count_cells(labels) == labels.max() == 72
    assert areas(labels)[1:3].min() > 1.3 * np.median(areas(labels)[3:])  # the white ones
    assert len(example.platelets) == 10
    for x, y, _ in example.platelets:
        assert labels[int(y), int(x)] == 0
    assert (
        image[labels == 0].mean() > 200 > image[labels > 2].mean() > image[labels <= 2][labels[labels <= 2] > 0].mean()
    )
    corners = np.mean([image[:40, :40], image[:40, -40:]])
    assert 0.78 < corners / image[labels == 0].mean() < 0.97  # a vignette


def test_overlapping_cells_let_less_light_through(example):
    red = example.labels > 2
    light = example.image.mean(axis=2)[red]
    assert np.quantile(light, 0.01) < 0.7 * np.median(light)  # both stains add up


def test_a_small_field_holds_what_has_room():
    small = draw_stained_smear((200, 240), red_cells=40, diameter_px=48, seed=3)
    assert small.image.shape == (200, 240, 3)
    assert 5 < count_cells(small.labels) < 42


def test_the_shipped_weights_find_it(example, predictor):
    found = predictor.segment(example.image)
    assert abs(count_cells(found.labels) - 72) <= 1
    pairs = {true: (cell, iou) for true, cell, iou in match(example.labels, found.labels, 0.8)}
    assert len(pairs) >= 71
    classes = found.classes.name_of_each()
    assert [classes[pairs[true][0] - 1] for true in (1, 2)] == ["white", "white"]
    assert classes.count("white") == 2
    assert 8 <= len(found.small_cells.classes) <= 11  # of ten platelets, and no stain grain among them
    assert found.diameter_px == pytest.approx(88, rel=0.04)
