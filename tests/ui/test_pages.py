"""The pages through Streamlit's AppTest: empty, loaded, kept, and with every odd file."""

import threading
import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from bccseg.report.result import Correction
from tests.odd_files import odd_files
from tests.paths import ROOT
from ui.shared.predictors import WorkerPredictor

APP = str(ROOT / "app.py")
WAIT_S = 120
MADE = Correction(edits=3, when="2026-11-26T12:00:00+00:00")


def fresh():
    at = AppTest.from_file(APP, default_timeout=60).switch_page("pages/segment.py").run()
    assert not at.exception
    return at


def finish(at):
    """Run the page until its job is done, as the browser's polling does."""
    end = time.monotonic() + WAIT_S
    while at.session_state["session"].busy:
        assert time.monotonic() < end, "the job does not end"
        at.session_state["session"].job.finished.wait(1)
    at.run()
    assert not at.exception
    return at


def button(at, label):
    return next(b for b in at.button if b.label == label)


@pytest.fixture(scope="module")
def example():
    at = fresh()
    button(at, "Try an example").click().run()
    return finish(at)


def test_the_empty_page_says_what_to_do():
    at = fresh()
    assert at.header[0].value == "Segment"
    assert "Upload one or more smear photographs" in at.info[0].value
    assert any("Research use only" in c.value for c in at.caption)
    assert not at.error


def test_the_example_is_called_synthetic_and_counted(example):
    assert any("synthetic" in m.value for m in example.markdown)
    metrics = {m.label: m.value for m in example.metric}
    assert 65 <= int(metrics["Cells"]) <= 78
    assert metrics["Median diameter"].endswith(" px")
    assert len(example.dataframe[0].value) == int(metrics["Cells"])
    assert any("In use" in c.value for c in example.caption)
    assert not example.get("plotly_chart"), "what is not looked at is not drawn"
    example.session_state["image_tabs"] = "Distributions"
    assert len(example.run().get("plotly_chart")) == 3


def test_results_survive_another_page(example):
    before = {m.label: m.value for m in example.metric}
    example.switch_page("pages/guide.py").run()
    assert not example.exception
    assert example.header[0].value == "Guide"
    example.switch_page("pages/weights.py").run()
    assert not example.exception
    assert example.header[0].value == "Weights"
    example.switch_page("pages/segment.py").run()
    assert {m.label: m.value for m in example.metric} == before


@pytest.mark.parametrize("page", ["segment", "weights", "guide"])
def test_a_page_may_be_the_first_that_is_opened(page):
    at = AppTest.from_file(APP, default_timeout=60).switch_page(f"pages/{page}.py").run()
    assert not at.exception
    assert at.header[0].value == page.title()


def test_two_visitors_see_their_own(example):
    other = fresh()
    assert not other.metric
    assert other.session_state["session"].results == []
    assert len(example.session_state["session"].results) == 1


def test_settings_are_kept_and_reset():
    at = fresh()
    at.toggle(key="set_auto").set_value(False).run()
    at.number_input(key="set_diameter").set_value(33.0).run()
    at.slider(key="set_min_cell").set_value(60.0).run()
    at.switch_page("pages/guide.py").run()
    at.switch_page("pages/segment.py").run()
    assert at.number_input(key="set_diameter").value == 33.0
    assert at.slider(key="set_min_cell").value == 60.0
    button(at, "Reset settings").click().run()
    assert at.toggle(key="set_auto").value is True
    from bccseg.config import SegmentSettings

    assert at.slider(key="set_min_cell").value == SegmentSettings().min_cell_percent


def upload(at, files):
    at.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files]).run()
    return finish(at)


def test_every_odd_file_gives_a_result_or_a_reason():
    from ui.shared.given_images import TYPES

    files = {n: f for n, f in odd_files().items() if n.rpartition(".")[2] in TYPES}
    assert len(files) > 50
    at = fresh()
    at.toggle(key="set_auto").set_value(False).run()
    at.number_input(key="set_diameter").set_value(30.0).run()
    upload(at, [(name, data) for name, (data, _) in files.items()])
    state = at.session_state["session"]
    assert len(state.results) == sum(pictures for _, pictures in files.values())
    failed = [name for name, (_, pictures) in files.items() if pictures == 0 and not name.endswith(".zip")]
    assert set(failed) <= {name for name, _ in state.failures}
    shown = " ".join(m.value for m in at.markdown)
    assert "The file is empty" in shown
    assert "Traceback" not in shown
    for k, stored in enumerate(state.results):
        if stored.measured.name in ("white field.png", "line.png", "one pixel.png", "<img src=x onerror=alert(1)>.png"):
            at.selectbox(key="chosen_image").set_value(k).run()
            assert not at.exception, stored.measured.name
            assert not any("<img" in m.value for m in at.markdown)
    blank = next(k for k, s in enumerate(state.results) if s.measured.name == "white field.png")
    at.selectbox(key="chosen_image").set_value(blank).run()
    assert {m.label: m.value for m in at.metric}["Cells"] == "0"
    assert at.dataframe[0].value.empty
    assert "area_px" in at.dataframe[0].value.columns
    assert any("No cells were found" in i.value for i in at.info)


