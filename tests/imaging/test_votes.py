"""Cells from votes for their centres."""

import numpy as np
import pytest

from bccseg.config import Thresholds
from bccseg.imaging.cell_shape import cell_shapes
from bccseg.imaging.instances import ProbabilityMaps, separate_cells
from bccseg.imaging.votes import agreement, keep_largest_pieces, split_by_votes
from bccseg.metrics.matching import match
from bccseg.training.targets import shape_maps

DIAMETER = 40.0


def disc(shape, y, x, radius):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (cols - x) ** 2 <= radius**2


def pair(distance, shape=(80, 130)):
    """Two discs of 40 px whose middles are so far apart; the pixels they share go to the nearer one."""
    one, two = disc(shape, 40, 45, 20), disc(shape, 40, 45 + distance, 20)
    cols = np.arange(shape[1])
    nearer = abs(cols - 45) <= abs(cols - 45 - distance)
    labels = np.where(one & (nearer | ~two), 1, np.where(two, 2, 0)).astype(np.int32)
    centre = np.array([[0, 0], [40, 45], [40, 45 + distance]], np.float32)
    return labels, cell_shapes(labels)._replace(centre=centre)


def votes_of(labels, shapes, noise=0.0):
    way = shape_maps(labels, shapes, DIAMETER)[0][:2]
    return way + np.random.default_rng(1).normal(0, noise, way.shape).astype(np.float32)


def split(labels, way, typical=True):
    cell = (labels > 0).astype(np.float32)
    return split_by_votes(way, labels > 0, cell, DIAMETER, 0.5, typical=typical)


@pytest.mark.parametrize("distance", [39, 30, 20, 14])
def test_overlapping_cells_are_told_apart_up_to_two_thirds(distance):
    labels, shapes = pair(distance)
    found, agree = split(labels, votes_of(labels, shapes, noise=0.03))
    assert found.max() == 2
    assert len(match(labels, found, 0.9)) == 2
    assert (agree > 0.8).all()
    assert ((found > 0) == (labels > 0)).all()


def test_votes_that_hardly_differ_are_one_cell():
    labels, shapes = pair(3)
    found, _ = split(labels, votes_of(labels, shapes, noise=0.03))
    assert found.max() == 1


def test_a_large_cell_of_lobes_is_one_where_its_pixels_agree():
    labels = disc((120, 120), 60, 60, 45).astype(np.int32)
    found, agree = split(labels, votes_of(labels, cell_shapes(labels), noise=0.05))
    assert found.max() == 1
    assert agree[0] > 0.85


def test_stray_votes_and_scattered_pieces_go_to_the_cell_around_them():
    labels, shapes = pair(30)
    way = votes_of(labels, shapes)
    way[:, 38:42, 30:34] = 2.5  # 16 px of the first cell point far away
    found, agree = split(labels, way)
    assert (found[38:42, 30:34] == found[40, 45]).all()
    assert found.max() == 2
    assert agree[found[40, 45] - 1] < agree[found[40, 75] - 1]


def test_agreement_is_the_distance_of_votes_from_their_mean():
    ids = np.repeat([1, 2], 100)
    y = np.concatenate([np.tile([-1.0, 1.0], 50), np.zeros(100)])
    diameter = np.sqrt(4 * 100 / np.pi)
    assert agreement(ids, y, np.zeros(200), 2) == pytest.approx([1 - 1 / (0.25 * diameter), 1])
    far = agreement(ids, 50 * y, np.zeros(200), 2)
    assert far.tolist() == [0, 1]


def test_nothing_gives_nothing():
    empty = np.zeros((20, 20), np.int32)
    found, agree = split(empty, np.zeros((2, 20, 20), np.float32))
    assert found.max() == 0
    assert len(agree) == 0
    lost, _ = split(disc((20, 20), 10, 10, 1).astype(np.int32), np.zeros((2, 20, 20), np.float32))
    assert lost.max() == 0  # fewer votes than a cell has


def test_only_the_largest_piece_of_an_id_is_kept():
    labels = np.zeros((6, 12), np.int32)
    labels[0, :3], labels[2, :5], labels[4, :4], labels[4, 6:12] = 1, 1, 2, 2
    kept = keep_largest_pieces(labels)
    assert (kept[0] == 0).all()
    assert (kept[2, :5] == 1).all()
    assert (kept[4, :4] == 0).all()
    assert (kept[4, 6:] == 2).all()


def test_cells_come_from_votes_where_the_network_gives_them():
    labels, shapes = pair(22)
    cell = (labels > 0).astype(np.float32)
    blind = np.where(labels > 0, 0.9, 0).astype(np.float32)  # a distance map without a valley
    maps = ProbabilityMaps(cell, blind, way=votes_of(labels, shapes))
    found, score = separate_cells(maps, Thresholds(), DIAMETER, labels.shape)
    assert len(match(labels, found, 0.9)) == 2
    assert score == pytest.approx([1, 1], abs=0.05)
    joined, _ = separate_cells(maps._replace(way=None), Thresholds(), DIAMETER, labels.shape)
    assert joined.max() == 1
    labels, shapes = pair(8)
    close = ProbabilityMaps((labels > 0).astype(np.float32), blind, way=votes_of(labels, shapes))
    assert separate_cells(close, Thresholds(vote_depth=0.5), DIAMETER, labels.shape)[0].max() == 2
    assert separate_cells(close, Thresholds(vote_depth=10), DIAMETER, labels.shape)[0].max() == 1
