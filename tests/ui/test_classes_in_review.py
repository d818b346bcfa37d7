"""Classes in the collection: what changed between two versions, how far people agree, and the list of images."""

import numpy as np
import pytest

from bccseg.annotation.drafts import DraftInfo, create_draft, draft_from_version
from bccseg.annotation.edits import Edit
from bccseg.annotation.review import agreement_on_classes, collection_table, items
from bccseg.annotation.store import LabelStore
from bccseg.classes import CellMark
from bccseg.imaging.synthetic import draw_smear
from tests.ui.test_collection_pages import box, open_part, page
from ui.collection.class_view import compare_classes
from ui.components.viewer.pair import CLASS_COLOUR, COLOURS


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path))
    return LabelStore(tmp_path)


def network(name, score=0.75):
    return CellMark(name=name, by="network", score=score)


def classify(draft, cell, name):
    y, x = np.argwhere(draft.labels == cell).mean(axis=0) + 0.5
    draft.apply(Edit(kind="classify", points=((float(x), float(y)),), cell_class=name))


@pytest.fixture
def versions(store):
    """Of six cells the network says: red but for 2, white; Ana: 1 white, 3 a platelet, 4 red; Ben goes on: 2 red."""
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=4)
    marks = {k: network("white" if k == 2 else "red") for k in range(1, int(labels.max()))}
    draft = create_draft(store, image, labels, DraftInfo(name="a.png", diameter_px=30, weights="w", cells=marks))
    for cell, name in ((1, "white"), (3, "platelet"), (4, "red")):
        classify(draft, cell, name)
    ana = draft.submit(store, "Ana", "", "CC0 1.0")
    draft = draft_from_version(store, ana)
    classify(draft, 2, "red")
    return ana, draft.submit(store, "Ben", "", "CC0 1.0")


def test_review_tells_which_cells_have_another_class(store, versions):
    at = open_part(page("collection"), "Review")
    box(at, "Version").set_value(1).run()  # Ana's
    said = [m.value for m in at.markdown]
    assert any(text.startswith("**Classes**: 2 cells have another class · the same class in 60.0 %") for text in said)
    assert any("5 cells, 6 before" in text for text in said), "a platelet is no cell"
    assert {"Red cell 4 → **2**", "White cell 1 → **2**", "Platelet 0 → **1**"} <= set(said)
    assert any("Cohen's κ 0.33" in text for text in said)
    table = next(d.value for d in at.dataframe if d.value.index.name == "was ↓ is →")
    assert table.loc["Red cell"].to_dict() == {"Red cell": 2, "White cell": 1, "Platelet": 1, "Unclassified": 0}
    changed = next(d.value for d in at.dataframe if "Was" in d.value)
    assert changed[["Was", "Is"]].values.tolist() == [["Red cell", "White cell"], ["Red cell", "Platelet"]]
    at.session_state["compared_colours"] = "Classes"
    at.run()
    assert not at.exception
    assert not any("another class ·" in c.value for c in at.caption)


def test_both_people_and_how_far_they_agree(store, versions):
    ana, ben = versions
    found = agreement_on_classes(store, ana, ben)
    assert (found.names, found.classified, found.share) == (("red", "white", "platelet", "unclassified"), 5, 0.8)
    assert found.confusion.tolist() == [[2, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    at = open_part(page("collection"), "Review")
    people = next(d.value for d in at.dataframe if "One" in d.value)
    assert people["Same class"].tolist() == [0.8]
    assert people["Cohen's κ"].tolist() == [pytest.approx((0.8 - 0.36) / 0.64)]


def test_the_list_shows_classes_by_their_present_names(store, versions):
    table = collection_table(items(store), store.class_set())
    assert table["classes"].tolist() == ["3 Red cell, 1 White cell, 1 Platelet"]
    assert table["cells"].tolist() == [5]
    assert "classes" not in collection_table(items(store))
    renamed = store.class_set().renamed("white", "leukocyte")
    assert "1 Leukocyte" in collection_table(items(store), renamed)["classes"][0]
    at = page("collection")
    assert at.dataframe[0].value["classes"].tolist() == ["3 Red cell, 1 White cell, 1 Platelet"]


def test_without_classes_nothing_speaks_of_them(store):
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=4)
    draft = create_draft(store, image, labels, DraftInfo(name="a.png", diameter_px=30))
    draft.submit(store, "Ana", "", "CC0 1.0")
    assert "classes" not in collection_table(items(store), store.class_set())
    at = open_part(page("collection"), "Review")
    assert not any("Classes" in m.value for m in at.markdown)
    assert not at.get("button_group")
    assert compare_classes(store.class_set(), {}, {}, None, labels) is None


def test_the_pictures_have_the_colours_of_changes_and_of_classes(store, versions):
    from bccseg.report.changes import cell_changes
    from ui.components.viewer.pair import pair_data, single_data

    ana, ben = versions
    before, after = store.labels(ana), store.labels(ben)
    changes = cell_changes(before, after)
    compared = compare_classes(store.class_set(), store.marks(ana), store.marks(ben), changes, after)
    first, second = pair_data(store.image(ana.image), before, after, changes, compared.sides)
    assert second["cells"]["colour"][1] == CLASS_COLOUR
    assert second["cells"]["colour"][0] == COLOURS["same"]
    assert second["cells"]["what"][:2] == ["the same", "another class"]
    assert second["cells"]["class"][:2] == ["White cell", "Red cell (was White cell)"]
    assert second["cells"]["class"][4] == "Red cell, network 0.75"
    assert second["cells"]["class"][5] == "unclassified"
    assert first["cells"]["class"][1] == "White cell, network 0.75"
    assert second["cells"]["by_class"][0] == (46, 134, 222)
    assert second["tips"] == [["what", "Compared"], ["class", "Class"]]
    plain = single_data(store.image(ana.image), before)
    assert plain["tips"] == []
    assert "by_class" not in plain["cells"]
