"""What a server does beside its pages: sweeps leftovers when it starts, and gives memory back when work has ended."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime

from bccseg.annotation.leftovers import sweep_leftovers
from bccseg.folders import collection_folder, runs_folder, studies_folder
from bccseg.memory import give_back, keep_small, resident_bytes, wait_asleep
from ui.shared.segmentation_job import jobs_open

log = logging.getLogger("bccseg")

LOOK_SECONDS, PATIENCE_SECONDS = 10.0, 60.0
GROWN = 1.02  # memory is tidied when there is so much more than after the last time


def sweep(*roots: Path) -> int:
    """Delete what killed processes left long ago, and tell the log; how many files and folders."""
    gone = sweep_leftovers(*roots)
    if gone:
        shown = ", ".join(str(path.relative_to(path.parents[1])) for path in gone[:5])
        log.warning("%d leftovers of processes that were killed are deleted: %s ...", len(gone), shown)
    return len(gone)


class Tidier:
    """Gives memory back: soon after work has ended, now and then while it goes on. Each time holds the pages up a bit,
    so nothing is done where nothing has grown.
    """

    def __init__(self) -> None:
        self.least, self.last, self.closed = 0, time.monotonic(), 0  # closed: sessions forgotten since

    def look(self, now: float, resident: int, *, busy: bool) -> bool:
        """Whether it is time to tidy."""
        grown = resident > self.least * GROWN or self.closed > 0
        return grown and (not busy or now - self.last > PATIENCE_SECONDS)

    def step(self) -> None:
        """Tidy if it is time."""
        if self.look(time.monotonic(), resident_bytes(), busy=jobs_open() > 0):
            self.closed = 0
            give_back()
            self.least, self.last = resident_bytes(), time.monotonic()

    def forget_closed_sessions(self) -> None:
        """Let go of tabs that were closed a while ago. Streamlit does so when the next tab is closed, which may be
        tomorrow, and they hold pictures. There is no public way to ask for it, so this reaches for its parts.
        """
        if not Runtime.exists():
            return
        runtime = Runtime.instance()
        loop = runtime._get_async_objs().eventloop  # noqa: SLF001
        loop.call_soon_threadsafe(self._forget, runtime._session_mgr._session_storage)  # noqa: SLF001

    def _forget(self, stored: Any) -> None:
        self.closed += len(stored._cache.expire())  # noqa: SLF001


def _keep_house() -> None:
    try:
        sweep(collection_folder(), runs_folder(), studies_folder())
    except Exception:  # the thread must live on
        log.exception("leftovers could not be swept")
    tidier = Tidier()
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            tidier.forget_closed_sessions()
        except Exception:  # another Streamlit, whose parts have other names: they are then forgotten later
            log.exception("sessions of closed tabs are kept")
        tidier.step()


@st.cache_resource(show_spinner=False)
def keep_house() -> threading.Thread:
    """Begin, once a server."""
    keep_small()
    wait_asleep()
    thread = threading.Thread(target=_keep_house, name="bccseg-house", daemon=True)
    thread.start()
    return thread
