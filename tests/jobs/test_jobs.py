"""Training runs as real processes: to the end, paused, cancelled, killed and resumed, one after the other."""

import contextlib
import json
import os
import random
import signal
import time
from pathlib import Path

import cv2
import pytest

from bccseg.annotation.store import LabelStore
from bccseg.errors import TrainingError
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear
from bccseg.jobs import training_run
from bccseg.jobs.queue import queue_position
from bccseg.jobs.records import JobSpec
from bccseg.jobs.training_run import all_runs, create_run
from bccseg.model.weights import load_weights
from bccseg.training.epoch_log import read_epochs
from tests.jobs.small_run import SMALL, begin, curve, restart, wait_for, wait_until


def test_a_run_trains_in_a_process_of_its_own_and_others_wait(tmp_path, dataset):
    first = begin(tmp_path, dataset, steps_per_epoch=12)
    second = begin(tmp_path, dataset)
    with pytest.raises(TrainingError, match="under way"):
        first.delete()
    wait_for(first, "training")
    assert queue_position(second) == 1
    wait_for(second, "preparing", "training", "done")
    assert first.progress.state == "done"
    assert first.progress.share == 1
    assert load_weights(first.weights).config.data.startswith("3 images")
    split = json.loads((first.folder / "split.json").read_text())
    assert (len(split["train"]["images"]), len(split["validation"]["images"])) == (3, 1)
    wait_for(second, "done")
    for run in (first, second):  # the page has written who trains, and only that process how far it is
        writer, started = (json.loads((run.folder / f"{name}.json").read_text()) for name in ("progress", "process"))
        assert writer["pid"] == started["pid"] != os.getpid()
        assert writer["written"] > started["started"]
    assert [r.id for r in all_runs(tmp_path)] == [second.id, first.id]
    second.delete()
    assert len(all_runs(tmp_path)) == 1
    assert not second.folder.exists()


def test_paused_killed_cancelled_and_resumed_to_the_same_curve(tmp_path, dataset, monkeypatch):
    whole = begin(tmp_path / "whole", dataset, epochs=12, steps_per_epoch=10)
    run = begin(tmp_path / "broken", dataset, epochs=12, steps_per_epoch=10)
    wait_for(run, "training")
    run.send_signal("pause")
    wait_for(run, "paused", seconds=10)
    steps = run.progress.step, run.progress.epoch
    time.sleep(1)
    assert (run.progress.step, run.progress.epoch) == steps
    run.send_signal("")
    wait_for(run, "training", seconds=10)
    end = time.monotonic() + 60
    while len(read_epochs(run.folder)) < 1:
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(run.progress.pid, signal.SIGKILL)
    monkeypatch.setattr(training_run, "SILENT_SECONDS", 1.5)
    assert "Resume" in wait_for(run, "lost", seconds=20).message
    restart(run, monkeypatch)
    wait_for(run, "training")
    run.send_signal("cancel")
    assert "Resume" in wait_for(run, "cancelled", seconds=20).message
    run.start()
    wait_for(run, "done")
    wait_for(whole, "done")
    assert curve(run) == curve(whole)


def test_killed_at_random_moments_it_still_ends_with_the_same_curve_and_weights(tmp_path, dataset, monkeypatch):
    """Kills fall into start-up, reading, training, writing a checkpoint, and the end; no two test runs are alike."""
    whole, again = (begin(tmp_path / name, dataset, epochs=6, steps_per_epoch=10) for name in ("a", "b"))
    broken = create_run(tmp_path / "c", whole.spec.replace(name="broken"))
    moment = random.Random(seed := int.from_bytes(os.urandom(4)))
    for k in range(6):
        epochs = len(read_epochs(broken.folder))
        pid = restart(broken, monkeypatch)
        if k % 2:  # an epoch further first, so that there is something to lose
            wait_until(lambda epochs=epochs: len(read_epochs(broken.folder)) > epochs)
        time.sleep(moment.uniform(0, 0.3 if k % 2 else 3))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not Path(f"/proc/{pid}").exists())
        if broken.progress.state == "done":
            break
    else:
        restart(broken, monkeypatch)
    for run in (whole, again, broken):
        wait_for(run, "done")
    assert curve(again) == curve(whole)  # the same run twice
    assert curve(broken) == curve(whole), f"kills of seed {seed}"
    assert len({(run.folder / "weights/model.safetensors").read_bytes() for run in (whole, again, broken)}) == 1


@pytest.mark.parametrize("trouble", ["empty", "sizes", "nothing"])
def test_bad_data_is_told_before_training(tmp_path, trouble):
    for part in ("original", "mask"):
        (tmp_path / "data" / part).mkdir(parents=True)
    image, labels = draw_smear((200, 240), cells=8, diameter_px=48, seed=1)
    for k in range(0 if trouble == "nothing" else 3):
        mask = separated_mask(labels)
        if k == 1:
            mask = mask * 0 if trouble == "empty" else mask[:100]
        cv2.imwrite(str(tmp_path / "data/original" / f"{k}.png"), (image // (k + 1))[..., ::-1])
        cv2.imwrite(str(tmp_path / "data/mask" / f"{k}.png"), mask)
    run = begin(tmp_path / "runs", tmp_path / "data")
    words = {"empty": "1.png marks no cell", "sizes": "240 x 200 px, its mask 240 x 100", "nothing": "holds no images"}
    assert words[trouble] in wait_for(run, "failed").message


def test_the_collection_is_a_source_and_stays_as_it_was(tmp_path):
    store = LabelStore(tmp_path / "store")
    for k in range(4):
        image, labels = draw_smear((200, 240), cells=8, diameter_px=48, seed=k, touching=False)
        info = store.add_image(image, f"{k}.png", split="train" if k else "validation")
        store.review(store.save_version(info.id, labels, author="Ana"), "accepted", "Ben")
    run = create_run(
        tmp_path / "runs", JobSpec(name="x", sources=(f"store:{tmp_path / 'store'}",), config=SMALL, device="cpu")
    )
    run.start()
    wait_for(run, "done")
    assert len(list((run.folder / "data/source0/train/images").iterdir())) == 3
    assert len(list((run.folder / "data/source0/validation/images").iterdir())) == 1
