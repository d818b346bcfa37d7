"""The server's side: what dies is started again, its tasks go on, nobody is blamed for another's file, stop stops."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from bccseg.config import SegmentSettings
from bccseg.errors import Stopped, WorkerError
from bccseg.io.archive import Entry
from bccseg.workers import worker as worker_module
from bccseg.workers.messages import Network
from bccseg.workers.worker import DIED_TWICE, Failed, Worker
from tests.paths import ROOT

FAKE = (sys.executable, str(ROOT / "tests" / "workers" / "fake_worker.py"))
NETWORK = Network(folder="/weights", source="weights")


@pytest.fixture
def worker(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_WORKER_SEEN", str(tmp_path / "seen"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = Worker(FAKE)
    yield made
    made.close()


def ask(worker, name, size=5, visitor="ana", **more):
    return list(worker.segment(Entry(name, b"x" * size), NETWORK, SegmentSettings(), visitor=visitor, **more))


def test_a_file_gives_its_result_and_its_stem_is_taken(worker):
    taken = {"other"}
    (found,) = ask(worker, "a", taken=taken)
    assert (found.measured.name, found.measured.shape, found.source) == ("a 0", (5, 4), b"xxxxx")
    assert taken == {"other", "a 0"}


def test_a_worker_that_was_killed_is_started_again(worker):
    assert worker.load(NETWORK) == f"process {worker.pid}"
    before = worker.pid
    os.kill(before, signal.SIGKILL)
    (found,) = ask(worker, "a")
    assert found.measured.name == "a 0"
    assert worker.pid != before


def test_a_task_is_taken_up_again_and_gives_each_picture_once(worker):
    found = ask(worker, "pages once")
    assert [one.measured.name for one in found] == ["pages once 0", "pages once 1", "pages once 2"]


def test_a_file_that_kills_twice_fails_in_words_and_the_next_is_done(worker):
    assert ask(worker, "ends") == [Failed("ends", DIED_TWICE)]
    assert len(ask(worker, "a")) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")
def test_a_worker_that_stands_still_is_ended_and_its_file_taken_up_again(tmp_path, worker, monkeypatch):
    monkeypatch.setattr(worker_module, "WORKER_PULSE_SECONDS", 0.1)
    monkeypatch.setattr(worker_module, "WORKER_SILENT_SECONDS", 5.0)  # starting is silent, too
    (found,) = ask(worker, "freezes")
    assert found.measured.name == "freezes 0"
    assert (tmp_path / "seen").exists()  # it did
    time.sleep(6)  # one that has nothing to do but is there stays
    assert worker.load(NETWORK) == f"process {worker.pid}"


def test_nobody_is_blamed_for_the_file_of_another_and_nothing_is_mixed_up(worker):
    """Eight visitors at once, one of them with files that kill: the others get their own results, all of them."""
    found = {}

    def visit(visitor, number):
        for k in range(4):
            name = f"{visitor} {'ends' if visitor == 'eva' and k == 1 else k}"
            found[visitor, k] = ask(worker, name, size=10 * number + k + 1, visitor=visitor)

    names = ["ana", "ben", "cy", "di", "eva", "fay", "gil", "hal"]
    threads = [threading.Thread(target=visit, args=(name, n)) for n, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found.pop(("eva", 1)) == [Failed("eva ends", DIED_TWICE)]
    assert len(found) == 31
    for (visitor, k), results in found.items():
        (one,) = results
        assert one.measured.name == f"{visitor} {k} 0"
        assert one.measured.shape[0] == 10 * names.index(visitor) + k + 1
        assert one.measured.device == visitor


def test_stop_ends_a_task_and_the_worker_lives_on(worker):
    (_,) = ask(worker, "a")
    before, began = worker.pid, time.monotonic()

    def tell(_share):
        if time.monotonic() - began > 0.3:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        ask(worker, "slow", on_progress=tell)
    assert time.monotonic() - began < 3
    assert len(ask(worker, "a")) == 1
    assert worker.pid == before


def test_a_worker_that_does_not_start_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_WORKER_BROKEN", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    broken = Worker(FAKE)
    with pytest.raises(WorkerError, match="does not start"):
        broken.load(NETWORK)
    with pytest.raises(WorkerError, match="does not start"):
        ask(broken, "a")
    with pytest.raises(WorkerError, match="does not start"):
        broken.devices()
    broken.close()


def test_no_secret_travels_to_the_worker(worker, monkeypatch):
    ask(worker, "a")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    os.kill(worker.pid, signal.SIGKILL)
    ask(worker, "a")
    path = Path(f"/proc/{worker.pid}/environ")
    if not path.exists():
        pytest.skip("no /proc")
    assert b"FAKE_WORKER_SEEN" in path.read_bytes()
    assert b"hf_secret" not in path.read_bytes()
