"""What counts as a cell, what is kept of the rest, and the counting frame, with numbers known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bccseg.config import SegmentSettings
from bccseg.imaging.full_outline import no_outlines
from bccseg.imaging.label_image import equivalent_diameter, outside_frame, relabel
from bccseg.imaging.measure import measure_cells, summarise
from bccseg.imaging.selection import Candidates, middles, select_cells

SPECKS = np.zeros((30, 50), np.int32)
SPECKS[10:14, 10:14] = 1  # 16 px
SPECKS[20:24, 30:34] = 2  # 16 px
SPECKS[0:4, 40:44] = 3  # 16 px, cut by the border
WIDTH = float(equivalent_diameter(16))


@pytest.mark.parametrize(
    ("percent", "diameter", "kept"),
    [
        (100, WIDTH, 3),  # exactly as wide as asked for
        (100, WIDTH * 1.001, 1),  # only the cut cell, held to half
        (100, WIDTH * 2, 1),
        (100, WIDTH * 2.001, 0),
        (40, WIDTH / 0.401, 3),
        (40, WIDTH / 0.399, 1),
        (40, WIDTH / 0.199, 0),
        (0, 5000.0, 3),
    ],
)
def test_specks_are_narrower_than_the_share_asked_for_and_cut_cells_than_half_of_it(percent, diameter, kept):
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    settings = SegmentSettings(min_cell_percent=percent)
    labels, left, rejected, in_frame = select_cells(SPECKS, scores >= 0.55, settings, diameter)
    assert (labels.max(), len(left), len(rejected)) == (kept, kept, 0)
    assert scores[left].tolist() == scores[3 - kept :].tolist()
    assert in_frame == max(0, kept - 1)  # the third touches the top


def test_a_fresh_setting_asks_for_two_fifths_of_a_cell():
    for diameter, kept in ((WIDTH / 0.401, 3), (WIDTH / 0.399, 1)):
        assert select_cells(SPECKS, np.ones(3, bool), SegmentSettings(), diameter).labels.max() == kept


def test_unsure_cells_are_told_with_their_place_and_score():
    scores = np.array([0.5, 0.25, 0.125], np.float32)
    labels, kept, rejected, _ = select_cells(SPECKS, scores >= 0.5, SegmentSettings(min_cell_percent=0), 20.0)
    assert kept.tolist() == [0]
    assert np.array_equal(labels, SPECKS == 1)
    assert rejected.tolist() == [1, 2]
    assert middles(SPECKS, rejected).tolist() == [[32, 22], [42, 2]]
    assert middles(SPECKS, rejected[:0]).shape == (0, 2)
    assert (labels.dtype, kept.dtype) == (np.int32, np.intp)


def test_cut_cells_are_dropped_when_asked_and_specks_are_not_told():
    scores = np.array([0.9, 0.1, 0.9], np.float32)
    whole = SegmentSettings(min_cell_percent=0, drop_border_cells=True)
    labels, kept, rejected, _ = select_cells(SPECKS, scores >= 0.55, whole, 20.0)
    assert (labels.max(), scores[kept].tolist(), len(rejected)) == (1, [pytest.approx(0.9)], 1)
    specks = SegmentSettings(min_cell_percent=100)
    assert select_cells(SPECKS, scores >= 0.55, specks, 2 * WIDTH).rejected.shape == (0,)


def test_specks_and_border_cells_are_dropped_by_their_settings(discs):
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    for settings_, kept in (
        (SegmentSettings(min_cell_percent=0), [0.9, 0.8, 0.7]),
        (SegmentSettings(min_cell_percent=60), [0.9]),  # 20.1 px of 40 is 50 %; the cut cell needs 30 %, has 26 %
        (SegmentSettings(min_cell_percent=0, drop_border_cells=True), [0.9, 0.8]),
    ):
        labels, left, *_ = select_cells(discs, scores >= 0.55, settings_, 40.0)
        assert scores[left].tolist() == pytest.approx(kept)
        assert labels.max() == len(kept)


@given(
    hnp.arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 6)),
    st.lists(st.booleans(), min_size=7, max_size=7),
)
def test_what_is_left_out_comes_back_pixel_by_pixel(labels, keep):
    count = int(labels.max(initial=0))
    rows = np.flatnonzero(keep[1 : count + 1])
    scores = np.zeros(count, np.float32)
    kept = relabel(labels, np.isin(np.arange(count + 1), rows + 1))
    of = Candidates.of(labels, rows, scores, scores > 0, no_outlines(count))
    assert np.array_equal(of.restore(kept), labels)
    assert of.restore(kept).dtype == np.int32


def test_what_is_left_out_is_small():
    labels = np.zeros((1000, 1000), np.int32)
    labels[100:140, 100:140], labels[500:520, 300:310] = 1, 2
    none = np.zeros(2, np.float32)
    of = Candidates.of(labels, np.array([0]), none, none > 0, no_outlines(2))
    assert (len(of.start), of.length.tolist(), set(of.owner.tolist())) == (20, [10] * 20, {2})


FRAME = np.zeros((30, 40), np.int32)
for cell, (rows, columns) in enumerate(
    [
        (slice(10, 14), slice(10, 14)),  # inside
        (slice(10, 14), slice(0, 4)),  # left
        (slice(0, 4), slice(20, 24)),  # top
        (slice(20, 24), slice(36, 40)),  # right
        (slice(26, 30), slice(20, 24)),  # bottom
        (slice(0, 4), slice(36, 40)),  # top and right
        (slice(26, 30), slice(0, 4)),  # bottom and left
        (slice(26, 30), slice(36, 40)),  # bottom and right
    ],
    start=1,
):
    FRAME[rows, columns] = cell


def test_the_frame_leaves_out_what_touches_the_left_or_top_edge():
    assert outside_frame(FRAME).tolist() == [2, 3, 6, 7]
    assert outside_frame(np.zeros((0, 5), np.int32)).tolist() == []
    table = measure_cells(FRAME, np.zeros((30, 40, 3), np.uint8))
    assert table["in_frame"].tolist() == [True, False, False, True, True, False, False, True]
    summary = summarise(table, (30, 40), 0.5)
    assert (summary.cell_count, summary.cell_count_inside, summary.cell_count_in_frame) == (8, 1, 4)
    assert summary.density_per_mm2 == pytest.approx(4 / (30 * 40 * 0.25e-6))


@pytest.mark.parametrize("border", [False, True])
def test_the_frame_counts_cut_cells_whether_or_not_they_are_in_the_table(border):
    chosen = select_cells(FRAME, np.ones(8, bool), SegmentSettings(drop_border_cells=border), 4.5)
    assert (chosen.labels.max(), chosen.in_frame) == (1 if border else 8, 4)


def test_the_density_of_a_drawn_field_is_that_it_was_drawn_with():
    """Discs of 21 px on a sheet, one in each 40 x 40 px of it: 1 / 1600 px. Fields that share their edges count each
    disc once; all that are seen, or the whole ones, are a sixth too many or too few on fields this small.
    """
    random = np.random.default_rng(5)
    sheet = np.zeros((1200, 1200), np.int32)
    yy, xx = np.mgrid[-10:11, -10:11]
    disc = yy**2 + xx**2 <= 100
    for cell in range(900):
        top, left = (40 * k + random.integers(0, 20) for k in divmod(cell, 30))
        sheet[top : top + 21, left : left + 21][disc] = cell + 1
    sheet = np.pad(sheet, (0, 1), mode="wrap")
    nothing, fields = np.zeros((151, 151, 3), np.uint8), []
    for top in range(0, 1200, 150):
        for left in range(0, 1200, 150):
            cells = measure_cells(sheet[top : top + 151, left : left + 151], nothing)
            fields.append(summarise(cells, (151, 151), 1.0))
    assert sum(field.cell_count_in_frame for field in fields) == pytest.approx(900, abs=2)  # corners: see outside_frame
    assert np.mean([field.density_per_mm2 for field in fields]) == pytest.approx(1e6 / 1600, rel=0.015)
    assert sum(field.cell_count for field in fields) > 1.15 * 900
    assert sum(field.cell_count_inside for field in fields) < 0.85 * 900
