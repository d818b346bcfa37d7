"""Promoted weights by the names that people give, what is used where they cannot be had, and deleting runs."""

import json
import threading

import pytest
from streamlit.testing.v1 import AppTest

from bccseg.config import PRESETS, NetworkConfig
from bccseg.errors import TrainingError, WeightsError
from bccseg.jobs.deletion import delete_run, needed_for
from bccseg.jobs.promotion import read_promotions
from bccseg.jobs.records import JobProgress, JobSpec
from bccseg.jobs.training_run import create_run
from tests.ui.test_pages import APP, button
from ui.shared.predictors import load_predictor
from ui.shared.weights_at_work import at_work, is_at_work

SHIPPED = "unet-bbbc041seg"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def finished(runs, tiny_weights):
    """Makes finished runs."""
    folder, _ = tiny_weights

    def make(name):
        config = PRESETS["seed"].replace(network=NetworkConfig(width=4))
        run = create_run(runs, JobSpec(name=name, sources=("x",), config=config))
        (run.folder / "weights").mkdir()
        for path in folder.iterdir():
            (run.folder / "weights" / path.name).write_bytes(path.read_bytes())
        return run

    return make


def test_names_that_people_give_are_kept_and_told_apart(runs, finished):
    one, two, three = (finished("Quick fine-tune") for _ in range(3))
    first = read_promotions(runs).promote(one, "  Anna's\nsmears ")
    second = read_promotions(runs).promote(two)
    third = read_promotions(runs).promote(three)
    own = read_promotions(runs)
    assert [own.title(n) for n in (first, second, third)] == ["Anna's smears", "Quick fine-tune", "Quick fine-tune 2"]
    assert own.title(SHIPPED) == SHIPPED
    assert own.free_title(SHIPPED) == f"{SHIPPED} 2"
    own.promote(one, "Anna's")  # again, under another name
    own = read_promotions(runs)
    assert own.names == (second, third, first)
    assert own.title(first) == "Anna's"
    assert own.take_back(third) == first
    assert own.take_back(third) == first  # a second click
    assert read_promotions(runs).names == (second, first)


def test_promotions_of_an_earlier_version_have_the_name_of_their_weights(runs, finished):
    run = finished("x")
    name = read_promotions(runs).promote(run)
    (runs / "promoted" / "promoted.json").write_text(json.dumps({"names": [name]}))
    own = read_promotions(runs)
    assert own.names == (name,)
    assert own.title(name) == f"tiny ({run.id[:8]})"


def test_a_run_is_not_deleted_while_its_weights_are_needed(runs, finished):
    run, other = finished("one"), finished("two")
    own = read_promotions(runs)
    assert needed_for(own, run) == ""
    own.promote(run, "Anna's")
    own = read_promotions(runs)
    own.promote(other)
    own = read_promotions(runs)
    with pytest.raises(TrainingError, match="promoted as 'Anna's', and they are kept as earlier"):
        delete_run(own, run)
    with pytest.raises(TrainingError, match="'two', and the app uses them"):
        delete_run(own, other)
    assert run.folder.exists()
    read_promotions(runs).take_back(f"own:{run.id}")
    base = str(runs / "promoted" / run.id)
    learner = create_run(
        runs, JobSpec(name="learner", sources=("x",), config=PRESETS["finetune"].replace(base_weights=base))
    )
    (learner.folder / "progress.json").write_bytes(JobProgress(state="queued").to_json())
    with pytest.raises(TrainingError, match="'learner' learns from its weights"):
        delete_run(read_promotions(runs), run)
    (learner.folder / "progress.json").write_bytes(JobProgress(state="done").to_json())
    delete_run(read_promotions(runs), run)
    assert not run.folder.exists()
    assert not (runs / "promoted" / run.id).exists()


def test_where_weights_cannot_be_had_the_promoted_ones_step_in(runs, finished):
    one, two = finished("one"), finished("two")
    read_promotions(runs).promote(one, "Anna's")
    name = read_promotions(runs).promote(two, "Ben's")
    found = load_predictor("own:20200101T000000000000-00000000", "cpu")
    assert found.predictor.source == name
    assert "not on this server any more" in found.trouble
    assert "The promoted weights are used instead: Ben's." in found.trouble
    (runs / "promoted" / two.id / "model.safetensors").write_bytes(b"damaged")
    found = load_predictor(name, "cpu")
    assert found.predictor.source == f"own:{one.id}"  # those promoted before
    assert "are used instead: Anna's." in found.trouble
    assert load_predictor("../etc", "cpu").predictor.source == f"own:{one.id}"
    for name in read_promotions(runs).names:
        read_promotions(runs).take_back(name)
    found = load_predictor("nothing", "cpu")
    assert found.predictor.source == SHIPPED
    assert f"The shipped weights are used instead: {SHIPPED}." in found.trouble
    with pytest.raises(WeightsError):
        read_promotions(runs).locate("nothing")


def test_segmentations_under_way_are_counted():
    ready, go = threading.Barrier(3), threading.Event()

    def work():
        with at_work("own:x"):
            ready.wait(10)
            go.wait(10)

    threads = [threading.Thread(target=work) for _ in range(2)]
    [t.start() for t in threads]
    ready.wait(10)
    assert is_at_work("own:x")
    assert not is_at_work("own:y")
    go.set()
    [t.join() for t in threads]
    assert not is_at_work("own:x")
    with pytest.raises(ValueError, match="stopped"), at_work("own:x"):
        raise ValueError("stopped")
    assert not is_at_work("own:x")


def test_a_run_whose_weights_segment_right_now_is_not_offered_to_be_deleted(runs, finished):
    run = finished("one")
    with at_work(f"own:{run.id}"):
        at = AppTest.from_file(APP, default_timeout=60).run().switch_page("pages/train.py").run()
        assert any("Somebody's segmentation uses its weights" in m.value for m in at.markdown)
        assert not [b for b in at.button if b.label == "Delete this run"]
    at.run()
    button(at, "Delete this run").click().run()
    assert not run.folder.exists()


def test_weights_go_by_their_names_on_every_page_and_are_taken_back(runs, finished):
    names = {title: read_promotions(runs).promote(finished(title)) for title in ("Anna's", "Ben's <b>")}
    at = AppTest.from_file(APP, default_timeout=60).switch_page("pages/segment.py").run()
    weights = next(s for s in at.selectbox if s.label == "Weights")
    assert weights.options[0] == "Ben's <b>"
    assert "Anna's" in weights.options
    assert not [o for o in weights.options if o.startswith("own:")]
    at.switch_page("pages/weights.py").run()
    assert any("**Ben's \\<b\\>** :green-badge[in use]" in m.value for m in at.markdown)
    button(at, "Use these").click().run()
    assert read_promotions(runs).current == names["Anna's"]
    at.switch_page("pages/train.py").run()
    assert any("own training: **Anna's**" in m.value for m in at.markdown)
    read_promotions(runs).take_back(names["Anna's"])
    at = AppTest.from_file(APP, default_timeout=60)
    at.session_state["kept_values"] = {"set_weights": names["Anna's"]}  # chosen in this visit, and gone
    at.switch_page("pages/segment.py").run()
    assert not at.exception
    assert next(s for s in at.selectbox if s.label == "Weights").value == names["Ben's <b>"]
