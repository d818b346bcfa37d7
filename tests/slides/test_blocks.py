"""No cell is lost or doubled at a seam, whatever the blocks: with blocks that see what is there, exactly."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from bccseg.imaging.label_image import relabel_consecutive
from bccseg.slides.blocks import OVERLAP, SLACK, Block, blocks, paste_block

DIAMETER = 20


def draw(rng, shape, count, largest):
    """Ellipses of up to `largest` px along an axis; those that lie first hide parts of others."""
    labels = np.zeros(shape, np.int32)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    for cell in range(1, count + 1):
        y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        a, b = rng.uniform(4, largest / 2, 2)
        new = (((yy - y) / a) ** 2 + ((xx - x) / b) ** 2 <= 1) & (labels == 0)
        if ndi.label(new)[1] == 1:  # labels are in one piece each
            labels[new] = cell
    return relabel_consecutive(labels)


def by_blocks(truth, side, overlap, see):
    """Labels of the whole from what `see` gives of each block."""
    target, used = np.zeros_like(truth), 0
    area = tuple(slice(0, n) for n in truth.shape)
    for block in blocks(area, side, overlap):
        found = see(truth[block.window], block)
        wanted = np.ones(int(found.max(initial=0)), bool)
        used += len(paste_block(target[block.window], found, block, truth.shape, DIAMETER, wanted, used + 1))
    return target


def same_cells(a, b):
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(100, 400), st.tuples(st.integers(60, 420), st.integers(60, 420)))
def test_what_every_block_sees_alike_is_there_once(seed, side, shape):
    rng = np.random.default_rng(seed)
    truth = draw(rng, shape, 60, (OVERLAP - 2 * SLACK) * DIAMETER)
    found = by_blocks(truth, max(side, 101), round(OVERLAP * DIAMETER), lambda part, _block: relabel_consecutive(part))
    assert same_cells(truth, found)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(101, 300))
def test_outlines_that_differ_from_block_to_block_lose_and_double_none(seed, side):
    """Each block gives its cells other outlines, a pixel or two away; every true cell is found exactly once."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((380, 420), np.int32)
    yy, xx = np.ogrid[:380, :420]
    for k, place in enumerate([(y, x) for y in range(15, 370, 30) for x in range(15, 410, 30)], start=1):
        y, x = place + rng.integers(-4, 5, 2)
        truth[(yy - y) ** 2 + (xx - x) ** 2 <= (DIAMETER / 2) ** 2] = k

    def see(part, block):
        moved = ndi.shift(part, rng.integers(-2, 3, 2), order=0)
        if rng.random() < 0.5:
            moved[ndi.grey_erosion(moved, 3) != ndi.grey_dilation(moved, 3)] = 0
        return relabel_consecutive(moved)

    found = by_blocks(truth, side, round(OVERLAP * DIAMETER), see)
    whole = np.unique(truth)[1:]
    hits = np.zeros(whole.max() + 1, int)
    for cell in range(1, found.max() + 1):
        owner = np.bincount(truth[found == cell], minlength=len(hits))
        owner[0] = 0
        hits[owner.argmax()] += 1
    assert (hits[whole] == 1).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 500), st.integers(1, 2000), st.integers(10, 500), st.integers(0, 300))
def test_blocks_cover_an_area_and_share_what_they_should(start, length, side, overlap):
    area = slice(start, start + length), slice(3, 8)
    found = [(one.window[0], one.core[0]) for one in blocks(area, side, overlap)]
    assert found[0][0].start == found[0][1].start == start
    assert found[-1][0].stop == found[-1][1].stop == start + length
    for (window, core), (following, next_core) in pairwise(found):
        assert window.stop - following.start >= min(overlap, side // 2) - 1
        assert core.stop == next_core.start
        assert following.start <= core.stop <= window.stop
    assert all(window.stop - window.start <= side for window, _ in found)


def test_a_cell_that_others_cut_in_pieces_keeps_the_largest():
    target, found = np.zeros((20, 30), np.int32), np.zeros((20, 30), np.int32)
    target[:, 10:12] = 7
    found[5:15, 4:26] = 1
    block = Block((slice(0, 20), slice(0, 30)), (slice(0, 20), slice(0, 30)))
    taken = paste_block(target, found, block, (20, 30), 10, np.array([True]), 8)
    assert taken.tolist() == [0]
    assert (target[5:15, 12:26] == 8).all()
    assert not (target[:, :10] == 8).any()
    assert (target[:, 10:12] == 7).all()


@pytest.mark.parametrize("wanted", [[], [False]])
def test_nothing_wanted_is_nothing_written(wanted):
    target, found = np.zeros((9, 9), np.int32), np.zeros((9, 9), np.int32)
    found[2:5, 2:5] = len(wanted)
    block = Block((slice(0, 9), slice(0, 9)), (slice(0, 9), slice(0, 9)))
    assert len(paste_block(target, found, block, (9, 9), 3, np.array(wanted, bool), 1)) == 0
    assert not target.any()
