"""The Train page through AppTest: empty, what is offered, a real short run, promote and back."""

import io
import json
import time
import zipfile
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bccseg.annotation.records import Details
from bccseg.annotation.store import LabelStore
from bccseg.classes import MORPHOLOGY_CLASSES, CellMark, ClassSet
from bccseg.config import PRESETS, AugmentConfig, NetworkConfig, OverlapConfig, TrainConfig
from bccseg.imaging.synthetic import draw_smear
from bccseg.jobs.promotion import own_folder
from bccseg.jobs.records import JobSpec
from bccseg.jobs.training_run import all_runs, create_run
from bccseg.model.weight_sources import locate
from bccseg.model.weights import read_config
from bccseg.training.epoch_log import EpochReport
from tests.ui.test_pages import APP, button
from ui.shared.promoted import promoted
from ui.train import start
from ui.train.comparison import KEPT, Comparison, comparisons, remember
from ui.train.data_check import look
from ui.train.settings import LOOKED_AT, ask_for_settings


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path / "collection"))
    return tmp_path


@pytest.fixture
def store(place):
    """Six accepted drawn smears in all three splits."""
    store = LabelStore(place / "collection")
    for k in range(6):
        image, labels = draw_smear((240, 320), cells=10, diameter_px=48, seed=k, touching=False)
        info = store.add_image(image, f"{k}.png", split=("train", "train", "train", "train", "validation", "test")[k])
        store.review(store.save_version(info.id, labels, author="Ana"), "accepted", "Ben")
    return store


def page():
    at = AppTest.from_file(APP, default_timeout=60).run().switch_page("pages/train.py").run()
    assert not at.exception
    return at


def wait_for_end(run):
    end = time.monotonic() + 90
    while run.progress.state not in ("done", "failed", "lost"):
        assert time.monotonic() < end, run.progress
        time.sleep(0.1)
    assert run.progress.state == "done", f"{run.progress}\n{run.console()}"


def test_without_data_nothing_can_be_started(place):
    at = page()
    assert button(at, "Start training").disabled
    assert any("Choose some data first" in i.value for i in at.info)
    assert any("No run has ended yet" in i.value for i in at.info)
    assert at.radio[0].options == ["Quick fine-tune", "Recommended", "Seed recipe"]


def test_the_data_are_checked_before_a_run(store, place):
    at = page()
    button(at, "Check the data").click().run()
    assert not at.exception
    assert any("4 images to learn from, 1 to check on, 1 for comparing" in s.value for s in at.success)
    assert any("only 50 cells" in w.value for w in at.warning)
    assert not all_runs(place / "runs")
    image, labels = draw_smear((240, 320), cells=10, diameter_px=48, seed=0, touching=False)
    info = store.add_image(image[:, ::-1].copy(), "new.png", split="train")
    store.review(store.save_version(info.id, labels[:, ::-1].copy(), author="Ana"), "accepted", "Ben")
    at.run()
    assert not at.success  # that was said of other data


def test_where_too_few_images_are_kept_for_comparing_some_can_be(store, place):
    at = page()
    assert any("Only 1 image is kept for comparing" in m.value for m in at.markdown)
    button(at, "Check the data").click().run()
    assert any("Only 1 image is kept for comparing" in w.value for w in at.warning)  # of a zip too
    picked = next(m for m in at.multiselect if m.label == "Images")
    assert len(picked.value) == 1  # two thirds of five stay to learn from
    before = {i.id: i.split for i in store.images()}
    button(at, "Keep them for comparing").click().run()
    assert not at.exception
    changed = {i.id for i in store.images() if i.split != before[i.id]}
    assert len(changed) == 1
    assert [i.split for i in store.images()].count("test") == 2
    assert any("Kept for comparing: " in s.value for s in at.success)
    assert any("2 for comparing" in c.label for c in at.checkbox)
    button(at, "Undo").click().run()
    assert {i.id: i.split for i in store.images()} == before
    for info in store.images():
        store.set_split(info.id, "test", "Ana")
    assert not [m for m in page().markdown if "kept for comparing" in m.value]


