"""The class set of a collection: kept for good, in step with the Hub, and what no cell is, is in no number."""

import numpy as np
import pytest

from bccseg.annotation.draft_list import summarise_draft
from bccseg.annotation.drafts import DraftInfo, create_draft, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.hub_sync import sync
from bccseg.annotation.records import Details
from bccseg.annotation.store import LabelStore
from bccseg.classes import SPARE_COLOURS, CellClass, CellMark, ClassSet
from bccseg.imaging.label_image import without
from bccseg.imaging.synthetic import draw_smear
from tests.annotation.test_edits import discs

WHITE, PLATELET, NOTHING, FOREIGN = (CellMark(name=n) for n in ("white", "platelet", "not a cell", "Blaste Ü/1"))


def test_the_set_saved_last_counts_and_none_is_lost(store):
    assert store.class_set() == ClassSet()
    first = ClassSet(classes=(CellClass(name="blast", colour="#112233", key="1"),))
    store.save_class_set(first)
    assert LabelStore(store.root).class_set() == store.class_set() == first
    second = first.renamed("blast", "myeloblast")
    store.save_class_set(second)
    assert store.class_set() == second
    files = store.class_sets.files()
    assert len(files) == 2
    assert ClassSet.from_json(files[0].read_bytes()) == first
    files[1].write_bytes(b"{")  # damaged: nobody is kept from working
    assert LabelStore(store.root).class_set() == first


def test_it_travels_with_the_hub_and_the_later_of_two_is_in_force_everywhere(hub, store, tmp_path):
    other = LabelStore(tmp_path / "other")
    earlier, later = (ClassSet(classes=(CellClass(name=name, colour="#112233"),)) for name in ("early", "late"))
    store.save_class_set(earlier)
    other.save_class_set(later)
    assert sync(store, "lab/smears").pushed == 1
    report = sync(other, "lab/smears")
    assert (report.pushed, report.pulled) == (1, 1)
    sync(store, "lab/smears")
    assert store.class_set() == other.class_set() == later
    assert len(store.class_sets.files()) == 2
    assert sync(store, "lab/smears").pushed == 0


def test_unknown_names_keep_their_own_and_a_colour_that_stays():
    classes = ClassSet()
    found = classes.known(["white", "zebra", "Blaste Ü/1", ""])
    assert [one.name for one in found] == ["red", "white", "platelet", "not a cell", "Blaste Ü/1", "zebra"]
    assert found[-1].words == "Zebra"
    assert {one.colour for one in found[-2:]} <= set(SPARE_COLOURS)
    assert classes.known(["zebra"])[-1] == found[-1]
    marks = {1: WHITE, 2: FOREIGN, 3: WHITE, 4: CellMark(name="red", by="network", score=0.5)}
    assert list(classes.count(marks).items()) == [("red", 1), ("white", 2), ("Blaste Ü/1", 1)]
    assert classes.renamed("white", "leukocyte").count(marks) == {"red": 1, "leukocyte": 2, "Blaste Ü/1": 1}


def test_ids_are_left_out_and_the_others_stay():
    labels = discs()
    kept = without(labels, {2, 3, 99})
    assert np.unique(kept).tolist() == [0, 1, 4]
    assert (kept[labels == 4] == 4).all()
    assert without(labels, set()) is labels
    assert without(labels * 0, {1}).max() == 0


@pytest.fixture
def with_platelets(store):
    """A draft with 6 objects: a white cell, a platelet, a thing that is none, one of a class from elsewhere."""
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=4)
    marks = {1: WHITE, 2: PLATELET, 3: NOTHING, 4: FOREIGN}
    return create_draft(store, image, labels, DraftInfo(name="a.png", cells=marks, weights="w"))


def test_what_is_no_cell_is_in_no_number_of_cells(store, with_platelets):
    draft = with_platelets
    cells = len(np.unique(draft.labels)) - 1
    y, x = np.argwhere(draft.labels == 5).mean(axis=0) + 0.5
    draft.apply(Edit(kind="classify", points=((float(x), float(y)),), cell_class="platelet"))
    listed = summarise_draft(store, draft.id)
    assert (listed.cells, listed.change) == (cells - 3, -1)
    version = open_draft(store, draft.id).submit(store, "Ana", "", "CC0 1.0")
    assert version.cells == cells - 3
    assert version.class_counts == {"white": 1, "platelet": 2, "not a cell": 1, "Blaste Ü/1": 1}
    assert version.agreement["count_difference"] == -1
    proposal = next(v for v in store.versions() if v.status == "proposal")
    assert proposal.cells == cells - 2
    assert np.unique(store.cell_labels(version)).tolist() == [0, 1, 4, *range(6, cells + 1)]
    assert store.marks(version)[4] == FOREIGN


def test_people_who_mark_platelets_or_not_agree_about_the_cells(store):
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=4)
    info = store.add_image(image, "a.png")
    marks = {1: PLATELET}
    store.save_version(info.id, labels, author="Ana", details=Details(cells=marks))
    draft = create_draft(store, image, without(labels, {1}), DraftInfo(name="a.png"))
    assert draft.submit(store, "Ben", "", "CC0 1.0").disagreement == 0
