"""When memory is given back, and that leftovers of killed processes are told in the log."""

import os
import time

from bccseg.memory import wait_asleep
from ui.shared.housekeeping import PATIENCE_SECONDS, Tidier, sweep


def test_memory_is_tidied_after_work_and_only_if_it_grew():
    tidier = Tidier()
    tidier.least, tidier.last = 100, 0.0
    assert tidier.look(1, 150, busy=False)
    assert not tidier.look(1, 101, busy=False), "nothing to be had"
    assert not tidier.look(1, 150, busy=True), "work goes on"
    assert tidier.look(PATIENCE_SECONDS + 1, 150, busy=True), "for long"


def test_sweeping_is_told_in_the_log(tmp_path, caplog):
    part = tmp_path / "images" / "x.png.0123456789ab.part"
    part.parent.mkdir()
    part.write_bytes(b"half")
    os.utime(part, (time.time() - 90_000,) * 2)
    assert sweep(tmp_path) == 1
    assert "images/x.png.0123456789ab.part" in caplog.text
    assert sweep(tmp_path) == 0


def test_threads_that_wait_sleep_unless_the_environment_says_otherwise(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    wait_asleep()
    assert os.environ == {"OMP_WAIT_POLICY": "PASSIVE"}
    os.environ["OMP_WAIT_POLICY"] = "ACTIVE"
    wait_asleep()
    assert os.environ == {"OMP_WAIT_POLICY": "ACTIVE"}
