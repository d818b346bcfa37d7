"""The folder of a run: what stands in it, who writes it, and how it is read."""

import json
import math
import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from bccseg.errors import TrainingError, WeightsError
from bccseg.jobs import training_run
from bccseg.jobs.progress import ProgressWriter
from bccseg.jobs.promotion import read_promotions
from bccseg.jobs.records import JobProgress, JobSpec
from bccseg.jobs.training_run import all_runs, create_run
from bccseg.training.epoch_log import EpochReport, append_epoch, best_epoch, read_epochs, truncate_log
from tests.jobs.small_run import SMALL

EPOCH = {"loss": 1, "dice": 0, "iou": 0, "val_dice": 0, "val_iou": 0, "learning_rate": 1, "seconds": 1}


@pytest.fixture
def run(tmp_path):
    """A run that was not begun."""
    return create_run(tmp_path, JobSpec(name="x", sources=("x",), config=SMALL, device="cpu"))


def test_runs_made_at_once_keep_their_order(tmp_path):
    made = [create_run(tmp_path, JobSpec(name="x", sources=("x",), config=SMALL)).id for _ in range(50)]
    assert made == sorted(made)
    assert [r.id for r in all_runs(tmp_path)] == made[::-1]


def test_strange_ids_are_no_runs(tmp_path):
    for name in ("20261124T000000-0000000", "x" * 24, "promoted", "20261124T000000000000-00000000"):
        (tmp_path / name).mkdir()  # the last is of the right form but holds no job.json
    assert all_runs(tmp_path) == []
    assert all_runs(tmp_path / "nowhere") == []
    assert JobProgress(epoch=1, epochs=4, step=5, steps=10).share == pytest.approx(0.375)


class FakeProcess:
    pid = 4711

    def wait(self):
        return 0


def test_only_the_process_writes_its_progress_and_a_started_one_counts_as_queued(run, monkeypatch):
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


def test_of_two_who_start_a_run_at_once_one_does(run, monkeypatch):
    started, refused, barrier = [], [], threading.Barrier(2)

    def launch(*_, **__):
        started.append(1)
        time.sleep(0.3)
        return FakeProcess()

    def press():
        barrier.wait()
        try:
            run.start()
        except TrainingError as error:
            refused.append(str(error))

    monkeypatch.setattr(training_run.subprocess, "Popen", launch)
    people = [threading.Thread(target=press) for _ in range(2)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert (len(started), refused) == (1, ["This run is under way already."])


def test_a_snapshot_reads_each_file_once(run, monkeypatch):
    lines = [json.dumps({"epoch": k + 1, "val_loss": loss, **EPOCH}) for k, loss in enumerate((3, 1, 2))]
    (run.folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    run.write_notes("good")
    run.send_signal("pause")
    ProgressWriter(run.folder, JobProgress(state="paused")).stop()
    opened, real = Counter(), Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.update([self.name]) or real(self, *a, **k))
    now = run.snapshot()
    assert (now.best.epoch, now.active, now.signal, now.notes, now.spec.config) == (2, True, "pause", "good", SMALL)
    assert [report.val_loss for report in now.epochs] == [3, 1, 2]
    files = ("log.jsonl", "job.json", "progress.json", "notes.txt", "control")
    assert opened - Counter(["process.json"]) == Counter(files)
    (run.folder / "job.json").write_text('{"name": "x"}')
    with pytest.raises(TrainingError, match="sources is missing"):
        run.snapshot()


def test_records_of_other_versions_load(run):
    """The first one's, without process.json and `waiting`; and a later one's, with names that are not known yet."""
    job = json.loads((run.folder / "job.json").read_text())
    (run.folder / "job.json").write_text(json.dumps({**job, "colour": "red"}))
    written = {"state": "failed", "message": "no", "epoch": 1, "epochs": 3, "written": 1.0, "pid": 7, "mood": "low"}
    (run.folder / "progress.json").write_text(json.dumps(written))
    lines = [{"epoch": 1, "val_loss": 2, **EPOCH}, {"epoch": 2, "val_loss": 1, "waiting": 0.2, "mood": "low", **EPOCH}]
    (run.folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    now = run.snapshot()
    assert (now.spec.name, now.spec.sources, now.spec.config) == ("x", ("x",), SMALL)
    assert (now.progress.state, now.progress.message, now.progress.epoch) == ("failed", "no", 1)
    assert [report.waiting for report in now.epochs] == [0, 0.2]
    truncate_log(run.folder, 1)
    assert [report.epoch for report in read_epochs(run.folder)] == [1]


def test_a_loss_that_is_no_number_is_kept_as_such_and_never_the_best(run):
    for epoch, loss in ((1, math.nan), (2, 5.0), (3, math.inf), (4, 5.0)):
        append_epoch(run.folder, EpochReport(**{**EPOCH, "epoch": epoch, "val_loss": loss}))
    reports = read_epochs(run.folder)
    assert math.isnan(reports[0].val_loss)
    assert reports[2].val_loss == math.inf
    assert best_epoch(reports).epoch == 2
    assert best_epoch(reports[:1]) is None


def test_own_weights_are_found_by_their_name_alone(run, tiny_weights, monkeypatch):
    runs, (source, _) = run.folder.parent, tiny_weights
    with pytest.raises(TrainingError, match="no finished weights"):
        read_promotions(runs).promote(run)
    (run.folder / "weights").mkdir()
    for path in source.iterdir():
        (run.folder / "weights" / path.name).write_bytes(path.read_bytes())
    name = read_promotions(runs).promote(run)
    own = read_promotions(runs)
    assert (own.current, own.names, name) == (name, (name,), f"own:{run.id}")
    assert json.loads((runs / "promoted/promoted.json").read_text()) == {"names": [name], "titles": {name: "x"}}
    assert own.locate(name) == (runs / "promoted" / run.id, name)
    with pytest.raises(WeightsError, match="not on this server"):
        own.locate("own:20260101T000000000000-00000000")
    for path in (str(source), "own:../../x", "../x"):  # a visitor names no folder of the server
        with pytest.raises(WeightsError):
            own.locate(path)
    monkeypatch.setenv("BCCSEG_WEIGHTS", str(source))  # its owner may
    assert own.locate(None)[0] == own.locate(str(source))[0] == source
    (runs / "promoted/promoted.json").write_text(json.dumps({"names": ["own:gone", name]}))
    assert read_promotions(runs).names == (name,)
    assert read_promotions(runs).roll_back() == str(source)
