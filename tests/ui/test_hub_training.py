"""Training on Hugging Face from the Train page: offered or not, price before, watched, cancelled, who may.

Slow where a run is really begun: its process loads PyTorch, and asks the Hub every five seconds.
"""

import time

import pytest
from streamlit.testing.v1 import AppTest

from bccseg.annotation.store import LabelStore
from bccseg.config import TrainConfig
from bccseg.imaging.synthetic import draw_smear
from bccseg.jobs.hub_machines import IMAGE
from bccseg.jobs.records import HubMachine, JobSpec
from bccseg.jobs.training_run import all_runs
from tests.ui.team import account, claims, team  # noqa: F401
from tests.ui.test_pages import APP, button
from ui.train import hub_machine


@pytest.fixture
def place(tmp_path, monkeypatch, hub):
    """A collection with three accepted images, a token and an image to run; jobs stay as they were asked for."""
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path / "collection"))
    monkeypatch.setenv("BCCSEG_RUNS", str(tmp_path / "runs"))
    store = LabelStore(tmp_path / "collection")
    for k in range(3):
        image, labels = draw_smear((240, 320), cells=10, diameter_px=48, seed=k, touching=False)
        info = store.add_image(image, f"{k}.png", split="train")
        store.review(store.save_version(info.id, labels, author="Ana"), "accepted", "Ben")
    monkeypatch.setenv(IMAGE, "hf.co/spaces/me/bccseg")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr("ui.train.hub_machine._has_graphics_card", lambda: False)
    hub.jobs.run = False
    hub_machine._offer.clear()
    return tmp_path


def page():
    at = AppTest.from_file(APP, default_timeout=60).run().switch_page("pages/train.py").run()
    assert not at.exception
    return at


def where(at):
    return next((r for r in at.radio if r.key == "train_where"), None)


def told(at):
    return " ".join(element.value for kind in (at.markdown, at.caption, at.error, at.warning) for element in kind)


def test_price_and_limit_are_shown_before_and_the_run_is_watched_and_cancelled(place, hub, monkeypatch):
    monkeypatch.setattr("bccseg.jobs.hub_machines.version", lambda _name: "2.15.0")
    at = page()
    where(at).set_value("On Hugging Face").run()
    machines = next(s for s in at.selectbox if s.key == "train_flavor")
    assert [text.split(" · ")[0] for text in machines.options] == [
        "Nvidia T4 - small", "Nvidia A10G - small", "CPU Basic",
    ]  # fmt: skip
    machines.set_value("a10g-small")
    next(n for n in at.number_input if n.key == "train_hours").set_value(1.5).run()
    assert "\\$1.00 an hour, at most \\$1.50" in told(at)
    assert "private dataset of **me**" in told(at)
    button(at, "Train on Hugging Face").click().run()
    assert not at.exception
    (run,) = all_runs(place / "runs")
    assert run.spec.hub == HubMachine(
        flavor="a10g-small", title_there="Nvidia A10G - small", minutes=90, image="hf.co/spaces/me/bccseg",
        namespace="me", dollars_an_hour=run.spec.hub.dollars_an_hour,
    )  # fmt: skip
    end = time.monotonic() + 60
    while not run.progress.message.startswith("Waits for a machine"):
        assert time.monotonic() < end, run.progress
        time.sleep(0.1)
    (job,) = hub.jobs.all.values()
    assert (job.spec["flavor"], job.spec["timeoutSeconds"]) == ("a10g-small", 5400)
    job.lines.append("hello from there")
    at.run()
    assert "Nvidia A10G - small of Hugging Face" in told(at)
    assert "at most \\$1.50" in told(at)
    assert "Pause" not in [b.label for b in at.button]
    button(at, "Cancel").click().run()
    while run.progress.state != "cancelled":
        assert time.monotonic() < end, run.progress
        time.sleep(0.1)
    assert job.stage == "CANCELED"
    assert button(page(), "Train anew on Hugging Face, at most $1.50")
    assert any("hello from there" in code.value for code in page().code)


def test_a_container_without_cuda_is_said_to_use_no_card(place, monkeypatch):
    monkeypatch.setattr("bccseg.jobs.hub_machines.version", lambda _name: "2.15.0+cpu")
    at = page()
    where(at).set_value("On Hugging Face").run()
    assert "PyTorch without CUDA" in told(at)
    assert len(next(s for s in at.selectbox if s.key == "train_flavor").options) == 1


def test_a_hub_that_refuses_is_told_and_nothing_starts(place, hub):
    hub.fail_with = 403
    at = page()
    where(at).set_value("On Hugging Face").run()
    assert "may not run jobs" in told(at)
    assert button(at, "Train on Hugging Face").disabled
    where(at).set_value("On this server").run()
    assert not button(at, "Start training").disabled


@pytest.mark.parametrize("missing", ["token", "image", "card"])
def test_it_is_not_offered_where_it_cannot_be_had_or_is_not_needed(place, monkeypatch, missing):
    if missing == "token":
        monkeypatch.delenv("HF_TOKEN")
    if missing == "image":
        monkeypatch.delenv(IMAGE)
    if missing == "card":
        monkeypatch.setattr("ui.train.hub_machine._has_graphics_card", lambda: True)
    assert where(page()) is None


BEGIN = """
import streamlit as st
from bccseg.errors import AccessError
from ui.train.start import begin_training
try:
    if not st.session_state.get("done"):
        st.session_state["done"] = True
        begin_training(st.session_state["spec"], [])
except AccessError as error:
    st.error(str(error))
"""


@pytest.mark.parametrize("who", ["reviewer", "trainer"])
def test_only_who_may_train_spends_money(place, team, hub, who):  # noqa: F811
    machine = HubMachine(flavor="a10g-small", minutes=60, image="x", namespace="me", dollars_an_hour=1.0)
    at = AppTest.from_string(BEGIN, default_timeout=60)
    at.user = claims(who)
    at.session_state["spec"] = JobSpec(name="dear", sources=("nowhere",), config=TrainConfig(), hub=machine)
    at.run()
    assert not at.exception
    deed = team.log.deeds()[-1]
    begun = all_runs(place / "runs")
    if who == "trainer":
        assert (deed.outcome, deed.first.account) == ("done", account("trainer"))
        assert "at most $1.00" in deed.note
        assert len(begun) == 1
    else:
        assert deed.outcome == "refused"
        assert "needs the role trainer or admin" in at.error[0].value
        assert not begun
    assert not hub.jobs.all
