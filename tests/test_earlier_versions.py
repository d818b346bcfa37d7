"""What the first version wrote still opens: weights, drafts, collection, training runs.

tests/fixtures/written_by_0.1.0.zip was made by bccseg 0.1.0 (commit a576303) from drawn smears: a collection with a
proposal, two corrections, an import and reviews; an open draft with an undone edit; a finished run, promoted; and a run
that was stopped after its first epoch. `expected.*` in it says what those hold.
"""

import json
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bccseg.annotation.drafts import open_draft
from bccseg.annotation.review import items, queue
from bccseg.annotation.store import LabelStore
from bccseg.jobs.training_run import Run, all_runs
from bccseg.model.weights import load_weights, read_config
from bccseg.training.provenance import Provenance
from tests.paths import ROOT
from ui.shared.errors import plain
from ui.shared.promoted import promoted


@pytest.fixture
def old(tmp_path):
    with zipfile.ZipFile(ROOT / "tests/fixtures/written_by_0.1.0.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


@pytest.fixture
def expected(old):
    return {**json.loads((old / "expected.json").read_text()), **np.load(old / "expected.npz")}


def test_the_collection_opens_with_its_versions_and_reviews(old, expected):
    store = LabelStore(old / "collection")
    assert [info.id for info in store.images()] == expected["images"]
    found = {v.id: v for v in store.versions()}
    first, second, imported = (found[name] for name in expected["versions"])
    assert (first.author, first.status, first.reviewer, first.reason) == ("Ana", "accepted", "Ben", "well done")
    assert (second.author, second.status, second.parent, second.edit_count) == ("Ben", "submitted", first.id, 1)
    assert (imported.author, imported.status, imported.licence) == ("Cy", "rejected", "CC0 1.0")
    assert first.agreement["count_difference"] == -1
    proposal = found[first.parent]
    assert proposal.status == "proposal"
    assert proposal.uncertainty == pytest.approx((5 * 0.1 + 0.6 + 0.5) / 7)
    assert store.details(proposal).rejected == [[5.0, 6.0, 0.5]]
    assert store.details(second).edits[0]["kind"] == "erase"
    assert (store.labels(second) == expected["version"]).all()
    assert [item.info.name for item in queue(items(store))] == ["smear 1.png"]
    assert [info.split for info in store.images()][1] == "test"


def test_a_draft_opens_with_its_edits_and_can_be_redone_and_submitted(old, expected):
    store = LabelStore(old / "collection")
    draft = open_draft(store, expected["draft"])
    assert draft.info.name == "open.png"
    assert (draft.labels == expected["draft_labels"]).all()
    assert draft.redo().kind == "delete"
    assert (draft.labels != expected["draft_labels"]).any()
    assert draft.submit(store, "Di", "", "CC0 1.0").edit_count == 2


def test_a_finished_run_shows_its_curve_and_its_weights_load(old, expected):
    run = Run(old / "runs" / expected["whole"]).snapshot()
    assert (run.progress.state, run.progress.epoch, run.spec.name) == ("done", 3, "whole")
    assert [report.epoch for report in run.epochs] == [1, 2, 3]
    assert run.epochs[2].loss == pytest.approx(1.58806, abs=1e-4)
    provenance = Provenance.from_json((run.run.folder / "split.json").read_bytes())
    assert {name: len(split.images) for name, split in provenance.splits.items()} == {"train": 2, "validation": 1}
    assert "torch" in provenance.versions
    weights = load_weights(run.weights)
    assert (weights.config.network.width, weights.config.diameter_px) == (4, 24.0)
    assert weights.config.calibration is None


def test_a_stopped_run_goes_on_to_the_curve_of_the_one_that_was_not_stopped(old, expected):
    run = Run(old / "runs" / expected["stopped"])
    before = run.snapshot()
    assert (before.progress.state, before.notes, len(before.epochs)) == ("cancelled", "stopped by hand", 1)
    from bccseg.jobs import worker

    run.send_signal("")
    assert worker.run_job(run)
    whole = Run(old / "runs" / expected["whole"]).snapshot().epochs
    for mine, theirs in zip(run.snapshot().epochs, whole, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-4)  # equal on the same kind of processor
        assert mine.val_loss == pytest.approx(theirs.val_loss, rel=1e-4)


def test_promoted_weights_are_in_use_and_pages_open(old, expected, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(old / "collection"))
    monkeypatch.setenv("BCCSEG_RUNS", str(old / "runs"))
    assert len(all_runs(old / "runs")) == 2
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/train.py").run()
    assert not at.exception
    assert promoted().current == f"own:{expected['whole']}"
    title = promoted().title(promoted().current)  # nobody was asked for a name: that of the run, and its day
    assert title == f"{Run(old / 'runs' / expected['whole']).spec.name} ({expected['whole'][:8]})"
    assert any(f"own training: **{plain(title)}**" in m.value for m in at.markdown)
    at.switch_page("pages/collection.py").run()
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["Images"] == "2"


def test_shipped_weights_load():
    for folder in sorted((ROOT / "weights").glob("*/config.json")):
        config = read_config(folder.parent)
        assert config.calibration.slope > 0
        assert folder.parent.name == config.name
