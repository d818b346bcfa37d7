"""What became of each cell between two labellings."""

import numpy as np

from bccseg.report.changes import cell_changes, class_changes


def boxes(*places):
    labels = np.zeros((40, 60), np.int32)
    for k, (top, left, side) in enumerate(places, start=1):
        labels[top : top + side, left : left + side] = k
    return labels


def test_each_cell_is_the_same_moved_removed_or_added():
    before = boxes((2, 2, 10), (2, 20, 10), (20, 2, 10))
    after = boxes((25, 40, 10), (2, 2, 10), (2, 21, 10))  # other ids: 2 is the same, 3 a px to the right, 1 is new
    found = cell_changes(before, after)
    assert found.before == {1: "same", 2: "moved", 3: "removed"}
    assert found.after == {1: "added", 2: "same", 3: "moved"}
    assert [found.count(kind) for kind in ("same", "moved", "removed", "added")] == [1, 1, 1, 1]


def test_nothing_on_one_side_or_both():
    none = boxes()
    assert cell_changes(none, none).before == {}
    assert cell_changes(none, boxes((0, 0, 5))).after == {1: "added"}
    assert cell_changes(boxes((0, 0, 5)), none).before == {1: "removed"}
    kept = boxes((0, 0, 5), (9, 9, 5))
    kept[kept == 1] = 0  # ids with a gap
    assert cell_changes(kept, kept).after == {2: "same"}


def test_classes_go_with_the_matched_cells_whatever_their_ids():
    before = boxes((2, 2, 10), (2, 20, 10), (20, 2, 10), (20, 20, 10))
    after = boxes((25, 40, 10), (2, 2, 10), (2, 21, 10), (20, 20, 10))
    changes = cell_changes(before, after)
    assert changes.pairs == {1: 2, 2: 3, 4: 4}
    found = class_changes(changes, {1: "red", 2: "red", 3: "white"}, {1: "red", 2: "red", 3: "white"}, ("white", "red"))
    assert found.changed == {2: (3, "red", "white")}
    assert found.agreement.names == ("white", "red", "unclassified")
    assert found.agreement.confusion.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.agreement.classified == 2
    nothing = class_changes(changes, {}, {})
    assert nothing.changed == {}
    assert nothing.agreement.classified == 0
