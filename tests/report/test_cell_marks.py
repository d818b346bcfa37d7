"""Classes on their way into a draft and back into the numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bccseg.annotation.edits import Edit
from bccseg.annotation.history import History
from bccseg.classes import CellClass, CellMark, ClassSet
from bccseg.report.cell_marks import MarkedCells, labels_and_marks
from bccseg.report.corrected import corrected_result
from bccseg.report.recount import recount, with_cut_cells
from bccseg.report.tables import cell_table, summary_table, table_with_small_cells
from tests.report.test_class_tables import COUNTS, EVERY, MADE, drawn, result_of  # noqa: F401  (a fixture)

INSIDE = {
    "red": (19, 19),
    "red too": (49, 19),
    "white": (69, 49),
    "cut": (89, 9),
    "platelet": (13, 72),
    "speck": (73, 73),
}


def after(found, *edits, classes=None):
    """The result when somebody says of which class the cells at some points are."""
    labels, marks = labels_and_marks(with_cut_cells(found))
    history = History(labels, marks)
    for kind, where, name in edits:
        history.apply(Edit(kind=kind, points=(INSIDE[where],), cell_class=name))
    marked = MarkedCells.of_marks(history.labels, history.marks, classes or ClassSet(), found)
    return corrected_result(found, marked, MADE)


def counts(result):
    return summary_table([result])[COUNTS[:4]].iloc[0].tolist()


def test_a_draft_begins_with_all_cells_and_what_is_known_of_them(drawn):  # noqa: F811
    labels, marks = labels_and_marks(result_of(*drawn))
    assert np.unique(labels).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert [marks[k].name for k in range(1, 7)] == ["red", "red", "white", "red", "platelet", "platelet"]
    assert {mark.by for mark in marks.values()} == {"network"}
    assert [marks[k].score for k in (1, 3, 6)] == [0.9, 0.95, 0.75]
    assert (labels[70:75, 10:16] == 5).all()


def test_what_nobody_touched_is_what_it_was(drawn):  # noqa: F811
    found = result_of(*drawn)
    same = after(found)
    pd.testing.assert_frame_equal(table_with_small_cells(same), table_with_small_cells(found))
    assert counts(same) == counts(found) == [3, 1, 2, 0]
    assert same.summary == found.summary


def test_a_class_from_a_person_has_no_score_and_is_told_apart(drawn):  # noqa: F811
    table = cell_table(after(result_of(*drawn), ("classify", "red", "white"), ("classify", "cut", "")))
    assert table["class"].tolist() == ["white", "red", "white", "unclassified"]
    assert table["class_by"].tolist() == ["person", "network", "network", ""]
    assert table["class_score"].isna().tolist() == [True, False, False, True]
    assert not table["score"].isna().any(), "the outline is the network's as before"


def test_what_is_no_cell_is_in_no_number(drawn):  # noqa: F811
    found = result_of(*drawn)
    less = after(found, ("classify", "red", "not a cell"), ("classify", "speck", "not a cell"))
    assert counts(less) == [2, 1, 1, 0]
    assert (less.summary.cell_count, less.labels.max(), less.labels[19, 19]) == (3, 3, 0)
    assert less.summary.cell_count_in_frame == found.summary.cell_count_in_frame - 1
    assert less.small_cells.labels(less.shape)[72, 13] == 1


def test_a_cell_becomes_a_platelet_and_a_platelet_a_cell(drawn):  # noqa: F811
    other = after(result_of(*drawn), ("classify", "red", "platelet"), ("classify", "platelet", "red"))
    assert counts(other) == [3, 1, 2, 0]
    assert (other.labels[19, 19], other.labels[72, 13] > 0) == (0, True)
    table = table_with_small_cells(other)
    assert table["class"].tolist() == ["red", "white", "red", "red", "platelet", "platelet"]
    assert table["class_by"].tolist() == ["network"] * 3 + ["person", "person", "network"]
    assert np.isnan(table["score"].iloc[3]), "a person said that it is a cell"
    assert table["area_px"].iloc[3] == 30
    assert table["area_px"].iloc[4] == 18 * 18


def test_a_platelet_that_was_deleted_stays_away(drawn):  # noqa: F811
    assert counts(after(result_of(*drawn), ("delete", "speck", ""))) == [3, 1, 1, 0]


@pytest.mark.parametrize("to", EVERY)
def test_other_cells_count_and_classes_stay(drawn, to):  # noqa: F811
    edits = ("classify", "red", "white"), ("classify", "red too", "platelet"), ("classify", "white", "not a cell")
    one = after(result_of(*drawn, EVERY[0]), *edits)
    again = corrected_result(recount(result_of(*drawn), to), MarkedCells.of_result(one), MADE)
    assert counts(again)[:3] == [1 if to.drop_border_cells else 2, 1, 2]
    back = corrected_result(result_of(*drawn, EVERY[0]), MarkedCells.of_result(again), MADE)
    pd.testing.assert_frame_equal(table_with_small_cells(back), table_with_small_cells(one))


def test_a_second_draft_goes_on_where_the_first_ended(drawn):  # noqa: F811
    found = result_of(*drawn)
    once = after(found, ("classify", "red", "platelet"), ("classify", "white", "red"))
    labels, marks = labels_and_marks(once)
    assert marks[int(labels[49, 69])] == CellMark(name="red", by="person")
    assert marks[int(labels[19, 19])] == CellMark(name="platelet", by="person")
    twice = corrected_result(found, MarkedCells.of_marks(labels, marks, ClassSet(), found), MADE)
    pd.testing.assert_frame_equal(table_with_small_cells(twice), table_with_small_cells(once))


def test_classes_of_the_lab_and_new_names_of_old_ones(drawn):  # noqa: F811
    classes = ClassSet().renamed("red", "erythrocyte").renamed("platelet", "thrombocyte")
    classes = ClassSet(classes=(*classes.classes, CellClass(name="burr", colour="#000000")))
    named = after(result_of(*drawn), ("classify", "red", "burr"), ("classify", "red too", "erythrocyte"),
                  ("classify", "white", "thrombocyte"), classes=classes)  # fmt: skip
    assert cell_table(named)["class"].tolist() == ["burr", "red", "red"]
    row = summary_table([named]).iloc[0]
    assert row[["count_red", "count_white", "count_platelet", "count_burr"]].tolist() == [2, 0, 3, 1]


def test_weights_without_classes_leave_them_to_people(drawn):  # noqa: F811
    found = result_of(*drawn)
    bare = replace(found, classes=None, small_cells=None,
                   candidates=replace(found.candidates, classes=None, small=None))  # fmt: skip
    assert labels_and_marks(bare)[1] == {}
    assert after(bare).classes is None
    told = after(bare, ("classify", "red", "white"), ("classify", "red too", "platelet"))
    assert cell_table(told)["class"].tolist() == ["white", "unclassified", "unclassified"]
    assert summary_table([told])[["count_white", "count_platelet", "count_unclassified"]].iloc[0].tolist() == [1, 1, 2]
