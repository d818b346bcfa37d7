"""The audit log: who did what, when, on what, from which version. Lines are only ever added.

Each deed has a line before it is begun and one when it has ended, so that nothing happens without one, whenever the
server is killed; a refusal has one line. A line that a crash cut off is left as it is, and the next begins anew.
"""

import logging
import os
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from bccseg.accounts.person import Person, clean
from bccseg.errors import StoreError
from bccseg.schema import Schema

FILE = "audit.jsonl"
MOST_TEXT = 300
TOKENS = re.compile(r"\bhf_\w{8,}|\beyJ[\w-]+\.[\w-]+(\.[\w-]+)?|\b[\w+/=-]{60,}")  # of the Hub, JWTs, other long ones
Outcome = Literal["begun", "done", "failed", "refused"]
log = logging.getLogger("bccseg")


class AuditLine(Schema):
    """One line of the file."""

    model_config = ConfigDict(extra="ignore")
    error = StoreError
    title = "line of the audit log"

    id: str  # of the deed: its lines have the same
    time: str  # ISO 8601, UTC
    outcome: Outcome
    who: str = ""  # name; '': nobody that logged in
    account: str = ""  # see `Person.account`
    action: str = ""  # value of an `Action`
    on: str = ""  # what it was done to: a name or an id
    version: str = ""  # what it was done from: the version that was there
    note: str = ""  # what came of it


@dataclass(frozen=True)
class Deed:
    """What the lines of one id say together."""

    first: AuditLine
    outcome: Outcome  # begun: it never ended, so the server was killed, or is at it
    note: str


class AuditLog:
    """The log of a server, which several processes may add to. Methods raise StoreError."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()

    def begin(self, who: Person, action: str, on: str = "", version: str = "") -> AuditLine:
        """Before something is done. Where this cannot be written, it must not be done."""
        return self._add("begun", who, action, on, version)

    def end(self, begun: AuditLine, outcome: Outcome, note: str = "") -> None:
        """After it."""
        self._write(begun.replace(outcome=outcome, time=_now(), note=_safe(note)))

    def refuse(self, who: Person, action: str, on: str = "", note: str = "") -> None:
        """Somebody tried what they may not do."""
        self._add("refused", who, action, on, note=note)

    def lines(self) -> Iterator[AuditLine]:
        """All lines, oldest first; what is no line is left out."""
        try:
            with self.path.open("rb") as file:
                for raw in file:
                    try:
                        yield AuditLine.from_json(raw)
                    except StoreError:
                        log.warning("a line of the audit log cannot be read")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"The audit log cannot be read: the disk refused ({error.strerror}).") from error

    def deeds(self) -> list[Deed]:
        """What was done and what was refused, the newest first."""
        found: dict[str, Deed] = {}
        for line in self.lines():
            before = found.get(line.id)
            found[line.id] = Deed(before.first if before else line, line.outcome, line.note)
        return list(found.values())[::-1]

    def _add(self, outcome: Outcome, who: Person, action: str, on: str, version: str = "", note: str = "") -> AuditLine:
        line = AuditLine(
            id=secrets.token_hex(8), time=_now(), outcome=outcome, who=_safe(who.name), account=who.account,
            action=action, on=_safe(on), version=_safe(version), note=_safe(note),
        )  # fmt: skip
        self._write(line)
        return line

    def _write(self, line: AuditLine) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._lock:
                handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    size = os.fstat(handle).st_size
                    torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
                    data = (b"\n" if torn else b"") + line.to_json() + b"\n"
                    if os.write(handle, data) != len(data):
                        raise OSError("it took half a line")
                    os.fsync(handle)
                finally:
                    os.close(handle)
        except OSError as error:
            raise StoreError(
                f"Nothing was done, because it could not be logged: the disk refused ({error})."
            ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _safe(text: str) -> str:
    """Short, on one line, without anything that looks like a token."""
    return TOKENS.sub("[left out]", clean(text, MOST_TEXT))
