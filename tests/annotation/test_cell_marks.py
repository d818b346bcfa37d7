"""Classes of cells while labels are edited: they go with the cells, and come back with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bccseg.annotation.drafts import DraftInfo, create_draft, draft_from_version, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.history import History
from bccseg.annotation.store import LabelStore
from bccseg.classes import CellClass, CellMark, ClassSet
from bccseg.errors import DataError, EditError
from tests.annotation.test_edits import command, discs

WHITE, PERSON_RED = CellMark(name="white", by="network", score=0.9), CellMark(name="red")


def classify(name, *points):
    return Edit(kind="classify", points=points, cell_class=name)


def middle(labels, cell):
    y, x = np.argwhere(labels == cell).mean(axis=0)
    return x + 0.5, y + 0.5


def test_a_click_a_lasso_and_undo():
    base = discs()
    history = History(base, {1: WHITE})
    history.apply(classify("red", middle(base, 1)))
    assert history.marks == {1: PERSON_RED}
    everything = ((0, 0), (base.shape[1], 0), (base.shape[1], base.shape[0]), (0, base.shape[0]))
    history.apply(classify("red", *everything))
    assert history.marks == dict.fromkeys(np.unique(base)[1:].tolist(), PERSON_RED)
    history.apply(classify("", middle(base, 2)))
    assert 2 not in history.marks
    for _ in range(3):
        history.undo()
    assert history.marks == {1: WHITE}
    for _ in range(2):
        history.redo()
    assert history.marks[2] == PERSON_RED
    assert np.array_equal(history.labels, base)


def test_cells_that_lie_apart_are_one_edit_and_one_undo():
    base = discs()
    history = History(base, {2: WHITE})
    ids = np.unique(base)[1:].tolist()
    spots = {cell: tuple(np.argwhere(base == cell)[0][::-1] + 0.5) for cell in ids}
    further = (*(spots[cell] for cell in ids[2:]), (1, 1), (-5, 9e4))
    edit = Edit(kind="classify", points=(spots[ids[0]],), cell_class="white", more=further)
    history.apply(Edit.from_json(edit.to_json()))
    assert history.marks == {**{cell: CellMark(name="white") for cell in ids if cell != ids[1]}, 2: WHITE}
    history.undo()
    assert history.marks == {2: WHITE}
    with pytest.raises(EditError, match="far outside"):
        edit.replace(more=((float("nan"), 0.0),))


def test_what_has_no_effect_is_refused():
    history = History(discs())
    with pytest.raises(EditError, match="no cell there to classify"):
        history.apply(classify("red", (1, 1)))
    history.apply(classify("red", middle(history.labels, 1)))
    with pytest.raises(EditError, match="has this class already"):
        history.apply(classify("red", middle(history.labels, 1)))
    assert len(history.edits) == 1


def test_pieces_keep_the_class_new_cells_take_one_and_gone_cells_have_none():
    labels = np.zeros((60, 90), np.int32)
    labels[10:50, 10:40] = 1
    history = History(labels, {1: WHITE})
    history.apply(Edit(kind="cut", points=((5, 30), (45, 30))))
    assert history.marks == {1: WHITE, 2: WHITE}
    history.apply(Edit(kind="add", points=((50, 10), (80, 10), (80, 40), (50, 40)), cell_class="red"))
    assert history.marks[3] == PERSON_RED
    history.apply(Edit(kind="merge", points=((20, 20), (20, 40))))
    assert history.marks == {1: WHITE, 3: PERSON_RED}
    history.apply(Edit(kind="delete", points=((60, 20),)))
    assert history.marks == {1: WHITE}
    history.undo()
    history.undo()
    assert history.marks == {1: WHITE, 2: WHITE, 3: PERSON_RED}


spot = st.tuples(st.integers(0, 100), st.integers(0, 80))
names = st.sampled_from(["red", "white", ""])
any_class = st.builds(lambda name, points: classify(name, *points), names, st.lists(spot, min_size=1, max_size=6))
with_class = st.builds(lambda edit, name: edit.replace(cell_class=name), command, names)  # new cells have it


@settings(max_examples=60, deadline=None)
@given(st.lists(with_class | any_class, min_size=1, max_size=12))
def test_only_cells_that_are_there_have_a_class_and_undo_brings_all_back(commands):
    history = History(discs(), {1: WHITE})
    states, labels = [dict(history.marks)], discs()
    for edit in commands:
        try:
            history.apply(edit)
        except EditError:
            continue
        assert set(history.marks) <= set(np.unique(history.labels).tolist())
        assert edit.kind != "classify" or np.array_equal(history.labels, labels), "a class moves no pixel"
        labels = history.labels.copy()
        states.append(dict(history.marks))
    again = History(discs(), {1: WHITE})
    for edit in history.edits:
        again.apply(Edit.from_json(edit.to_json()))
    assert again.marks == history.marks, "what is stored gives the same classes"
    for state in reversed(states[:-1]):
        history.undo()
        assert history.marks == state
    for state in states[1:]:
        history.redo()
        assert history.marks == state


def test_classes_are_kept_with_drafts_and_versions_and_outlive_a_new_name(tmp_path):
    store, base = LabelStore(tmp_path), discs()
    image = np.full((*base.shape, 3), 200, np.uint8)
    draft = create_draft(store, image, base, DraftInfo(name="a.png", cells={1: WHITE}))
    draft.apply(classify("red", middle(base, 2)))
    draft = open_draft(store, draft.id)
    assert draft.marks == {1: WHITE, 2: PERSON_RED}
    version = draft.submit(store, "Ana", "", "CC0 1.0")
    assert store.marks(version) == {1: WHITE, 2: PERSON_RED}
    proposal = next(v for v in store.versions() if v.status == "proposal")
    assert store.marks(proposal) == {1: WHITE}
    store.save_class_set(store.class_set().renamed("red", "erythrocyte"))
    again = LabelStore(tmp_path)
    assert again.marks(version)[2] == CellMark(name="erythrocyte")
    assert draft_from_version(again, version).marks[1] == WHITE


def test_a_class_set_is_unambiguous_and_says_what_is_no_cell():
    classes = ClassSet()
    assert [one.words for one in classes.classes] == ["Red cell", "White cell", "Platelet", "Not a cell"]
    marks = {1: WHITE, 2: CellMark(name="platelet"), 3: CellMark(name="not a cell"), 4: CellMark(name="unheard of")}
    assert classes.uncounted(marks) == {2, 3}
    renamed = classes.renamed("platelet", "thrombocyte")
    assert renamed.current("platelet") == "thrombocyte"
    assert renamed.uncounted(marks) == {2, 3}
    assert renamed.renamed("thrombocyte", "platelet").current("thrombocyte") == "platelet"
    with pytest.raises(DataError, match="same name: red"):
        classes.renamed("white", "red")
    with pytest.raises(DataError, match="same key: 1"):
        ClassSet(classes=(*classes.classes, CellClass(name="burr", colour="#000000", key="1")))
    with pytest.raises(DataError, match="no class called 'burr'"):
        classes.renamed("burr", "echinocyte")
