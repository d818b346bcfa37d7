"""Where this server keeps what outlives a visit: the collection and the training runs, shared by all who use it."""

import os
from pathlib import Path

import streamlit as st

from bccseg.annotation.store import LabelStore

ENVIRONMENT, RUNS_ENVIRONMENT = "BCCSEG_STORE", "BCCSEG_RUNS"
SPACE_DISK = Path("/data")  # storage that a Hugging Face Space may have mounted


def collection_folder() -> Path:
    """Where the collection lies: BCCSEG_STORE, the disk of a Space, or a folder of this account."""
    if named := os.environ.get(ENVIRONMENT, "").strip():
        return Path(named).expanduser()
    if SPACE_DISK.is_dir() and os.access(SPACE_DISK, os.W_OK) and os.environ.get("SPACE_ID"):
        return SPACE_DISK / "bccseg" / "collection"
    return Path.home() / ".bccseg" / "collection"


def runs_folder() -> Path:
    """Where training runs lie: BCCSEG_RUNS, or beside the collection."""
    if named := os.environ.get(RUNS_ENVIRONMENT, "").strip():
        return Path(named).expanduser()
    return collection_folder().with_name("runs")


@st.cache_resource(show_spinner=False)
def _store(root: str) -> LabelStore:
    return LabelStore(Path(root))


def store() -> LabelStore:
    """The collection. Raises StoreError if its folder cannot be made."""
    return _store(str(collection_folder()))
