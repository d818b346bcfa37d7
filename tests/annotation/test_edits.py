"""Edit commands: known pixels, rules that always hold, exact undo."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from bccseg.annotation.edits import EDITS, Edit, apply_edit
from bccseg.annotation.geometry import line_pixels, mask_outline, outline_mask, stroke_mask
from bccseg.annotation.history import History
from bccseg.errors import EditError
from tests.annotation.replay import replay

WHOLE = (slice(0, 60), slice(0, 80))


def discs():
    """Two cells of 10 px radius two px apart, one alone, one with a hole."""
    y, x = np.mgrid[:60, :80] + 0.5
    labels = np.zeros((60, 80), np.int32)
    for k, (cx, cy) in enumerate([(15, 20), (37, 20), (62, 20), (30, 46)], start=1):
        labels[(x - cx) ** 2 + (y - cy) ** 2 <= 100] = k
    labels[45:48, 29:32] = 0
    return labels


def edited(kind, *points, radius=0.0, labels=None):
    labels = discs() if labels is None else labels
    patch = apply_edit(labels, Edit(kind=kind, points=points, radius_px=radius), int(labels.max()) + 1)
    return labels, patch


def assert_valid(labels):
    for cell in np.unique(labels[labels > 0]):
        assert ndi.label(labels == cell)[1] == 1, f"cell {cell} is not in one piece"


def test_a_pixel_is_covered_if_its_centre_is():
    square = outline_mask([(2, 3), (6, 3), (6, 5), (2, 5)], (slice(0, 10), slice(0, 10)))
    assert square.sum() == 8
    assert square[3:5, 2:6].all()
    dot = stroke_mask([(5, 5)], 1.0, (slice(0, 10), slice(0, 10)))
    assert np.argwhere(dot).tolist() == [[4, 4], [4, 5], [5, 4], [5, 5]]
    window = (slice(2, 8), slice(3, 9))
    whole = stroke_mask([(2, 2), (7, 6)], 1.5, (slice(0, 10), slice(0, 10)))
    assert (stroke_mask([(2, 2), (7, 6)], 1.5, window) == whole[window]).all()
    y, x = np.mgrid[:10, :10] + 0.5
    t = np.clip(((x - 2) * 5 + (y - 2) * 4) / 41, 0, 1)
    assert (whole == (np.hypot(x - 2 - 5 * t, y - 2 - 4 * t) <= 1.5)).all()


def test_lines_separate_regions():
    pixels = line_pixels([(0.5, 0.5), (9.9, 5.2)], (10, 10))
    wall = np.zeros((10, 10), bool)
    wall[pixels[:, 0], pixels[:, 1]] = True
    assert ndi.label(~wall)[1] == 2


def test_a_new_cell_takes_background_only():
    labels, patch = edited("add", (40, 8), (70, 8), (70, 34), (40, 34))
    before = discs()
    assert (labels[before > 0] == before[before > 0]).all()
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4, 5}
    assert patch.next_id == 6
    assert_valid(labels)
    with pytest.raises(EditError, match="no room"):
        edited("add", (10, 15), (20, 15), (20, 25), (10, 25))


def test_paint_grows_the_cell_it_starts_in_and_no_other():
    labels, _ = edited("paint", (15, 20), (15, 35), radius=3)
    before = discs()
    grown = labels == 1
    assert grown.sum() > (before == 1).sum()
    assert (grown | (before != 1)).all()
    assert (labels[before > 1] == before[before > 1]).all()
    across, _ = edited("paint", (15, 20), (37, 20), radius=3)  # up to the neighbour, not into it
    assert (across == 2).sum() == (before == 2).sum()
    with pytest.raises(EditError, match="Start inside"):
        edited("paint", (50, 50), radius=2)


def test_erasing_through_a_cell_leaves_two():
    labels, patch = edited("erase", (15, 5), (15, 35), radius=2)
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4, 5}
    assert patch.next_id == 6
    assert (labels[:, 13:17][6:34] == 0).all()
    assert_valid(labels)
    with pytest.raises(EditError, match="no cell"):
        edited("erase", (50, 50), radius=2)


@pytest.mark.parametrize("line", [[(15, 5), (15, 35)], [(15, 14), (15, 26)], [(2, 12), (28, 28)]])
def test_cut_makes_two_cells_and_loses_no_pixel(line):
    labels, _ = edited("cut", *line)
    before = discs()
    assert ((labels > 0) == (before > 0)).all()
    sizes = np.bincount(labels[before == 1])[[1, 5]]
    assert sizes.sum() == (before == 1).sum()
    assert abs(int(sizes[0]) - int(sizes[1])) < 50
    assert_valid(labels)


def test_cut_needs_a_line_across_a_cell():
    with pytest.raises(EditError, match="right across"):
        edited("cut", (15, 5), (15, 12), (20, 5))
    with pytest.raises(EditError, match="no cell"):
        edited("cut", (1, 1), (5, 1))


def test_one_line_cuts_several_cells():
    labels, patch = edited("cut", (1, 20), (79, 20))
    assert patch.next_id == 8
    assert len(np.unique(labels)) == 8
    assert_valid(labels)


def test_merge_fills_the_gap_with_background():
    labels, _ = edited("merge", (15, 20), (37, 20))
    before = discs()
    assert set(np.unique(labels)) - {0} in ({1, 3, 4}, {2, 3, 4})
    union = labels == labels[20, 15]
    assert union[(before == 1) | (before == 2)].all()
    assert union[20, 26]
    assert_valid(labels)
    with pytest.raises(EditError, match="too far"):
        edited("merge", (62, 20), (30, 46))
    with pytest.raises(EditError, match="from one cell into another"):
        edited("merge", (15, 20), (16, 20))


def test_delete_by_click_and_by_region():
    assert set(np.unique(edited("delete", (15, 20))[0])) == {0, 2, 3, 4}
    labels, _ = edited("delete", (0, 5), (50, 5), (50, 33), (0, 33))
    assert set(np.unique(labels)) == {0, 3, 4}
    with pytest.raises(EditError, match="no cell"):
        edited("delete", (50, 50))


@pytest.mark.parametrize("click", [(24, 46), (30.5, 46.5)])  # on the cell, and in its hole
def test_fill_closes_holes(click):
    labels, _ = edited("fill", click)
    assert (labels == 4).sum() == (discs() == 4).sum() + 9
    with pytest.raises(EditError, match="no holes"):
        edited("fill", (15, 20))
    with pytest.raises(EditError, match="no cell"):
        edited("fill", (50, 50))


def test_smooth_takes_a_spike_off():
    labels = discs()
    labels[20, 72:79] = 3
    smooth, _ = edited("smooth", (62, 20), labels=labels)
    assert (smooth[20, 74:] == 0).all()
    assert (smooth == 3).sum() == pytest.approx((discs() == 3).sum(), rel=0.05)


@pytest.mark.parametrize("bad", [("bend", ((1, 1),), 0), ("add", (), 0), ("add", ((np.nan, 1),), 0),
                                 ("paint", ((1, 1),), 9e9), ("cut", ((1e12, 1),), 0)])  # fmt: skip
def test_bad_commands_are_refused(bad):
    with pytest.raises(EditError):
        Edit(kind=bad[0], points=bad[1], radius_px=bad[2])


def test_commands_survive_json():
    edit = Edit(kind="paint", points=((1.23456, 2), (3, 4)), radius_px=5.5)
    assert Edit.from_dict(json.loads(json.dumps(edit.to_dict()))) == edit
    assert edit.points[0] == (1.23, 2.0)
    with pytest.raises(EditError):
        Edit.from_dict({"kind": "add"})


point = st.tuples(st.floats(-8, 88, width=32), st.floats(-8, 68, width=32))
command = st.builds(
    Edit,
    kind=st.sampled_from(sorted(EDITS)),
    points=st.lists(point, min_size=1, max_size=8).map(tuple),
    radius_px=st.floats(0, 12, width=16),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(command, min_size=1, max_size=12))
def test_any_edits_keep_labels_valid_and_can_be_undone(commands):
    history = History(discs())
    states, made = [history.labels.copy()], []
    for edit in commands:
        before, free = history.labels.copy(), history.next_id
        try:
            history.apply(edit)
        except EditError:
            assert (history.labels == before).all(), "a refused edit changed something"
            continue
        now = history.labels
        assert_valid(now)
        assert history.next_id >= free
        assert now.max() < history.next_id
        fresh = set(np.unique(now)) - set(np.unique(before))
        assert all(cell >= free for cell in fresh), "an id was given twice"
        taken = (before > 0) & (now > 0) & (now != before)
        if edit.kind in ("add", "paint", "fill", "smooth", "delete"):
            assert not taken.any(), "a neighbour lost pixels"
        made.append(edit)
        states.append(now.copy())
    assert history.edits == made
    assert (replay(discs(), made) == history.labels).all()
    for state in reversed(states[:-1]):
        history.undo()
        assert (history.labels == state).all()
    for state in states[1:]:
        history.redo()
        assert (history.labels == state).all()
    with pytest.raises(EditError):
        history.redo()


def test_undo_is_more_than_a_hundred_deep():
    history = History(discs())
    for k in range(150):
        history.apply(
            Edit(kind="erase" if k % 2 else "paint", points=((62, 9),) if k % 2 else ((62, 20), (62, 8)), radius_px=3)
        )
    for _ in range(150):
        history.undo()
    assert (history.labels == discs()).all()
    assert not history.can_undo
    assert history.can_redo


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), left=st.integers(0, 500), top=st.integers(0, 500))
def test_the_outline_of_a_mask_is_around_exactly_its_pixels(seed, left, top):
    noise = ndi.gaussian_filter(np.random.default_rng(seed).random((30, 40)), 2)
    pieces, count = ndi.label(noise > np.median(noise))
    mask = ndi.binary_fill_holes(pieces == 1 + seed % count)
    edit = Edit(kind="add", points=mask_outline(mask, (left, top)))  # rounds the points
    window = slice(top, top + 30), slice(left, left + 40)
    assert (outline_mask(edit.points, window) == mask).all()
