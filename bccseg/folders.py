"""Where a server keeps what outlives a visit; pages and command line agree on it."""

import os
from pathlib import Path

# Environment
STORE, RUNS, STUDIES, ACCOUNTS = "BCCSEG_STORE", "BCCSEG_RUNS", "BCCSEG_STUDIES", "BCCSEG_ACCOUNTS"
SLIDES = "BCCSEG_SLIDES"
SPACE_DISK = Path("/data")  # storage that a Hugging Face Space may have mounted


def collection_folder() -> Path:
    """Where the collection lies: BCCSEG_STORE, the disk of a Space, or a folder of this account."""
    if named := _named(STORE):
        return named
    if SPACE_DISK.is_dir() and os.access(SPACE_DISK, os.W_OK) and os.environ.get("SPACE_ID"):
        return SPACE_DISK / "bccseg" / "collection"
    return Path.home() / ".bccseg" / "collection"


def runs_folder() -> Path:
    """Where training runs lie: BCCSEG_RUNS, or beside the collection."""
    return _named(RUNS) or collection_folder().with_name("runs")


def studies_folder() -> Path:
    """Where studies lie: BCCSEG_STUDIES, or beside the collection."""
    return _named(STUDIES) or collection_folder().with_name("studies")


def slides_folder() -> Path:
    """Where whole slides lie, and what was counted in them: BCCSEG_SLIDES, or beside the collection."""
    return _named(SLIDES) or collection_folder().with_name("slides")


def accounts_folder() -> Path:
    """Where roles and the audit log lie: BCCSEG_ACCOUNTS, or beside the collection, so that neither is synced."""
    return _named(ACCOUNTS) or collection_folder().with_name("accounts")


def _named(variable: str) -> Path | None:
    named = os.environ.get(variable, "").strip()
    return Path(named).expanduser() if named else None