def test_what_is_wrong_with_a_dataset_is_named(tmp_path):
    def png(pixels):
        return cv2.imencode(".png", pixels)[1].tobytes()

    buffer = io.BytesIO()
    grey = np.full((60, 80), 200, np.uint8)
    disk = cv2.circle(np.zeros((60, 80), np.uint8), (40, 30), 20, 255, -1)
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in ("train", "test"):  # the same image in both
            archive.writestr(f"{part}/original/a.png", png(grey))
            archive.writestr(f"{part}/mask/a.png", png(disk))
        archive.writestr("train/original/b.png", png(grey - 9))
        archive.writestr("train/mask/b.png", png(disk[:50]))
        for k in range(20):
            archive.writestr(f"train/original/empty{k}.png", png(grey - 20 - k))
            archive.writestr(f"train/mask/empty{k}.png", png(disk * 0))
    findings = look([], [buffer.getvalue()], 0.1, "")
    assert len(findings.problems) == 22
    told = " ".join(findings.problems)
    assert "b.png is 80 x 60 px, its mask 80 x 50 px" in told
    assert "empty7.png marks no cell" in told
    assert "a.png is in test and in" in told


def test_a_run_from_the_page_to_promotion_and_back(store, place):
    at = page()
    assert any("4 to learn from, 1 to check on, 1 for comparing" in c.label for c in at.checkbox)
    assert not [n for n in at.number_input if n.label == "Epochs"], "not drawn until they are opened"
    at.session_state["train_settings"] = True
    at.run()
    at.session_state["train_settings"] = False  # folded again, they stay
    at.run()
    values = {n.label: n for n in at.number_input}
    values["Epochs"].set_value(1)
    values["Steps an epoch"].set_value(2)
    values["Batch size"].set_value(2)
    at.run()
    button(at, "Start training").click().run()
    assert not at.exception
    run = all_runs(place / "runs")[0]
    assert run.spec.config.base_weights == "unet-bbbc041seg"
    assert (run.spec.config.epochs, run.spec.config.steps_per_epoch) == (1, 2)
    assert any("has begun. It is [at the top of this page](#under-way)" in s.value for s in at.success)
    wait_for_end(run)
    at = page()
    assert any("best epoch 1" in m.value for m in at.markdown)
    button(at, "Compare").click().run()
    assert not at.exception
    next(t for t in at.text_input if t.label == "Name of the weights").set_value("Anna's smears")
    button(at, "Promote").click().run()
    assert not at.exception
    assert any("The app uses these weights, as **Anna's smears**" in m.value for m in at.markdown)
    assert any("cannot be deleted" in m.value and "Anna's smears" in m.value for m in at.markdown)
    assert not [b for b in at.button if b.label == "Delete this run"]
    assert promoted().current == f"own:{run.id}"
    at.switch_page("pages/segment.py").run()
    assert next(s for s in at.selectbox if s.label == "Weights").options[0] == "Anna's smears"
    at.switch_page("pages/train.py").run()
    button(at, "Restore the previous weights").click().run()
    assert promoted().current == "unet-bbbc041seg"
    button(at, "Delete this run").click().run()
    assert any("is deleted" in s.value for s in at.success)
    assert not all_runs(place / "runs")
    assert not (place / "runs" / "promoted" / run.id).exists()


def test_comparing_weights_with_themselves_is_within_noise(store, place):
    kept = next(info for info in store.images() if info.split == "test")
    labels = store.labels(store.versions(kept.id)[-1])
    marks = {cell: CellMark(name="red" if cell > 1 else "white") for cell in range(1, 8)}
    store.review(store.save_version(kept.id, labels, author="Ana", details=Details(cells=marks)), "accepted", "Ben")
    base = read_config(locate()[0])
    config = PRESETS["finetune"].replace(
        epochs=1, steps_per_epoch=1, batch_size=1, learning_rate=1e-9, workers=0,
        network=base.network, classes=base.classes,
    )  # fmt: skip
    run = create_run(
        place / "runs", JobSpec(name="same", sources=(f"store:{place / 'collection'}",), config=config, device="cpu")
    )
    run.start()
    wait_for_end(run)
    comparison = Comparison(run, "unet-bbbc041seg")
    comparison._work()
    assert comparison.error == ""
    assert [table.split for table in comparison.tables] == ["test"]
    rows = {row["Measure"]: row for row in comparison.tables[0].rows}
    assert rows["F1 at IoU 0.5"]["Verdict"] == "too few images to tell"  # there is one
    assert rows["F1 at IoU 0.5"]["Difference"] == pytest.approx(0, abs=0.05)
    classes = {row["Class"]: row for row in comparison.tables[0].classes}
    assert set(classes) == {"Red cell", "White cell"}
    assert 3 <= classes["Red cell"]["Cells"] <= 6, "those that were found and whose class is known"
    assert classes["Red cell"]["F1 before"] == pytest.approx(classes["Red cell"]["F1 new"], abs=0.2)
    assert comparison.tables[0].confusion.confusion.sum() == sum(row["Cells"] for row in comparison.tables[0].classes)
    assert comparison.each[0]["image"] == "5.png"
    name, _, old, new = comparison.pictures[0]
    assert name == "5.png"
    assert cv2.imdecode(np.frombuffer(old, np.uint8), cv2.IMREAD_COLOR).shape == (240, 320, 3)
    assert new[:2] == b"\xff\xd8"


