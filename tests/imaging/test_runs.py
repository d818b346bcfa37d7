"""Runs of pixels say of labels what SciPy and OpenCV say of their pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage as ndi

from bccseg.imaging.label_image import areas, meeting_pixels
from bccseg.imaging.runs import Runs
from bccseg.imaging.votes import fill_mask

images = arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 3))


@given(images)
def test_runs_are_the_labels(labels):
    runs = Runs.along_rows(labels)
    at, owner = runs.pixels()
    again = np.zeros_like(labels)
    again.ravel()[at] = owner
    assert (again == labels).all()
    assert (areas(labels) == np.bincount(labels.ravel())).all()
    assert runs.boxes(labels.shape[1]) == ndi.find_objects(labels)


@given(images)
def test_pieces_are_those_of_each_label_alone(labels):
    runs = Runs.along_rows(labels)
    at, piece = runs._replace(owner=(runs.pieces(labels.shape[1]) + 1).astype(np.int32)).pixels()
    found = np.zeros_like(labels)
    found.ravel()[at] = piece
    count = 0
    for value in (1, 2, 3):
        pieces, n = ndi.label(labels == value)
        count += n
        for k in range(1, n + 1):
            assert len(np.unique(found[pieces == k])) == 1
    assert len(np.unique(found[found > 0])) == count
    first = [int(np.flatnonzero(found.ravel() == k)[0]) for k in range(1, count + 1)]
    assert first == sorted(first)


@given(images)
def test_neighbours_meet_where_their_labels_differ(labels):
    (above, below), (left, right) = meeting_pixels(labels)
    flat, width = labels.ravel(), labels.shape[1]
    assert (below - above == width).all()
    assert (right - left == 1).all()
    assert len(above) == (labels[1:] != labels[:-1]).sum()
    assert len(left) == (labels[:, 1:] != labels[:, :-1]).sum()
    assert (flat[above] != flat[below]).all()
    assert (flat[left] != flat[right]).all()


@pytest.mark.parametrize("turned", [False, True])
def test_cells_grow_over_what_hangs_together_with_them_and_nothing_else(turned):
    labels = np.array([[1, 0, 0, 0, 0, 2, 0, 0, 0]], np.int32)
    mask = np.array([[1, 1, 1, 0, 1, 1, 0, 1, 1]], bool)
    expected = np.array([[1, 1, 1, 0, 2, 2, 0, 0, 0]])
    if turned:
        labels, mask, expected = labels.T.copy(), mask.T.copy(), expected.T
    assert (fill_mask(labels, mask) == expected).all()
