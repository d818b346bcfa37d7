"""The audit log: what it holds and what never, and that a killed server loses no line that was written."""

import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from bccseg.accounts.audit import AuditLog
from bccseg.accounts.person import NOBODY, Person
from bccseg.errors import StoreError
from tests.paths import ROOT

ANN = Person("Ann", "https://login.example", "a1")


def test_a_deed_is_two_lines_and_one_row(tmp_path):
    log = AuditLog(tmp_path / "accounts")
    begun = log.begin(ANN, "review", "smear.png", "v1")
    assert [deed.outcome for deed in log.deeds()] == ["begun"]
    log.end(begun, "done", "accepted")
    log.refuse(NOBODY, "train", "run 1")
    refused, done = log.deeds()
    assert (done.first.who, done.first.account, done.first.action) == ("Ann", ANN.account, "review")
    assert (done.first.on, done.first.version, done.outcome, done.note) == ("smear.png", "v1", "done", "accepted")
    assert (refused.first.who, refused.first.account, refused.outcome) == ("", "", "refused")
    assert len(log.path.read_bytes().splitlines()) == 3
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_no_tokens_no_images_no_second_line(tmp_path):
    log = AuditLog(tmp_path)
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
    log.refuse(ANN, "publish", f"hf_abcdefghijkl and {jwt}\n{{}}", "data:image/png;base64," + "iVBORw0KGgo" * 40)
    text = log.path.read_text()
    for secret in ("hf_abc", "eyJ", "iVBOR"):
        assert secret not in text
    assert text.count("\n") == 1
    assert len(text) < 1000


def test_a_torn_line_hides_no_other(tmp_path):
    log = AuditLog(tmp_path)
    log.refuse(ANN, "train")
    with log.path.open("ab") as file:
        file.write(b'{"id": "x", "time": "2026')
    log.refuse(ANN, "promote")
    assert [deed.first.action for deed in log.deeds()] == ["promote", "train"]


def test_writers_at_once_lose_nothing(tmp_path):
    logs = [AuditLog(tmp_path) for _ in range(4)]  # as of four processes
    threads = [threading.Thread(target=lambda a=a: [a.refuse(ANN, "train", str(n)) for n in range(25)]) for a in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(AuditLog(tmp_path).deeds()) == 100


WRITER = """
import sys
from pathlib import Path
from bccseg.accounts.audit import AuditLog
from bccseg.accounts.person import Person
log, who = AuditLog(Path(sys.argv[1])), Person("Ann", "i", "s")
for k in range(100000):
    log.end(log.begin(who, "submit", str(k)), "done")
    print(k, flush=True)
"""


def test_what_was_written_survives_kill_9(tmp_path):
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            first = process.stdout.readline()
            time.sleep(0.1)
            process.send_signal(signal.SIGKILL)
            said = [first, *process.stdout.read().splitlines(keepends=True)]
        done = [d for d in AuditLog(tmp_path).deeds() if d.outcome == "done"]
        whole = [line for line in said if line.endswith(b"\n")]
        assert {d.first.on for d in done} >= {line.strip().decode() for line in whole}


def test_what_cannot_be_logged_is_not_done(tmp_path):
    (tmp_path / "accounts").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="Nothing was done"):
        AuditLog(tmp_path / "accounts").begin(ANN, "train")
    assert AuditLog(tmp_path / "none").deeds() == []