def test_stop_keeps_what_is_done(monkeypatch):
    from bccseg.inference import batch

    real, gate = batch.segment, threading.Event()

    def slow(*args, **kwargs):
        if gate.is_set():
            while True:  # as a very large picture would: only the progress callback ends it
                time.sleep(0.01)
                args[3](0.5)
        gate.set()
        return real(*args, **kwargs)

    monkeypatch.setattr(batch, "segment", slow)
    at = fresh()
    png = odd_files()["no suffix"][0]
    at.file_uploader[0].set_value([(f"{k}.png", png, "image/png") for k in range(3)]).run()
    state = at.session_state["session"]
    end = time.monotonic() + WAIT_S
    while not state.results and time.monotonic() < end:
        time.sleep(0.1)
    button(at.run(), "Stop").click().run()
    assert state.job.finished.wait(5)
    at.run()
    assert len(state.results) == 1
    assert any("Stopped after 1 of 3" in i.value for i in at.info)
    assert not any("settings have changed" in i.value for i in at.info)
    assert at.metric


def test_again_keeps_what_there_was_until_the_new_is_there_and_corrected_images_as_they_are(monkeypatch):
    at = fresh()
    png = odd_files()["no suffix"][0]
    upload(at, [(f"{k}.png", png) for k in range(3)])
    state = at.session_state["session"]
    first = list(state.results)
    state.results[2] = replace(first[2], found=first[2], measured=replace(first[2].measured, correction=MADE))
    real, gate = WorkerPredictor.segment, threading.Event()

    def slow(self, entry, *args):
        if gate.is_set():  # the second file takes until somebody stops it
            while True:
                time.sleep(0.01)
                args[-1](0.5)
        gate.set()
        return real(self, entry, *args)

    monkeypatch.setattr(WorkerPredictor, "segment", slow)
    at.toggle(key="set_auto").set_value(False).run()
    button(at, "Segment again").click().run()
    assert at.metric, "the old results are still shown"
    end = time.monotonic() + WAIT_S
    while state.results[0] is first[0] and time.monotonic() < end:
        time.sleep(0.1)
    button(at.run(), "Stop").click().run()
    assert state.job.finished.wait(5)
    assert len(state.results) == 3
    assert state.results[0] is not first[0]
    assert state.results[1] is first[1], "not done yet: what there was"
    assert any("settings have changed" in i.value for i in at.run().info), "some are of the settings before"

    monkeypatch.setattr(WorkerPredictor, "segment", real)
    button(at, "Segment again").click().run()
    finish(at)
    assert state.results[1] is not first[1]
    assert state.results[2].measured.correction == MADE
    assert [r.measured.stem for r in state.results] == ["0", "1", "2"]
    assert not any("settings have changed" in i.value for i in at.info)


def test_hub_trouble_is_told_and_the_shipped_weights_run():
    at = fresh()
    at.selectbox(key="set_weights").set_value("From the Hugging Face Hub…").run()
    at.text_input(key="set_hub").set_value("hf://lab/nowhere").run()
    button(at, "Try an example").click().run()
    finish(at)
    assert any("cannot be reached" in w.value and "shipped weights are used" in w.value for w in at.warning)
    assert at.session_state["session"].results[0].measured.weights == "unet-bbbc041seg"


def test_a_visitor_cannot_name_a_folder(tmp_path):
    at = fresh()
    at.selectbox(key="set_weights").set_value("From the Hugging Face Hub…").run()
    at.text_input(key="set_hub").set_value(str(tmp_path)).run()
    assert any("is not of the form" in e.value for e in at.error)


def test_weights_from_the_hub_are_used_and_their_commit_shown(monkeypatch):
    from tests.hub_server import Hub, Repo

    hub = Hub()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    hub.repos["lab/smears"] = repo = Repo()
    commit = repo.commit({p.name: p.read_bytes() for p in (ROOT / "weights" / "resunet-bbbc041seg").iterdir()})
    at = fresh()
    at.selectbox(key="set_weights").set_value("From the Hugging Face Hub…").run()
    at.text_input(key="set_hub").set_value("lab/smears").run()  # hf:// may be left out
    button(at, "Try an example").click().run()
    finish(at)
    hub.close()
    assert at.session_state["session"].results[0].measured.weights == f"hf://lab/smears@{commit}"
    assert any(commit in c.value for c in at.caption)
    assert not at.warning


def test_the_owner_may_name_a_folder(monkeypatch):
    monkeypatch.setenv("BCCSEG_WEIGHTS", str(ROOT / "weights" / "resunet-bbbc041seg"))
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    assert at.session_state["session"].results[0].measured.weights.endswith("resunet-bbbc041seg")
    assert not at.warning
