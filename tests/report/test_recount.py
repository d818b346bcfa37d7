"""Other settings of what counts, without the network: the same as if it had been asked again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bccseg
from bccseg.config import SegmentSettings
from bccseg.inference.batch import segment_entries
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from bccseg.report.corrected import corrected_result
from bccseg.report.recount import all_labels, recount, with_pixel_size
from bccseg.report.result import Correction, ImageResult

MADE = Correction(edits=1, when="2026-11-26T12:00:00+00:00")
EVERY = [
    SegmentSettings(),
    SegmentSettings(drop_border_cells=True),
    SegmentSettings(min_cell_percent=0),
    SegmentSettings(min_cell_percent=95, drop_border_cells=True),
]


@pytest.fixture(scope="module")
def segmented(predictor):
    """The same field, segmented once with each of the settings."""
    image, _ = bccseg.draw_smear((300, 400), cells=24, diameter_px=48, seed=11)
    entry = Entry("field.png", png(image))
    return [next(segment_entries([entry], predictor, settings, 0.15)) for settings in EVERY]


def same(one, other):
    pd.testing.assert_frame_equal(one.cells, other.cells)
    assert one.summary == other.summary
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.scores, other.scores, equal_nan=True)
    assert np.array_equal(one.rejected, other.rejected)
    assert one.hidden.keys() == other.hidden.keys()
    assert one.settings == other.settings


@pytest.mark.parametrize("before", range(len(EVERY)))
@pytest.mark.parametrize("after", range(len(EVERY)))
def test_recounting_gives_what_segmenting_again_would(segmented, before, after):
    same(recount(segmented[before], EVERY[after]), segmented[after])


def test_the_settings_make_a_difference(segmented):
    counts = [result.summary.cell_count for result in segmented]
    assert counts[1] < counts[0] <= counts[2]
    assert counts[3] < counts[1]
    assert segmented[1].summary.density_per_mm2 == segmented[0].summary.density_per_mm2, "the frame counts cut cells"
    assert segmented[1].summary.cell_count_in_frame > segmented[1].summary.cell_count_inside


def test_a_pixel_size_needs_no_pixels(segmented):
    first = segmented[0]
    other = with_pixel_size(first.without_pixels(), 0.3)
    fresh = ImageResult.measure(
        first.image, first.labels, first.scores, 0.3, first.candidates.whole.take(first.candidates.rows),
        first.summary.cell_count_in_frame, name="", stem="", diameter_px=48.0,
    )  # fmt: skip
    pd.testing.assert_frame_equal(other.cells, fresh.cells)
    assert other.summary == fresh.summary
    assert other.pixel_size_um == 0.3
    unknown = with_pixel_size(other, None)
    assert unknown.pixel_size_um is None, "a PNG states none"
    assert not any("um" in name for name in unknown.cells)
    assert unknown.summary.density_per_mm2 is None
    assert with_pixel_size(first, 0.15) is first
    assert (first.pixel_size_source, unknown.pixel_size_source) == ("typed", "")
    measured = with_pixel_size(first.without_pixels(), 0.15, "measured: 40x")
    assert measured.cells is first.cells
    assert measured.pixel_size_source == "measured: 40x"
    from_file = replace(first, stated_pixel_size_um=0.2, stated_pixel_size_from="OME metadata")
    assert with_pixel_size(from_file, None).pixel_size_source == "file: OME metadata"
    whole = segmented[1]
    assert with_pixel_size(whole, 0.3).summary.density_per_mm2 == pytest.approx(whole.summary.density_per_mm2 / 4)


def test_what_a_person_left_counts_at_any_size_and_cut_cells_as_asked(segmented):
    found = segmented[0]
    labels = all_labels(found)
    speck = int(labels.max()) + 1
    labels[labels == 1] = 0
    free = np.argwhere(labels[50:-50, 50:-50] == 0)[0] + 50
    labels[free[0] : free[0] + 2, free[1] : free[1] + 2] = speck
    every = corrected_result(found, labels, MADE)
    assert every.cells["area_px"].min() <= 4
    whole = corrected_result(recount(found, EVERY[3]), labels, MADE)
    assert whole.summary.cell_count == every.summary.cell_count_inside
    assert not whole.cells["touches_border"].any()
    assert whole.summary.cell_count_in_frame == every.summary.cell_count_in_frame
    assert whole.cells["area_px"].min() <= 4, "drawn by a person: no speck"
    known = every.cells.loc[~every.cells["touches_border"], "score"].to_numpy()
    assert np.array_equal(whole.scores, known.astype(np.float32), equal_nan=True), "found again, also what was dropped"
    assert np.isnan(known).sum() == 1
    again = corrected_result(recount(found, EVERY[0]), all_labels(whole), MADE)
    same(again, every)


def test_results_that_hold_their_cells_only_can_be_recounted(smear):
    image, labels = smear
    result = ImageResult.measure(
        image, labels, np.ones(int(labels.max()), np.float32), name="", stem="", diameter_px=56
    )
    fewer = recount(result, SegmentSettings(drop_border_cells=True))
    assert fewer.summary.cell_count == result.summary.cell_count_inside
    assert recount(fewer, SegmentSettings()).summary == result.summary
