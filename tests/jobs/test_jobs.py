"""Training runs as real processes: to the end, paused, cancelled, killed and resumed, one after the other."""

import contextlib
import errno
import json
import math
import os
import random
import signal
import time
from pathlib import Path

import cv2
import pytest
import torch
from safetensors.torch import load_file

from bccseg.annotation.store import LabelStore
from bccseg.config import NetworkConfig, TrainConfig
from bccseg.errors import TrainingError
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear
from bccseg.jobs import training_run, worker
from bccseg.jobs.progress import JobProgress, ProgressWriter
from bccseg.jobs.queue import queue_position
from bccseg.jobs.training_run import JobSpec, all_runs, create_run, open_run
from bccseg.model.weights import load_weights
from bccseg.training import epoch_log, trainer
from bccseg.training.epoch_log import read_epochs

SMALL = TrainConfig(
    network=NetworkConfig(width=4, depth=2), epochs=3, steps_per_epoch=4, batch_size=2, crop_px=64, warmup_steps=2,
    workers=0, mixed_precision=False,
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_core_each(monkeypatch):
    """Runs beside each other would wait for each other's threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def dataset(drawn_dataset):
    return drawn_dataset


def begin(runs, dataset, **changes):
    run = create_run(
        runs, JobSpec(name="a run", sources=(str(dataset),), config=SMALL.replace(**changes), device="cpu")
    )
    run.start()
    return run


def restart(run, monkeypatch):
    """Begin again a run whose process was killed, without the wait until it counts as lost."""
    monkeypatch.setattr(training_run, "SILENT_SECONDS", 0)
    pid = run.start()
    monkeypatch.setattr(training_run, "SILENT_SECONDS", 30)
    return pid


def wait_for(run, *states, seconds=60):
    end = time.monotonic() + seconds
    while run.progress.state not in states:
        assert time.monotonic() < end, f"{run.progress}\n{run.console()}"
        assert states == ("failed",) or run.progress.state != "failed", f"{run.progress}\n{run.console()}"
        time.sleep(0.05)
    return run.progress


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def curve(run):
    return [(r.epoch, r.loss, r.val_loss) for r in read_epochs(run.folder)]


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
    assert [r.id for r in all_runs(tmp_path)] == [second.id, first.id]
    second.delete()
    assert len(all_runs(tmp_path)) == 1
    with pytest.raises(TrainingError):
        open_run(tmp_path, second.id)


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
    assert len(list((run.folder / "data/source0/train/original").iterdir())) == 3
    assert len(list((run.folder / "data/source0/validation/mask").iterdir())) == 1


def test_runs_made_at_once_keep_their_order(tmp_path):
    made = [create_run(tmp_path, JobSpec(name="x", sources=("x",), config=SMALL)).id for _ in range(50)]
    assert made == sorted(made)
    assert [r.id for r in all_runs(tmp_path)] == made[::-1]


def test_strange_ids_are_no_runs(tmp_path):
    for name in ("..", "", "20261124T000000-0000000", "x" * 24):
        with pytest.raises(TrainingError):
            open_run(tmp_path, name)
    assert all_runs(tmp_path / "nowhere") == []
    assert JobProgress(epoch=1, epochs=4, step=5, steps=10).share == pytest.approx(0.375)


def test_out_of_memory_is_told_and_notes_are_kept(tmp_path, dataset, monkeypatch):
    run = create_run(tmp_path, JobSpec(name="big", sources=(str(dataset),), config=SMALL, device="cpu"))

    def too_much(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(worker, "_train", too_much)
    assert not worker.run_job(run)
    assert run.progress.out_of_memory
    assert "half" in run.progress.message
    run.write_notes("too\x00 large ")
    assert run.snapshot().notes == "too  large"


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(tmp_path, dataset, monkeypatch):
    whole = create_run(tmp_path / "a", JobSpec(name="x", sources=(str(dataset),), config=SMALL, device="cpu"))
    assert worker.run_job(whole)
    run = create_run(tmp_path / "b", whole.spec)
    save = torch.save

    def full_in_the_second_epoch(state, path):
        if state["epoch"] == 2:
            path.write_bytes(b"half a checkp")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(state, path)

    monkeypatch.setattr(torch, "save", full_in_the_second_epoch)
    assert not worker.run_job(run)
    assert run.progress.state == "failed"
    assert run.progress.message == "The disk is full. Make room, then resume."
    monkeypatch.setattr(torch, "save", save)
    assert worker.run_job(run)
    assert curve(run) == curve(whole)


def test_a_loss_that_is_no_number_is_told_and_nothing_of_it_kept(tmp_path, dataset, monkeypatch):
    run = create_run(tmp_path, JobSpec(name="wild", sources=(str(dataset),), config=SMALL, device="cpu"))
    real, calls = trainer.segmentation_loss, []

    def broken(*args):
        calls.append(1)
        return real(*args) * (float("nan") if len(calls) > 6 else 1)

    monkeypatch.setattr(trainer, "segmentation_loss", broken)
    assert not worker.run_job(run)
    assert "lower learning rate" in run.progress.message
    assert len(read_epochs(run.folder)) == 1
    assert all(math.isfinite(v.sum()) for v in load_file(run.folder / "best.safetensors").values())


def test_only_the_process_writes_its_progress_and_a_started_one_counts_as_queued(tmp_path, monkeypatch):
    run = create_run(tmp_path, JobSpec(name="x", sources=("x",), config=SMALL, device="cpu"))
    assert (run.progress.state, run.progress.message) == ("cancelled", "It was not begun.")
    started = []
    monkeypatch.setattr(training_run.subprocess, "Popen", lambda *_, **__: started.append(1) or FakeProcess())
    run.start()
    assert started
    assert not (run.folder / "progress.json").exists()  # the page has written process.json alone
    assert (run.progress.state, run.progress.message, run.progress.pid) == ("queued", "Starting", 4711)
    with pytest.raises(TrainingError, match="under way"):
        run.start()
    writer = ProgressWriter(run.folder, JobProgress(epochs=3))
    writer(state="training", epoch=1)
    writer.update(step=2)
    assert (run.progress.state, run.progress.epoch, run.progress.step) == ("training", 1, 0)
    writer()
    assert (run.progress.step, run.progress.pid) == (2, os.getpid())
    writer.stop()
    now = time.time()
    monkeypatch.setattr(training_run.time, "time", lambda: now + 29)
    assert run.progress.state == "training"
    monkeypatch.setattr(training_run.time, "time", lambda: now + 32)
    assert run.progress.state == "lost"
    run.start()  # a lost run may be begun again ...
    assert run.progress.state == "queued"
    assert run.progress.epoch == 1  # ... and what it had stays in sight
    monkeypatch.setattr(training_run.time, "time", lambda: now + 63)
    assert run.progress.state == "lost"  # that one never wrote a word


class FakeProcess:
    pid = 4711

    def wait(self):
        return 0


def test_a_snapshot_reads_each_file_once(tmp_path, monkeypatch):
    run = create_run(tmp_path, JobSpec(name="x", sources=("x",), config=SMALL, device="cpu"))
    numbers = {"loss": 1, "dice": 0, "iou": 0, "val_dice": 0, "val_iou": 0, "learning_rate": 1, "seconds": 1}
    lines = [json.dumps({"epoch": k + 1, "val_loss": loss, **numbers}) for k, loss in enumerate((3, 1, 2))]
    (run.folder / "log.jsonl").write_text("\n".join(lines) + "\n")  # as the first version wrote it, without `waiting`
    read = []
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self.name) or real(self))
    now = run.snapshot()
    assert read.count("log.jsonl") == read.count("job.json") == 1
    assert [report.val_loss for report in now.epochs] == [3, 1, 2]
    assert (now.best.epoch, now.best.waiting, now.spec.config, now.active) == (2, 0.0, SMALL, False)
    epoch_log.truncate_log(run.folder, 2)
    assert [report.epoch for report in read_epochs(run.folder)] == [1, 2]
    (run.folder / "job.json").write_text('{"name": "x"}')
    with pytest.raises(TrainingError, match="sources is missing"):
        run.snapshot()
