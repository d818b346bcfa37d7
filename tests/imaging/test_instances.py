import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage as ndi

from bccseg.config import Thresholds
from bccseg.imaging.instances import ProbabilityMaps, clean_labels, fill_holes, separate_cells
from bccseg.imaging.label_image import areas
from bccseg.training.targets import distance_target


def two_touching():
    """Two discs of radius 24 that share an edge: labels (80, 130)."""
    yy, xx = np.mgrid[:80, :130]
    labels = np.zeros((80, 130), np.int32)
    labels[(xx - 40) ** 2 + (yy - 40) ** 2 <= 24**2] = 1
    labels[((xx - 86) ** 2 + (yy - 40) ** 2 <= 24**2) & (labels == 0)] = 2
    return labels


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("head", ["distance", "binary"])
def test_touching_cells_come_apart(head):
    truth = two_touching()
    distance = distance_target(truth) if head == "distance" else None
    maps = ProbabilityMaps((truth > 0).astype(np.float32), distance)
    labels, scores = separate_cells(maps, Thresholds(), 48, truth.shape)
    assert labels.max() == 2
    assert scores.shape == (2,)
    for cell in (1, 2):
        assert max(iou(truth == cell, labels == k) for k in (1, 2)) > 0.95


@pytest.mark.parametrize(
    ("dip", "typical_areas", "cells"),
    [(0.4, 1.0, 1), (0.4, 2.2, 2), (0.28, 1.5, 1), (0.28, 2.2, 2), (0.2, 2.2, 1), (0.65, 1.0, 2)],
)
def test_small_pieces_stay_together_where_large_ones_are_parted(dip, typical_areas, cells):
    y, x = np.mgrid[:40, :80].astype(np.float32)
    distance = 1 - dip * (1 - np.abs(x - 40) / 20).clip(0) - 0.02 * (np.abs(x - 40) - 20).clip(0)  # peaks at 20 and 60
    distance -= 0.005 * np.abs(y - 20)
    diameter = np.sqrt(4 * distance.size / np.pi / typical_areas)
    maps = ProbabilityMaps(np.pad(np.ones_like(distance), 4), np.pad(distance, 4))
    labels, _ = separate_cells(maps, Thresholds(), diameter, (48, 88))
    assert labels.max() == cells
    whatever, _ = separate_cells(maps, Thresholds(), diameter, (48, 88), typical=False)
    assert whatever.max() == (2 if dip >= 0.4 else 1)


def test_labels_come_at_the_resolution_asked_for():
    truth = two_touching()
    maps = ProbabilityMaps((truth > 0).astype(np.float32), distance_target(truth))
    labels, _ = separate_cells(maps, Thresholds(), 48, (160, 260))
    assert labels.shape == (160, 260)
    assert labels.max() == 2
    assert (labels > 0).sum() == pytest.approx(4 * (truth > 0).sum(), rel=0.02)


def test_nothing_gives_no_cells():
    empty = np.zeros((40, 40), np.float32)
    labels, scores = separate_cells(ProbabilityMaps(empty, empty), Thresholds(), 48, (40, 40))
    assert labels.max() == 0
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


def test_holes_inside_one_cell_are_filled_gaps_between_cells_stay():
    labels = np.zeros((30, 60), np.int32)
    labels[5:25, 5:25] = 1
    labels[10:12, 10:12] = 0  # a hole in cell 1
    labels[5:25, 25:45] = 2
    labels[12:15, 24:26] = 0  # a gap between 1 and 2
    fill_holes(labels)
    assert (labels[10:12, 10:12] == 1).all()
    assert (labels[12:15, 24:26] == 0).all()


def test_tidy_keeps_the_largest_piece():
    labels = np.zeros((20, 40), np.int32)
    labels[2:10, 2:10] = 1
    labels[15:17, 30:32] = 1
    labels[2:6, 20:24] = 2
    out, scores = clean_labels(labels, np.array([0.5, 0.9], np.float32))
    assert areas(out)[1:].tolist() == [64, 16]
    assert scores.tolist() == pytest.approx([0.5, 0.9])


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int32, (12, 14), elements=st.integers(0, 4)))
def test_tidy_gives_whole_cells_numbered_in_order(labels):
    count = int(labels.max())
    out, scores = clean_labels(labels.copy(), np.arange(1, count + 1, dtype=np.float32))
    ids = np.unique(out[out > 0])
    assert ids.tolist() == list(range(1, len(scores) + 1))
    for cell in ids:
        assert ndi.label(out == cell)[1] == 1  # one piece
    gaps, count = ndi.label(out == 0)
    for gap in range(1, count + 1):
        inside = gaps == gap
        at_border = inside[[0, -1]].any() or inside[:, [0, -1]].any()
        around = out[ndi.binary_dilation(inside) & ~inside]
        assert at_border or len(set(around.tolist())) > 1
