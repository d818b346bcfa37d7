"""Classes on their way to tables: recounted, corrected, kept, and with small cells as ids and rows of their own."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bccseg.config import SegmentSettings
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.full_outline import no_outlines
from bccseg.imaging.selection import Candidates, select_cells, small_cells_beside
from bccseg.imaging.small_cells import SmallCells
from bccseg.io.packing import pack, unpack
from bccseg.report.bundle import IMAGE_FILES, WITH_SMALL_CELLS
from bccseg.report.corrected import corrected_result
from bccseg.report.recount import recount, with_pixel_size
from bccseg.report.result import Correction, ImageResult, MeasuredImage
from bccseg.report.tables import cell_table, csv, summary_table, table_with_small_cells

NAMES = ("red", "white", "platelet")
SETTINGS = SegmentSettings(diameter_px=20)
MADE = Correction(edits=1, when="2026-11-26T12:00:00+00:00")
COUNTS = ["count_red", "count_white", "count_platelet", "count_unclassified", "white_per_100_red"]


def result_of(labels, number, score, small_labels, settings=SETTINGS, sure=None):
    """As `segment` and `segment_page` make it, of objects that are drawn."""
    sure = np.ones(len(number), bool) if sure is None else sure
    scores = np.linspace(0.9, 0.6, len(number)).astype(np.float32)
    classes = Classification(NAMES, np.array(number, np.int16), np.array(score, np.float32))
    count = small_labels.max()
    small = SmallCells.of(small_labels, Classification(NAMES, np.full(count, 2, np.int16), np.full(count, 0.75, "f4")))
    chosen = select_cells(labels, sure, settings, 20)
    return ImageResult.measure(
        np.full((*labels.shape, 3), 99, np.uint8), chosen.labels, scores[chosen.rows], 0.5, name="a.png", stem="a",
        diameter_px=20.0, in_frame=chosen.in_frame, settings=settings, classes=classes.take(chosen.rows),
        candidates=Candidates.of(labels, chosen.rows, scores, sure, no_outlines(len(number)), classes, small),
        small_cells=small_cells_beside(small, chosen, labels, sure, settings, 20),
    )  # fmt: skip


@pytest.fixture
def drawn():
    """Three red cells, one of them cut, a white one, and a speck that is narrower than 40 %; three platelets: one
    alone, one that is the speck, and one inside the white cell.
    """
    labels, small = np.zeros((90, 120), np.int32), np.zeros((90, 120), np.int32)
    for k, (y, x) in enumerate([(10, 10), (10, 40), (40, 10), (40, 60)], start=1):
        labels[y : y + 18, x : x + 18] = k
    labels[0:18, 80:98] = 5
    labels[70:76, 70:76] = 6
    labels = np.where(labels == 3, 0, labels)  # numbers as they come from `clean_labels`: without a gap
    labels = np.where(labels > 3, labels - 1, labels).astype(np.int32)
    small[70:75, 10:16], small[70:76, 70:76], small[44:50, 64:70] = 1, 2, 3
    return labels, [0, 0, 1, 0, 0], [0.9, 0.8, 0.95, 0.7, 0.6], small


def test_cells_have_class_and_score(drawn):
    table = cell_table(result_of(*drawn))
    assert table["class"].tolist() == ["red", "red", "white", "red"]
    assert table["class_score"].tolist() == pytest.approx([0.9, 0.8, 0.95, 0.7])
    read = pd.read_csv(io.BytesIO(IMAGE_FILES["_cells.csv"](result_of(*drawn))))
    assert read["class"].tolist() == ["red", "red", "white", "red"]
    assert list(read.columns[-3:]) == ["class", "class_score", "class_by"]


def test_the_overlay_has_the_colours_of_the_classes(drawn):
    picture = np.asarray(Image.open(io.BytesIO(IMAGE_FILES["_overlay.png"](result_of(*drawn)))))
    red, white, platelet = (0xE4, 0x57, 0x2E), (0x2E, 0x86, 0xDE), (0x8E, 0x44, 0xAD)
    assert [tuple(picture[at]) for at in [(10, 15), (40, 70), (70, 12), (44, 66)]] == [red, white, platelet, (99,) * 3]
    bare = replace(result_of(*drawn), classes=None, small_cells=None)
    picture = np.asarray(Image.open(io.BytesIO(IMAGE_FILES["_overlay.png"](bare))))
    assert [tuple(picture[at]) for at in [(10, 15), (40, 70), (70, 12)]] == [(0, 200, 90)] * 2 + [(99,) * 3]


def test_small_cells_have_ids_and_rows_after_the_others_where_they_are_asked_for(drawn):
    result = result_of(*drawn)
    labels = np.asarray(Image.open(io.BytesIO(WITH_SMALL_CELLS["_labels.png"](result))))
    table = pd.read_csv(io.BytesIO(WITH_SMALL_CELLS["_cells.csv"](result)), keep_default_na=False)
    assert table["cell_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["class"].tolist() == ["red", "red", "white", "red", "platelet", "platelet"]
    assert (labels[70:75, 10:16] == 5).all()
    assert (labels[70:76, 70:76] == 6).all(), "what is too small to be a cell is a platelet"
    assert (labels[44:50, 64:70] == 3).all(), "what lies in a cell is none"
    assert table["area_px"].tolist() == [np.sum(labels == k) for k in table["cell_id"]]
    assert table["area_um2"].iloc[-2] == pytest.approx(30 * 0.25)
    assert table["class_score"].astype(float).iloc[-1] == 0.75
    assert table["flag"].iloc[-1] == ""
    plain = np.asarray(Image.open(io.BytesIO(IMAGE_FILES["_labels.png"](result))))
    assert plain.max() == 4


def test_the_summary_counts_classes_and_no_small_cell_as_a_cell(drawn):
    result = result_of(*drawn)
    row = summary_table([result]).iloc[0]
    assert row[COUNTS].tolist() == [3, 1, 2, 0, pytest.approx(100 / 3)]
    assert (row["cell_count"], row["cell_count_in_frame"], row["median_diameter_px"]) == (
        4,
        3,
        pytest.approx(20.31, abs=0.01),
    )
    assert b",3,1,2,0,33.3333" in csv(summary_table([result]))


def test_without_classes_cells_are_unclassified_and_the_summary_is_as_it_was(drawn):
    result = replace(result_of(*drawn), classes=None, small_cells=None)
    table = cell_table(result)
    assert table["class"].tolist() == ["unclassified"] * 4
    assert table["class_score"].isna().all()
    assert not set(COUNTS) & set(summary_table([result]))
    assert WITH_SMALL_CELLS["_labels.png"](result) == IMAGE_FILES["_labels.png"](result)
    assert WITH_SMALL_CELLS["_cells.csv"](result) == IMAGE_FILES["_cells.csv"](result)
    both = summary_table([result, result_of(*drawn)])
    assert both["count_red"].isna().tolist() == [True, False]
    assert b",3,1,2,0,33.3333" in csv(both), "whole numbers stay whole"


def test_an_image_without_cells_or_without_red_ones(drawn):
    nothing = np.zeros((90, 120), np.int32)
    alone = result_of(nothing, [], [], drawn[3])
    assert table_with_small_cells(alone)["class"].tolist() == ["platelet"] * 3
    assert list(table_with_small_cells(alone)) == list(cell_table(alone))
    assert summary_table([alone])["count_platelet"].tolist() == [3]
    assert "white_per_100_red" not in summary_table([alone])
    empty = result_of(nothing, [], [], nothing)
    assert len(table_with_small_cells(empty)) == 0
    assert summary_table([empty])[COUNTS[:-1]].iloc[0].tolist() == [0, 0, 0, 0]


EVERY = [SETTINGS.replace(min_cell_percent=p, drop_border_cells=d) for p in (0.0, 40.0) for d in (False, True)]


@pytest.mark.parametrize("before", EVERY)
@pytest.mark.parametrize("after", EVERY)
def test_recounting_gives_the_classes_that_segmenting_again_would(drawn, before, after):
    one, other = recount(result_of(*drawn, before), after), result_of(*drawn, after)
    pd.testing.assert_frame_equal(table_with_small_cells(one), table_with_small_cells(other))
    pd.testing.assert_frame_equal(summary_table([one]), summary_table([other]))


def test_what_counts_as_a_cell_is_no_platelet(drawn):
    everything = result_of(*drawn, EVERY[0])
    assert summary_table([everything])[COUNTS[:3]].iloc[0].tolist() == [4, 1, 1]


def test_after_a_correction_untouched_cells_keep_their_class(drawn):
    found = result_of(*drawn)
    labels = found.labels.copy()
    labels[labels == 1] = 0
    labels[50:58, 60:78] = 0  # of the white cell
    labels[66:80, 6:20] = 9  # around the platelet that was alone
    after = corrected_result(found, labels, MADE)
    assert cell_table(after)["class"].tolist() == ["red", "unclassified", "red", "unclassified"]
    assert summary_table([after])[COUNTS].iloc[0].tolist() == [2, 0, 1, 2, 0]
    again = recount(after, EVERY[1])
    assert cell_table(again)["class"].tolist() == ["red", "unclassified", "unclassified"]
    assert corrected_result(found, found.labels, MADE).classes.counts() == found.classes.counts()


def test_a_pixel_size_changes_no_class(drawn):
    found = result_of(*drawn)
    assert cell_table(with_pixel_size(found, 0.1))["class"].tolist() == cell_table(found)["class"].tolist()


def test_kept_results_keep_classes_and_older_ones_have_none(drawn):
    found = result_of(*drawn).without_pixels()
    again = unpack(MeasuredImage, pack(found))
    pd.testing.assert_frame_equal(cell_table(again), cell_table(found))
    assert again.small_cells.classes.counts() == found.small_cells.classes.counts()
    assert np.array_equal(again.small_cells.start, found.small_cells.start)
    assert again.candidates.small.classes.names == NAMES
    with np.load(io.BytesIO(pack(found))) as file:
        arrays = dict(file)
    values = json.loads(arrays["json"].tobytes())
    for holder, name in [(values, "classes"), (values, "small_cells"), (values["candidates"], "classes"),
                         (values["candidates"], "small")]:  # fmt: skip
        del holder[name]
    arrays["json"] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    old = unpack(MeasuredImage, buffer.getvalue())
    assert cell_table(old)["class"].tolist() == ["unclassified"] * 4
    blank = np.zeros((90, 120, 3), np.uint8)
    labels = result_of(*drawn).labels
    everything = recount(old.with_pixels(blank, labels), EVERY[0])
    assert (len(everything.cells), everything.classes, everything.small_cells) == (5, None, None)
    assert corrected_result(old.with_pixels(blank, labels), labels, MADE).classes is None
