"""Visits on the pages: reloads, restarts, two tabs and corrections lose nothing."""

import secrets
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bccseg.annotation.drafts import DraftInfo, create_draft, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.config import VISIT_DAYS, VISIT_MB
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from tests.odd_files import odd_files
from tests.paths import ROOT
from tests.ui.test_pages import WAIT_S, button, finish, upload
from tests.ui.visit_tabs import open_tab, restart
from ui.shared import visits as visits_module
from ui.shared.visit_files import folder_of
from ui.shared.visits import visits

PNG = odd_files()["no suffix"][0]


def test_results_uploads_and_settings_survive_a_reload_and_a_restart(root, token):
    at = open_tab(token)
    at.slider(key="set_min_cell").set_value(60.0).run()
    upload(at, [("a.png", PNG), ("b.png", PNG)])
    before = {m.label: m.value for m in at.metric}
    del at
    restart()
    again = open_tab(token)
    assert {m.label: m.value for m in again.metric} == before
    assert again.slider(key="set_min_cell").value == 60.0
    assert [r.measured.name for r in again.session_state["session"].results] == ["a.png", "b.png"]
    assert not any("settings have changed" in i.value for i in again.info)
    again.toggle(key="set_auto").set_value(False).run()
    again.number_input(key="set_diameter").set_value(30.0).run()
    button(again, "Segment again").click().run()  # the uploads are there too
    finish(again)
    assert [r.measured.name for r in again.session_state["session"].results] == ["a.png", "b.png"]
    assert again.session_state["session"].results[0].measured.diameter_px == 30

    assert not open_tab(secrets.token_hex(32)).metric, "another browser sees nothing"
    button(again, "Clear all").click().run()
    assert not again.metric
    restart()
    assert not open_tab(token).metric
    assert not folder_of(root, token).exists()


@pytest.fixture
def slow(monkeypatch):
    """The first image is segmented at once, the others wait for the gate."""
    from bccseg.inference import batch

    real, gate, first = batch.segment, threading.Event(), []

    def segment(*args, **kwargs):
        while first and not gate.is_set():
            time.sleep(0.01)
            args[3](0.5)  # the progress; raises when stopped
        first.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(batch, "segment", segment)
    yield gate
    gate.set()


def wait_for(condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_reload_in_the_middle_of_a_batch_shows_its_progress_and_then_its_results(root, token, slow):
    at = open_tab(token)
    at.file_uploader[0].set_value([(f"{k}.png", PNG, "image/png") for k in range(3)]).run()
    state = at.session_state["session"]
    wait_for(lambda: len(state.results) == 1)
    again = open_tab(token)
    assert again.session_state["session"] is state
    assert button(again, "Stop")
    assert len(again.selectbox(key="chosen_image").options) if len(state.results) > 1 else True
    assert again.metric, "what is done is shown"
    slow.set()
    finish(again)
    assert [r.measured.name for r in again.session_state["session"].results] == ["0.png", "1.png", "2.png"]


def test_a_restart_in_the_middle_of_a_batch_keeps_what_is_done_and_offers_the_rest(root, token, slow):
    at = open_tab(token)
    at.file_uploader[0].set_value([("three.zip", zipped(), "application/zip"), ("a.png", PNG, "image/png")]).run()
    old = at.session_state["session"]
    wait_for(lambda: len(old.results) == 1)
    visits().flush()
    old.files = None  # this process is gone
    visits_module._visits.clear()
    again = open_tab(token)
    state = again.session_state["session"]
    assert state is not old
    assert [r.measured.name.rpartition("/")[2] for r in state.results] == ["0.png"]
    assert any("3 files are not segmented yet" in i.value for i in again.info)
    slow.set()
    button(again, "Segment the rest").click().run()
    finish(again)
    assert [r.measured.name.rpartition("/")[2] for r in state.results] == ["0.png", "1.png", "2.png", "a.png"]
    assert len({r.measured.stem for r in state.results}) == 4
    assert not any("not segmented yet" in i.value for i in again.run().info)
    old.stop()


def zipped():
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k in range(3):
            archive.writestr(f"{k}.png", PNG)
    return buffer.getvalue()


def test_two_uploads_at_once_from_two_tabs_are_done_one_after_the_other(root, token, slow):
    one, two = open_tab(token), open_tab(token)
    one.file_uploader[0].set_value([("x.png", PNG, "image/png"), ("y.png", PNG, "image/png")]).run()
    two.session_state["session"].start([Entry("x.png", PNG)], one.session_state["session"].used)
    state = one.session_state["session"]
    slow.set()
    wait_for(lambda: not state.busy)
    assert [r.measured.stem for r in state.results] == ["x", "y", "x-2"]
    assert [e.name for e in state.sources] == ["x.png", "y.png", "x.png"]


def test_a_correction_made_before_a_reload_reaches_the_numbers(root, token):
    at = open_tab(token)
    upload(at, [("smear.png", png(draw_smear((200, 260), 8, 48, 1)[0]))])
    state = at.session_state["session"]
    count = int(at.metric[0].value)
    button(at, "Correct this image").click().run()
    draft = open_draft(LabelStore(root.parent), state.results[0].draft)
    y, x = np.argwhere(draft.labels == 1).mean(axis=0)
    draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    del at, state
    restart()
    again = open_tab(token)
    assert int(again.metric[0].value) == count - 1
    assert any("Corrected" in c.value and "1 edit" in c.value for c in again.caption)
    button(again, "Continue correcting").click().run()
    assert not again.exception
    assert again.session_state["correction_session"].draft.id == draft.id
    assert [p.name for p in (Path(root.parent) / "drafts").iterdir()] == [draft.id], "no second draft"


def test_correcting_from_the_collection_goes_on_with_the_draft_there_is(root, token):
    store = LabelStore(root.parent)
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=1)
    version = create_draft(store, image, labels, DraftInfo(name="smear.png")).submit(store, "Ana", "", "CC0 1.0")

    def draft_of(at):
        at.session_state["part"] = "Review"
        at.switch_page("pages/collection.py").run()
        at.button(key=f"correct_{version.id}").click().run()
        assert not at.exception
        return at.session_state["correction_session"].draft

    at = open_tab(token)
    first = draft_of(at)
    y, x = np.argwhere(labels == 2).mean(axis=0)
    first.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    del at
    restart()
    again = draft_of(open_tab(token))
    assert again.id == first.id
    assert len(again.history.edits) == 1
    assert draft_of(open_tab(secrets.token_hex(32))).id != first.id, "another browser does not get it"


def test_the_limits_are_told_in_the_app_and_in_the_guide(root, token):
    at = open_tab(token)
    button(at, "Try an example").click().run()
    finish(at)
    guide = (ROOT / "ui" / "guide" / "guide.md").read_text(encoding="utf-8")
    for words in (f"{VISIT_DAYS} days", f"{VISIT_MB:,} MB"):
        assert words in guide
        assert any(words in c.value for c in at.caption)
        assert words in at.file_uploader[0].help
