"""Numbers that tell one cell from another: known ones of drawn cells."""

import numpy as np
import pytest

from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.cell_features import LOOKS, cell_looks, pool_features
from bccseg.imaging.cell_head import CellHead

WHITE = np.full(3, 240, np.float32)


def drawn(scale=1.0):
    """Three discs and an ellipse; the third disc is dark: labels and image."""
    yy, xx = np.mgrid[: round(100 * scale), : round(240 * scale)] / scale
    labels = np.zeros(yy.shape, np.int32)
    for cell, (x, y, a, b) in enumerate([(30, 50, 20, 20), (80, 50, 20, 20), (130, 50, 20, 20), (195, 50, 35, 15)], 1):
        labels[((xx - x) / a) ** 2 + ((yy - y) / b) ** 2 <= 1] = cell
    image = np.full((*labels.shape, 3), 240, np.uint8)
    image[labels > 0] = 160
    image[labels == 3] = 80
    return labels, image


def test_looks_are_relative_to_the_typical_cell_and_its_background():
    labels, image = drawn()
    looks = cell_looks(labels, image, WHITE, 5)
    assert looks.shape == (5, LOOKS)
    assert np.isfinite(looks).all()
    assert looks[:3, 0] == pytest.approx(0, abs=0.01), "as large as the typical cell"
    assert looks[3, 1] == pytest.approx(np.log(70 / 40), abs=0.03), "its long axis"
    assert looks[3, 3] == pytest.approx(np.log(30 / 70), abs=0.03), "short over long"
    assert looks[[0, 2], 7] == pytest.approx([np.log(240 / 160), np.log(240 / 80)], abs=1e-4), "absorbance"
    assert looks[[0, 2], 10] == pytest.approx([0, np.log(2)], abs=1e-4), "more than the typical cell"
    waves = looks[:, 13:21]
    assert (waves[3].argmax(), waves[3, 1] > waves[0, 1] + 1.5) == (1, True), "a long outline has two waves"
    assert looks[4] == pytest.approx(np.median(looks[:4], axis=0), abs=1e-5), "one without pixels is typical"
    larger, colours = drawn(2.0)
    assert cell_looks(larger, colours, WHITE, 5)[:, :13] == pytest.approx(looks[:, :13], abs=0.04), "at any size"


def test_no_cells_have_no_looks():
    image = np.full((20, 30, 3), 240, np.uint8)
    assert cell_looks(np.zeros((20, 30), np.int32), image, WHITE, 0).shape == (0, LOOKS)
    maps = (np.zeros((3, 16, 16), np.float32), np.zeros((5, 16, 16), np.float32))
    assert pool_features(np.zeros((20, 30), np.int32), maps, 0).shape == (0, 8)


def test_maps_are_averaged_inside_each_cell_at_their_own_resolution():
    labels = np.zeros((30, 60), np.int32)
    labels[4:20, 4:20], labels[4:20, 36:52], labels[28, 58] = 1, 2, 3
    at = [np.arange(n, dtype=np.float32) for n in (32, 32, 16)]  # padded to 32 x 64, at 1/2, 1/2 and 1/4
    maps = tuple(
        np.tile(values, (2, len(rows), 1)) for values, rows in zip(at, (range(16), range(16), range(8)), strict=True)
    )
    found = pool_features(labels, maps, 4)
    assert found.shape == (4, 6)
    assert found[0] == pytest.approx([5.5, 5.5, 5.5, 5.5, 2.5, 2.5], abs=0.5)
    assert found[1] - found[0] == pytest.approx([16, 16, 16, 16, 8, 8])
    assert found[2] == pytest.approx([29, 29, 29, 29, 14, 14]), "too small for a pixel: what is at its place"
    assert np.isfinite(found[3]).all()


def test_a_head_reads_what_it_wrote_and_refuses_what_does_not_fit():
    head = CellHead(("a", "b"), np.zeros(3), np.ones(3), np.array([[1, 0, 0], [0, 1, 0]]), np.zeros(2), np.zeros(0))
    again = CellHead.from_tensors(head.tensors(), ("a", "b"))
    features = np.array([[2, 0, 0], [0, 2, 0]], np.float32)
    assert again(features)[:, 0] == pytest.approx([1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))])
    assert again(np.array([[99, 0, 0]], np.float32))[0, 0] == pytest.approx(1 / (1 + np.exp(-4))), (
        "one number is limited"
    )
    assert again(np.zeros((0, 3), np.float32)).shape == (0, 2)
    with pytest.raises(ValueError, match="fit its classes"):
        CellHead.from_tensors(head.tensors(), ("a", "b", "c"))
    with pytest.raises(ValueError, match="numbers that are none"):
        CellHead.from_tensors({**head.tensors(), "bias": np.array([np.nan, 0])}, ("a", "b"))
    with pytest.raises(ValueError, match="it holds"):
        CellHead.from_tensors({"bias": np.zeros(2)}, ("a", "b"))


def test_what_nobody_marked_keeps_the_class_that_the_network_told():
    tensors = {"mean": np.zeros(1), "scale": np.ones(1), "weight": np.array([[1], [-1]]), "bias": np.zeros(2)}
    head = CellHead.from_tensors({**tensors, "seen": np.array([1, 0, 0])}, ("round", "long"))
    told = Classification(
        ("red", "white", "long"),
        np.array([0, 1, 1, 2, -1], np.int16),
        np.array([0.9, 0.8, 0.4, 0.9, np.nan], np.float32),
    )
    found = head.classify(np.full((5, 1), 2, np.float32), told, ("round", "long", "red", "white"))
    assert found.name_of_each() == ["round", "white", "round", "round", "round"]
    assert found.score == pytest.approx([0.982, 0.8, 0.982, 0.982, 0.982], abs=1e-3)
    alone = CellHead.from_tensors({**tensors, "seen": np.zeros(0)}, ("round", "long"))
    assert alone.classify(np.full((1, 1), -2, np.float32), None, ("round", "long")).name_of_each() == ["long"]
