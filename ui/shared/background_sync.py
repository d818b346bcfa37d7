"""Syncing the collection with the Hub beside the pages, in a thread without Streamlit; its state is for all to see."""

import logging
import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st

from bccseg.annotation.hub_sync import SyncReport, sync
from bccseg.annotation.records import now
from bccseg.annotation.store import LabelStore
from bccseg.errors import BccsegError

log = logging.getLogger("bccseg")

ENVIRONMENT, TOKEN = "BCCSEG_DATASET", "HF_TOKEN"
SETTLE_SECONDS = 5.0  # several saves in a row make one commit
RETRY_SECONDS = (30, 120, 600, 1800)  # after a failure, longer each time


@dataclass(frozen=True)
class SyncState:
    """What the page shows."""

    kind: str  # off, waiting, running, done, failed
    text: str = ""
    when: datetime | None = None
    report: SyncReport | None = None


class Syncer:
    """One thread that syncs when asked, and tries again after a failure."""

    def __init__(self, store: LabelStore, repo: str, token: str | None) -> None:
        self.store, self.repo, self._token = store, repo, token
        self.state = SyncState("waiting", "Starting")
        self._wanted = threading.Event()
        self._wanted.set()  # at the start: an empty disk is filled from the Hub
        threading.Thread(target=self._run, name="bccseg-sync", daemon=True).start()

    def request(self) -> None:
        """Something was saved: push it soon."""
        if self.state.kind != "running":
            self.state = SyncState("waiting", "New labels wait to be pushed", self.state.when, self.state.report)
        self._wanted.set()

    def _run(self) -> None:
        failures = 0
        while True:
            self._wanted.wait(None if failures == 0 else RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1])
            if self.state.report:
                time.sleep(SETTLE_SECONDS)
            self._wanted.clear()
            try:
                self._report_progress("Starting")
                report = sync(self.store, self.repo, self._token, self._report_progress)
                self.state = SyncState("done", "", now(), report)
                failures = 0
            except BccsegError as error:
                failures += 1
                self.state = SyncState("failed", str(error), now(), self.state.report)
            except Exception:  # the thread must live on
                log.exception("syncing failed")
                failures += 1
                self.state = SyncState("failed", "Something went wrong; the server's log has the details.", now())

    def _report_progress(self, text: str) -> None:
        self.state = SyncState("running", text, self.state.when, self.state.report)


def dataset_name() -> str:
    """owner/name of the dataset repository, from BCCSEG_DATASET or Streamlit's secrets; empty: no sync."""
    return os.environ.get(ENVIRONMENT, "").strip() or _secret(ENVIRONMENT)


def _secret(name: str) -> str:
    try:
        return str(st.secrets.get(name, "")).strip()
    except FileNotFoundError:  # no secrets file: the usual case
        return ""


@st.cache_resource(show_spinner=False)
def _syncer(root: str, repo: str) -> Syncer:
    return Syncer(LabelStore(Path(root)), repo, os.environ.get(TOKEN) or _secret(TOKEN) or None)


def syncer(store: LabelStore) -> Syncer | None:
    """The one of this server, started on first use; None where no dataset is named."""
    repo = dataset_name()
    return _syncer(str(store.root), repo) if repo else None


def saved(store: LabelStore) -> None:
    """Call after anything was added to the collection."""
    if one := syncer(store):
        one.request()