def test_a_comparison_outlives_a_reload(store, place):
    config = PRESETS["finetune"].replace(epochs=1, steps_per_epoch=1, batch_size=1, workers=0)
    run = create_run(
        place / "runs", JobSpec(name="kept", sources=(f"store:{place / 'collection'}",), config=config, device="cpu")
    )
    run.start()
    wait_for_end(run)
    button(page(), "Compare").click().run()
    comparison = comparisons()[run.id, 1, "unet-bbbc041seg"]
    assert comparison.finished.wait(60)
    assert any("Against **unet-bbbc041seg**" in m.value for m in page().markdown)  # another session


def test_of_comparisons_the_latest_are_kept():
    comparisons().clear()
    for k in [*range(KEPT), 0, KEPT]:
        remember((str(k), 1, "unet"), k)
    assert list(comparisons().values()) == [*range(2, KEPT), 0, KEPT]
    comparisons().clear()


def test_everything_a_recipe_sets_can_be_changed_within_its_range(place, monkeypatch):
    at = page()
    at.session_state["train_settings"] = True
    at.radio[0].set_value("recommended").run()
    shown = {w.key.removeprefix("train_recommended_") for kind in ("number_input", "selectbox", "toggle")
             for w in at.get(kind) if w.key}  # fmt: skip
    wanted = set(TrainConfig.model_fields) - {"network", "augment", "base_weights", "classes"}
    wanted |= {f"augment_{name}" for name in AugmentConfig.model_fields if name != "overlap"}
    wanted |= {f"overlap_{name}" for name in OverlapConfig.model_fields} | {
        "kind",
        "head",
        "width",
        "depth",
        "grey",
        "base",
    }
    assert wanted <= shown
    for box in at.number_input:
        assert box.min is not None
        assert box.min < box.max
        assert box.help
    asked = []
    monkeypatch.setattr(start, "ask_for_settings", lambda *a: asked.append(ask_for_settings(*a)) or asked[-1])
    for opened, (name, recipe) in product((True, False), PRESETS.items()):  # untouched, a recipe is what it says
        at.session_state["train_settings"] = opened
        if not opened and LOOKED_AT in at.session_state:
            del at.session_state[LOOKED_AT]
        at.radio[0].set_value(name).run()
        if recipe.base_weights:  # and keeps the classes that its base weights tell apart
            base = read_config(locate(recipe.base_weights)[0])
            recipe = recipe.replace(network=base.network, classes=base.classes)  # noqa: PLW2901
        assert asked[-1] == (recipe, "auto")


def test_with_a_base_training_set_it_is_mixed_in(store, place, monkeypatch):
    monkeypatch.setenv("BCCSEG_BASE_DATA", str(place))
    at = page()
    mix = next(t for t in at.toggle if t.label == "Mix in the base training set")
    assert mix.value
    monkeypatch.delenv("BCCSEG_BASE_DATA")
    at = page()
    assert not [t for t in at.toggle if t.label == "Mix in the base training set"]
    assert any("may forget other stains" in c.value for c in at.caption)


