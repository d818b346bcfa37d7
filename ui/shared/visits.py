"""The visits of all browsers: each found again by its token, kept on disk by one thread, dropped when old."""

import logging
import queue
import shutil
import threading
import time
from pathlib import Path
from weakref import WeakValueDictionary

import streamlit as st

from bccseg.accounts.server import ServerSettings
from bccseg.annotation.disk import disk_errors
from bccseg.annotation.draft_list import sweep_drafts
from bccseg.annotation.store import LabelStore
from bccseg.config import DRAFT_DAYS, VISIT_DAYS, VISITS_MB
from ui.shared.housekeeping import keep_house
from ui.shared.storage import store
from ui.shared.visit_files import RECORD, VisitFiles, folder_of
from ui.shared.visitor import VisitorState

log = logging.getLogger("bccseg")

SWEEP_SECONDS = 3600.0


class Visits:
    """One for a server. A visit is in memory while a tab shows it or its job runs; otherwise on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._live: WeakValueDictionary[str, VisitorState] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._changed: queue.Queue[VisitorState] = queue.Queue()
        self._swept = 0.0
        threading.Thread(target=self._keep, name="bccseg-keep", daemon=True).start()

    def of(self, token: str, mine: VisitorState | None = None) -> VisitorState:
        """The visit of a browser. mine: what its tab had before the token was known; it becomes the browser's where
        that has nothing, joins it where it has, and is given back as it is while its own job runs.

        Raises StoreError if the token is none, or the disk refuses.
        """
        folder = folder_of(self.root, token)
        with self._lock, disk_errors("Finding what is kept of this browser"):
            state = self._live.get(folder.name)
            if mine is not None and mine.busy and (state is not None or folder.exists()):
                return mine
            if state is None:
                if mine is not None and not folder.exists():
                    state = self._live[folder.name] = mine
                    mine.keep_in(VisitFiles(folder), self.keep)
                    return mine
                state = self._live[folder.name] = VisitorState(files=VisitFiles(folder), when_changed=self.keep)
        state.load()  # outside the lock: others need not wait
        if mine is not None and mine is not state:
            state.absorb(mine)
        return state

    def keep(self, state: VisitorState) -> None:
        """Write a visit soon; the page does not wait."""
        self._changed.put(state)

    def flush(self) -> None:
        """Wait until everything is written."""
        self._changed.join()

    def _keep(self) -> None:
        while True:
            try:
                state = self._changed.get(timeout=SWEEP_SECONDS)
            except queue.Empty:
                self._sweep_now_and_then()
                continue
            try:
                state.save()
            except Exception:  # the thread must live on
                log.exception("a visit could not be kept")
                state.trouble = "Your images could not be kept for later; the server's log says why."
            del state  # else this thread would hold the last visit in memory
            self._sweep_now_and_then()
            self._changed.task_done()

    def _sweep_now_and_then(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS or not self._swept:
            self._swept = time.monotonic()
            try:
                self.sweep()
                if ServerSettings.shared() and (gone := sweep_drafts(LabelStore(self.root.parent), DRAFT_DAYS)):
                    log.info("%d drafts were deleted that nobody changed for %d days", gone, DRAFT_DAYS)
            except OSError:  # a folder that went meanwhile, say: the next time will do
                log.exception("old visits could not be dropped")

    def sweep(self, days: float = VISIT_DAYS, most_mb: float = VISITS_MB) -> None:
        """Drop visits that nobody came back to for so many days, and the oldest beyond the size; none that is open."""
        found = []
        for folder in self.root.iterdir() if self.root.is_dir() else []:
            record = folder / RECORD
            when = (record if record.exists() else folder).stat().st_mtime
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            found.append((when, size, folder))
        room = most_mb * 1e6 - sum(size for _, size, folder in found if folder.name in self._live)
        for when, size, folder in sorted(found, reverse=True):  # the newest first
            with self._lock:  # nobody opens it meanwhile
                if folder.name in self._live:
                    continue
                if size > room or when < time.time() - days * 86400:
                    shutil.rmtree(folder, ignore_errors=True)
                else:
                    room -= size


@st.cache_resource(show_spinner=False)
def _visits(root: str) -> Visits:
    return Visits(Path(root))


def visits() -> Visits:
    """Those of this server. Raises StoreError if the folder of the collection cannot be made."""
    keep_house()
    return _visits(str(store().root / "visits"))
