"""Results after a correction: what is measured anew, and what is kept."""

import numpy as np
import pytest

import bccseg
from bccseg.annotation.edits import Edit
from bccseg.annotation.history import History
from bccseg.report.bundle import IMAGE_FILES
from bccseg.report.coco import coco
from bccseg.report.corrected import corrected_result, same_cells
from bccseg.report.result import Correction, ImageResult
from bccseg.report.tables import summary_table

MADE = Correction(edits=2, when="2026-11-26T12:00:00+00:00", author="Ada")


@pytest.fixture
def found():
    """Four cells; the second has an estimated whole outline."""
    image, labels = bccseg.draw_smear((200, 300), cells=4, diameter_px=50, seed=5)
    scores = np.linspace(0.6, 0.9, int(labels.max())).astype(np.float32)
    result = ImageResult.measure(image, labels, scores, 0.2, name="a.png", stem="a", diameter_px=50.0, weights="w")
    result.cells.loc[1, ["area_full_px", "area_full_error_px"]] = 2500, 100
    result.hidden[2] = np.array([[1.0, 1.0], [9.0, 1.0], [9.0, 9.0]])
    return result


def edited(result, *edits):
    history = History(result.labels)
    for kind, x, y in edits:
        history.apply(Edit(kind=kind, points=((x, y),), radius_px=0))
    return history.labels


def middle(result, cell):
    row = result.cells.set_index("cell_id").loc[cell]
    return row["centroid_x_px"] + 0.5, row["centroid_y_px"] + 0.5


def test_a_deleted_cell_is_gone_from_every_number_and_the_others_are_what_they_were(found):
    after = corrected_result(found, edited(found, ("delete", *middle(found, 1))), MADE)
    assert after.summary.cell_count == found.summary.cell_count - 1
    assert after.cells["cell_id"].tolist() == list(range(1, len(found.cells)))
    kept = [name for name in found.cells if name not in ("cell_id", "flag")]
    before = found.cells.iloc[1:].reset_index(drop=True)
    assert after.cells[kept].equals(before[kept].astype(after.cells[kept].dtypes))
    assert list(after.hidden) == [1]
    assert after.cells.loc[0, "area_full_px"] == 2500
    assert (after.name, after.stem, after.weights, after.pixel_size_um) == ("a.png", "a", "w", 0.2)
    for ending in ("_labels.png", "_mask.png", "_overlay.png", "_cells.csv", ".geojson", "_rois.zip"):
        assert IMAGE_FILES[ending](after) != IMAGE_FILES[ending](found), ending


def test_a_cell_that_was_changed_loses_its_score_and_its_estimate(found):
    labels = found.labels.copy()
    cell = labels == 2
    labels[cell & (np.arange(labels.shape[1]) > np.nonzero(cell)[1].mean())] = 0
    after = corrected_result(found, labels, MADE)
    assert np.isnan(after.scores[1])
    assert not np.isnan(np.delete(after.scores, 1)).any()
    assert after.hidden == {}
    assert np.isnan(after.cells.loc[1, "area_full_px"])
    scores = [cell["score"] for cell in coco([after])["annotations"]]
    assert scores[1] == 1.0, "people are sure of what they outline"
    assert b",,\n" in IMAGE_FILES["_cells.csv"](after) or b",," in IMAGE_FILES["_cells.csv"](after)


def test_a_second_correction_still_knows_the_cells_by_their_pixels(found):
    once = corrected_result(found, edited(found, ("delete", *middle(found, 1))), MADE)  # ids move up by one
    twice = corrected_result(found, once.labels, MADE)
    assert np.array_equal(twice.scores, once.scores)
    assert not np.isnan(twice.scores).any()


def test_the_summary_says_who_corrected_and_how_much(found):
    after = corrected_result(found, found.labels, MADE)
    table = summary_table([found, after])
    assert table["edits"].tolist() == [0, 2]
    assert table["corrected_by"].tolist() == ["", "Ada"]


def test_all_cells_may_be_deleted(found):
    after = corrected_result(found, np.zeros_like(found.labels), MADE)
    assert after.summary.cell_count == 0
    assert len(after.cells) == 0
    assert after.hidden == {}


def test_same_cells_by_pixels():
    here = np.array([[1, 1, 0, 2], [3, 3, 3, 2]], np.int32)
    there = np.array([[5, 5, 0, 2], [0, 3, 3, 2]], np.int32)
    assert same_cells(here, there).tolist() == [0, 5, 2, 0]
    assert same_cells(np.zeros((2, 2), np.int32), there[:, :2]).tolist() == [0]
