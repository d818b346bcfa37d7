"""Classes from a few clicks on the Train page: counts before the start, learn, see, use."""

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bccseg.annotation.records import Details
from bccseg.annotation.store import LabelStore
from bccseg.classes import NOT_A_CELL, CellClass, CellMark, ClassSet
from bccseg.errors import Stopped
from bccseg.imaging.synthetic import draw_smear
from bccseg.jobs.training_run import all_runs
from tests.ui.test_pages import APP, button
from ui.shared.predictors import load_predictor
from ui.shared.promoted import promoted
from ui.train.few_labels_job import FewLabelsJob

CLASSES = ClassSet(
    classes=(
        CellClass(name="pale", colour="#ff0000"), CellClass(name="dark", colour="#00ff00"),
        CellClass(name="odd", colour="#0000ff"), NOT_A_CELL,
    )
)  # fmt: skip


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A collection with classes of its own, without images."""
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path / "collection"))
    monkeypatch.setenv("BCCSEG_RUNS", str(tmp_path / "runs"))
    store = LabelStore(tmp_path / "collection")
    store.save_class_set(CLASSES)
    return store


def add_field(store, status="accepted"):
    """A smear with every second cell darkened, of which some are marked; image and labels."""
    image, labels = draw_smear((400, 500), cells=24, diameter_px=52, seed=6, touching=False)
    dark = np.isin(labels, np.arange(2, labels.max() + 1, 2))
    image = np.where(dark[..., None], (image * [0.75, 0.6, 0.7]).astype(np.uint8), image)
    marks = {cell: CellMark(name="dark" if cell % 2 == 0 else "pale") for cell in range(2, 15)}
    marks |= {
        15: CellMark(name="odd"),
        16: CellMark(name="not a cell"),
        17: CellMark(name="pale", by="network", score=0.9),
    }
    info = store.add_image(image, "smear.png", split="train")
    version = store.save_version(info.id, labels, author="Ana", details=Details(cells=marks))
    if status != "submitted":
        store.review(version, status, "Ben")
    return image, labels


def page():
    at = AppTest.from_file(APP, default_timeout=60).run().switch_page("pages/train.py").run()
    assert not at.exception
    return at


def counts(at):
    table = next(d for d in at.dataframe if "Marked cells" in d.value.columns).value
    return dict(zip(table["Class"], zip(table["Marked cells"], table["Enough?"], strict=True), strict=True))


def test_without_marked_cells_the_page_says_how_to_mark_some(store):
    at = page()
    assert any("No cell has a class of yours yet" in i.value for i in at.info)
    assert not [b for b in at.button if b.label == "Learn these classes"]


def test_classes_are_counted_learned_shown_and_used(store):
    image, labels = add_field(store)
    at = page()
    assert counts(at) == {
        "Pale": (7, "few: 13 more would be better"), "Dark": (7, "few: 13 more would be better"),
        "Odd": (1, "too few, 4 more needed"),
    }  # fmt: skip
    button(at, "Learn these classes").click().run()
    end = time.monotonic() + 60
    while not all_runs(store.root.with_name("runs")) or not at.session_state["few_labels_job"].finished.is_set():
        assert time.monotonic() < end, at.session_state["few_labels_job"]
        time.sleep(0.2)
    at.run()
    assert not at.exception
    assert any("are told right (95 % interval" in m.value and "14 marked cells" in m.value for m in at.markdown)
    button(at, "Promote").click().run()
    assert not at.exception
    name = promoted().current
    assert promoted().title(name) == "Classes of my own"
    loaded = load_predictor(name, "cpu")
    assert not loaded.trouble
    found = loaded.predictor.segment(image)
    told = dict(zip(range(1, found.labels.max() + 1), found.classes.name_of_each(), strict=True))
    true = {cell: int(np.bincount(labels[found.labels == cell]).argmax()) for cell in told}
    rest = [told[cell] == ("dark" if true[cell] % 2 == 0 else "pale") for cell in told if true[cell] > 17]
    assert len(rest) >= 5
    assert np.mean(rest) > 0.8


def test_what_a_network_proposed_counts_only_where_it_was_reviewed(store):
    add_field(store, "submitted")
    assert counts(page())["Pale"][0] == 6


def test_few_cells_cannot_be_learned(store):
    store.save_class_set(ClassSet(classes=(CLASSES.classes[0], CLASSES.classes[2])))
    add_field(store)
    at = page()
    assert button(at, "Learn these classes").disabled
    assert any("At least two classes with 5 cells" in c.value for c in at.caption)


def test_learning_stops_before_the_next_image(store, tmp_path):
    add_field(store)
    job = FewLabelsJob([], CLASSES, promoted().current, tmp_path, "x", tmp_path / "runs", store)
    job.stop()
    with pytest.raises(Stopped):
        job._tell(0.5, "Looking")
    job._learn = lambda: job._tell(0.5, "Looking")
    job._work()
    assert job.finished.is_set()
    assert (job.error, job.run) == ("", "")