def test_promotion_copies_and_rolls_back_in_order(place, tiny_weights):
    folder, _ = tiny_weights
    runs = []
    for name in ("one", "two"):
        run = create_run(
            place / "runs",
            JobSpec(name=name, sources=("x",), config=PRESETS["seed"].replace(network=NetworkConfig(width=4))),
        )
        (run.folder / "weights").mkdir()
        for path in folder.iterdir():
            (run.folder / "weights" / path.name).write_bytes(path.read_bytes())
        promoted().promote(run)
        runs.append(run)
    assert promoted().names == (f"own:{runs[0].id}", f"own:{runs[1].id}")
    runs[1].delete()
    assert own_folder(place / "runs", f"own:{runs[1].id}") is not None
    assert promoted().roll_back() == f"own:{runs[0].id}"
    assert promoted().roll_back() == "unet-bbbc041seg"
    for name in ("own:../../etc", "own:", "../x", "own:20261124T000000-zzzzzzzz"):
        assert own_folder(place / "runs", name) is None


def test_a_draw_reads_a_run_once_and_a_damaged_one_hides_no_other(place, monkeypatch):
    runs = [
        create_run(place / "runs", JobSpec(name=name, sources=("x",), config=PRESETS["seed"]))
        for name in ("one", "two")
    ]
    numbers = {"loss": 1, "dice": 0, "iou": 0, "val_dice": 0, "val_iou": 0.5, "learning_rate": 1, "seconds": 1}
    for run in runs:
        (run.folder / "log.jsonl").write_text(json.dumps({"epoch": 1, "val_loss": 2, **numbers}) + "\n")
    at, read, real = page(), [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self.name) or real(self))
    at.run()
    assert not at.exception
    assert any("best epoch 1: validation IoU 0.500" in m.value for m in at.markdown)
    assert read.count("log.jsonl") == read.count("job.json") == 2
    (runs[1].folder / "job.json").write_text("{")
    at.run()
    assert not at.exception
    assert any("cannot be read" in w.value for w in at.warning)
    assert at.multiselect[0].options == [f"one ({runs[0].id[:8]}, cancelled)"]
    assert button(at, "Start training").disabled


def test_classes_of_the_data_are_counted_before_a_run(store):
    info = store.images()[0]
    shapes = ("red", "red", "white", "burr", "platelet", "not a cell")
    marks = {cell: CellMark(name=name) for cell, name in enumerate(shapes, start=1)}
    store.save_class_set(ClassSet(classes=(*ClassSet().classes, MORPHOLOGY_CLASSES[8])))
    labels = store.labels(store.versions(info.id)[-1])
    store.review(store.save_version(info.id, labels, author="Ana", details=Details(cells=marks)), "accepted", "Ben")
    at = page()
    button(at, "Check the data").click().run()
    assert not at.exception
    said = next(m.value for m in at.markdown if m.value.startswith("Classes:")).replace("\\", "")
    assert said == "Classes: Red cell **2** · White cell **1** · Echinocyte (burr cell) **1** · Platelet **1**"
    assert any(
        "few cells of: red (2), white (1), burr (1), platelet (1)" in w.value.replace("\\", "") for w in at.warning
    )
    assert any("What else is marked (Echinocyte (burr cell))" in c.value.replace("\\", "") for c in at.caption)


def test_classes_that_a_run_learns_have_curves_and_a_table(place):
    config = PRESETS["seed"].replace(
        network=NetworkConfig(width=4, head="binary", classes=2), classes=ClassSet().classes[:2]
    )  # fmt: skip
    run = create_run(place / "runs", JobSpec(name="one", sources=("x",), config=config))
    reports = [
        EpochReport(
            epoch=k, loss=1 / k, dice=0.5, iou=0.4, val_loss=1 / k, val_dice=0.5, val_iou=0.4, learning_rate=0.1,
            seconds=1, class_confusion=((50, 1, 0), (2, 80, 0), (0, 10, 10 * k)),
        )
        for k in (1, 2)
    ]  # fmt: skip
    (run.folder / "log.jsonl").write_bytes(b"".join(report.to_json() + b"\n" for report in reports))
    at = page()
    charts = [json.loads(c.proto.spec) for c in at.get("plotly_chart")]
    curves = next(c for c in charts if c["layout"]["title"]["text"] == "Dice of each class")
    assert [line["name"] for line in curves["data"]] == ["Red cell", "White cell"]
    picture = next(c for c in charts if c["layout"]["title"]["text"] == "Pixels by class, epoch 2")
    assert picture["data"][0]["text"][2] == ["", "10", "20"]
