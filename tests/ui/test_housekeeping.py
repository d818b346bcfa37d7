"""When memory is given back, and that leftovers of killed processes are told in the log."""

import os
import time
from types import SimpleNamespace

from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from bccseg.memory import wait_asleep
from ui.shared.housekeeping import PATIENCE_SECONDS, Tidier, sweep


def test_memory_is_tidied_after_work_and_only_if_it_grew():
    tidier = Tidier()
    tidier.least, tidier.last = 100, 0.0
    assert tidier.look(1, 150, busy=False)
    assert not tidier.look(1, 101, busy=False), "nothing to be had"
    assert not tidier.look(1, 150, busy=True), "work goes on"
    assert tidier.look(PATIENCE_SECONDS + 1, 150, busy=True), "for long"


def test_tabs_that_were_closed_are_forgotten_though_nobody_comes(monkeypatch):
    """Fails where an update of Streamlit keeps them elsewhere."""
    stored = MemorySessionStorage(ttl_seconds=0.05)
    stored.save(SessionInfo(client=None, session=SimpleNamespace(id="a")))
    manager = WebsocketSessionManager(stored, *(None,) * 3)

    class Server:
        _session_mgr = manager

        def _get_async_objs(self):
            return SimpleNamespace(eventloop=SimpleNamespace(call_soon_threadsafe=lambda do, *args: do(*args)))

    assert hasattr(Runtime, "_get_async_objs")
    monkeypatch.setattr(Runtime, "exists", classmethod(lambda _cls: True))
    monkeypatch.setattr(Runtime, "instance", classmethod(lambda _cls: Server()))
    tidier = Tidier()
    tidier.least = 10**15
    tidier.forget_closed_sessions()
    assert tidier.closed == 0, "it may come back"
    assert not tidier.look(1, 150, busy=False)
    time.sleep(0.1)
    tidier.forget_closed_sessions()
    assert tidier.closed == 1
    assert tidier.look(1, 150, busy=False)


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
