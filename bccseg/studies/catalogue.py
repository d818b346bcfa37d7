"""The SQLite file of a study: what is listed and searched. Pixels and results lie beside it as files.

Every call opens it anew, so that threads and processes share it without knowing each other; write-ahead logging lets
people read while one writes. A transaction is there whole or not at all, also after kill -9.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bccseg.annotation.records import now
from bccseg.errors import StoreError

FILE = "study.sqlite"
VERSION = 1
WAIT_SECONDS = 30.0  # for another writer
SCHEMA = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sample (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, "group" TEXT NOT NULL DEFAULT ''
);
CREATE TABLE field (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE);
CREATE TABLE field_value (
    sample INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE, field INTEGER NOT NULL REFERENCES field
    ON DELETE CASCADE, value TEXT NOT NULL, PRIMARY KEY (sample, field)
) WITHOUT ROWID;
CREATE TABLE image (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, page INTEGER,
    sample INTEGER REFERENCES sample ON DELETE SET NULL, state TEXT NOT NULL DEFAULT 'waiting',
    reason TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '',
    added TEXT NOT NULL, added_by TEXT NOT NULL DEFAULT '', removed TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '', width INTEGER, height INTEGER, cell_count INTEGER, flagged_count INTEGER,
    too_crowded INTEGER NOT NULL DEFAULT 0, pixel_size_um REAL, pixel_size_from TEXT NOT NULL DEFAULT '',
    calibrated INTEGER NOT NULL DEFAULT 0, regions TEXT NOT NULL DEFAULT '', edits INTEGER NOT NULL DEFAULT 0,
    draft TEXT NOT NULL DEFAULT '', edits_before INTEGER NOT NULL DEFAULT 0, draft_size INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX image_file ON image (sha256);
CREATE INDEX image_state ON image (state);
CREATE UNIQUE INDEX image_name ON image (name) WHERE removed = '';
"""


class Catalogue:
    """The catalogue of the study in a folder. Methods raise StoreError that names the file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def make(self, facts: dict[str, str]) -> None:
        """Make the file, with its tables and first facts."""
        with self._open(must_exist=False) as db:
            db.execute("PRAGMA journal_mode = WAL")  # stays so
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        with self.write() as db:
            db.executemany("INSERT INTO fact VALUES (?, ?)", [*facts.items(), ("revision", "0")])

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection whose reads all see the same moment."""
        with self._open() as db:
            db.execute("BEGIN")
            yield db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept at the end, or nothing after an error. The revision goes up by one."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("UPDATE fact SET value = value + 1 WHERE name = 'revision'")
            db.execute(
                "INSERT INTO fact VALUES ('changed', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                [now().isoformat(timespec="seconds")],
            )
            db.execute("COMMIT")

    @contextmanager
    def _open(self, *, must_exist: bool = True) -> Iterator[sqlite3.Connection]:
        if must_exist and not self.path.is_file():
            raise StoreError(f"The study in '{self.path.parent.name}' is not on this server: it has no {FILE}.")
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA foreign_keys = ON")
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version > VERSION:
                    raise StoreError(f"{self.path.name} was written by a later version of bccseg. Update this one.")
                try:
                    yield db
                finally:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise StoreError(f"{self._name} {_why(error)}") from error
        except OSError as error:
            raise StoreError(f"{self._name} cannot be read: the disk refused ({error.strerror}).") from error

    @property
    def _name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


def _why(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return "is damaged. Put the copy of your last backup in its place; images and results beside it are unharmed."
    if code.startswith("SQLITE_FULL"):
        return "could not be written: the disk is full. Make room, then try again; all saved before is unharmed."
    if code.startswith("SQLITE_BUSY"):
        return "is being written by another program for too long. Try again."
    return f"cannot be used ({error})."
