"""What the server keeps of a browser: found again after a reload and a restart, in a second tab, in the middle of a
batch; dropped beyond the limits; seen by nobody else.
"""

import errno
import os
import secrets
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bccseg.config import SegmentSettings
from bccseg.errors import StoreError
from bccseg.io.archive import Entry
from bccseg.io.packing import pack, unpack
from bccseg.report.result import Correction
from tests.odd_files import odd_files
from tests.ui.visit_tabs import result, visit_of
from ui.shared.segmentation_job import WaitingFile
from ui.shared.settings import Chosen
from ui.shared.visit_files import VisitFiles, folder_of
from ui.shared.visit_record import Visit
from ui.shared.visitor import VisitorState
from ui.shared.visits import Visits

PNG = odd_files()["no suffix"][0]


def test_what_is_packed_comes_back_with_its_types():
    made = Correction(edits=3, when="2026-11-26T12:00:00+00:00", author="Ana")
    before = result(correction=made)
    measured = replace(before.measured, hidden={2: np.array([[1.5, 2], [3, 4]])}, seconds={"segment": 1.25})
    after = unpack(type(measured), pack(measured))
    pd.testing.assert_frame_equal(after.cells, measured.cells)
    assert after.summary == measured.summary
    assert after.correction == made
    assert after.shape == (96, 128)
    assert after.notes == ("a", "b")
    assert after.settings == measured.settings
    assert after.seconds == {"segment": 1.25}
    np.testing.assert_array_equal(after.scores, measured.scores)
    assert after.scores.dtype == np.float32
    np.testing.assert_array_equal(after.hidden[2], [[1.5, 2], [3, 4]])


@pytest.mark.parametrize("damage", [lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"PK\x03\x04" + d[4:60]])
def test_a_damaged_file_is_refused(damage):
    measured = result().measured
    with pytest.raises(StoreError, match="damaged"):
        unpack(type(measured), damage(pack(measured)))


def test_a_value_of_another_type_is_refused():
    measured = result().measured
    with pytest.raises(StoreError, match="another version"):
        unpack(type(measured), pack(replace(measured, name=7)))


# --- files


def test_a_visit_comes_back_as_it_was(tmp_path):
    first, second = result(1), result(2)
    corrected = replace(second, found=result(3), draft="d" * 32, edits_before=2, draft_size=77)
    visit = visit_of(first, corrected)
    visit.waiting = [WaitingFile(Entry("rest.zip", b"PK\x03\x04"), done=3)]
    visit.failures, visit.sidebar, visit.drafts = [("x.png", "The file is empty.")], {"set_auto": False}, ["e" * 32]
    assert VisitFiles(tmp_path / "v").save(visit) == 0
    back = VisitFiles(tmp_path / "v").load()
    assert [r.measured.name for r in back.results] == ["smear 1.png", "smear 2.png"]
    for old, new in zip(visit.results, back.results, strict=True):
        assert new.source == old.source
        np.testing.assert_array_equal(new.unpack().labels, old.unpack().labels)
        pd.testing.assert_frame_equal(new.measured.cells, old.measured.cells)
    assert back.results[0].found is None
    assert back.results[1].found.measured.name == "smear 3.png"
    assert (back.results[1].draft, back.results[1].edits_before, back.results[1].draft_size) == ("d" * 32, 2, 77)
    assert [(w.entry.name, w.entry.data, w.done) for w in back.waiting] == [("rest.zip", b"PK\x03\x04", 3)]
    assert [(e.name, e.data) for e in back.sources] == [(e.name, e.data) for e in visit.sources]
    assert (back.failures, back.sidebar, back.drafts) == (visit.failures, visit.sidebar, visit.drafts)


def test_a_file_is_kept_once_and_goes_with_its_last_image(tmp_path):
    one = result(1)
    page_two = replace(one, measured=replace(one.measured, name="page 2"))
    files = VisitFiles(tmp_path)
    files.save(visit_of(one, page_two))
    assert len(list((tmp_path / "files").iterdir())) == 1
    assert len(list((tmp_path / "results").iterdir())) == 2
    written = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/*")}
    files.save(visit_of(one, page_two, result(2)))
    assert all(p.stat().st_mtime_ns == when for p, when in written.items()), "nothing is written twice"
    files.save(visit_of(result(2)))
    assert len(list((tmp_path / "files").iterdir())) == len(list((tmp_path / "results").iterdir())) == 1


def test_beyond_the_limit_the_oldest_images_go(tmp_path):
    made = [result(k) for k in (1, 2, 3)]
    VisitFiles(tmp_path / "all").save(visit_of(*made))
    each = sum(p.stat().st_size for p in (tmp_path / "all").glob("*/*")) / 3
    files = VisitFiles(tmp_path / "v", most_mb=2.5 * each / 1e6)
    assert files.save(visit_of(*made)) == 1
    assert [r.measured.name for r in VisitFiles(tmp_path / "v").load().results] == ["smear 2.png", "smear 3.png"]
    assert sum(p.stat().st_size for p in (tmp_path / "v").glob("*/*")) <= 2.5 * each
    assert files.save(visit_of(*made, result(4))) == 2
    assert [e.name for e in VisitFiles(tmp_path / "v").load().sources] == ["smear 3.png", "smear 4.png"]
    assert files.save(visit_of(made[2])) == 0
    huge = Visit(waiting=[WaitingFile(Entry("huge.tif", bytes(int(3 * each))))])
    assert files.save(huge) == 1
    assert files.load().waiting == []


def test_a_result_that_cannot_be_read_waits_to_be_segmented_again(tmp_path):
    VisitFiles(tmp_path).save(visit_of(result(1), result(2)))
    broken = min((tmp_path / "results").iterdir(), key=lambda p: unpack_name(p) != "smear 1.png")
    broken.write_bytes(b"no zip")
    back = VisitFiles(tmp_path).load()
    assert [r.measured.name for r in back.results] == ["smear 2.png"]
    assert [e.name for e in back.sources] == ["smear 2.png"]
    assert [w.entry.name for w in back.waiting] == ["smear 1.png"]


def unpack_name(path):
    from ui.shared.visit_files import Packed

    return unpack(Packed, path.read_bytes()).measured.name


def test_a_damaged_record_or_file_is_an_empty_visit_not_a_crash(tmp_path):
    VisitFiles(tmp_path).save(visit_of(result(1)))
    next((tmp_path / "files").iterdir()).write_bytes(b"other bytes")
    assert VisitFiles(tmp_path).load().results == []
    (tmp_path / "visit.json").write_bytes(b'{"results": [{"name": "x", "sha256": "../../etc", "result": "y"}]}')
    assert VisitFiles(tmp_path).load().results == []


@pytest.mark.parametrize("token", ["", "../x", "a" * 63, "A" * 64, "a" * 64 + "/"])
def test_a_token_never_becomes_a_path(tmp_path, token):
    with pytest.raises(StoreError, match="not the token"):
        folder_of(tmp_path, token)


def test_the_token_itself_is_not_on_the_disk(tmp_path, token):
    kept = Visits(tmp_path)
    state = kept.of(token)
    state.results.append(result())
    state.changed()
    kept.flush()
    paths = list(tmp_path.rglob("*"))
    assert paths
    assert not any(token in str(p) or (p.is_file() and token.encode() in p.read_bytes()) for p in paths)


# --- visits


def test_two_tabs_share_and_two_browsers_do_not(tmp_path, token):
    kept = Visits(tmp_path)
    one, same, other = kept.of(token), kept.of(token), kept.of(secrets.token_hex(32))
    assert one is same
    one.results.append(result())
    assert other.results == []


def test_who_only_looks_leaves_nothing_on_the_disk(tmp_path, token):
    kept = Visits(tmp_path)
    state = kept.of(token)
    state.note_settings({"set_auto": True})
    kept.flush()
    assert list(tmp_path.iterdir()) == []
    state.note_settings({"set_auto": False})
    kept.flush()
    assert Visits(tmp_path).of(token).sidebar == {"set_auto": False}


def test_what_a_tab_had_before_its_browser_was_known_is_not_lost(tmp_path, token):
    kept, early = Visits(tmp_path), VisitorState(results=[result(1)])
    assert kept.of(token, early) is early, "nothing was kept yet: it becomes the browser's"
    kept.flush()
    assert len(Visits(tmp_path).of(token).results) == 1
    late = VisitorState(results=[result(1)])
    assert kept.of(token, late) is early
    assert [r.measured.stem for r in early.results] == ["smear 1", "smear 1-2"]


def test_a_job_begun_before_the_browser_was_known_is_not_disturbed(tmp_path, token, monkeypatch):
    kept, early = Visits(tmp_path), VisitorState(results=[result(1)])
    monkeypatch.setattr(VisitorState, "busy", property(lambda state: state is early))
    assert kept.of(token, early) is early, "nothing was kept yet: a reload finds it, job and all"
    assert kept.of(token) is early
    kept.flush()
    again = Visits(tmp_path)
    assert again.of(token, early) is early, "there is something: joined when the job has ended"
    monkeypatch.undo()
    assert [r.measured.stem for r in again.of(token, VisitorState(results=[result(2)])).results] == [
        "smear 1",
        "smear 2",
    ]


def test_clear_all_deletes_the_folder_and_a_late_result_does_not_bring_it_back(tmp_path, token):
    kept = Visits(tmp_path)
    state = kept.of(token)
    state.results.append(result())
    state.changed()
    kept.flush()
    assert folder_of(tmp_path, token).is_dir()
    state.start([], Chosen(SegmentSettings(), None, "unet-bbbc041seg", "cpu"))
    late = state.job.on_result
    state.clear()
    late(result())
    kept.flush()
    assert state.results == []
    assert not folder_of(tmp_path, token).exists()
    assert Visits(tmp_path).of(token).results == []


def test_old_visits_go_and_open_ones_stay(tmp_path):
    kept = Visits(tmp_path)
    tokens = [secrets.token_hex(32) for _ in range(4)]
    folders = [folder_of(tmp_path, t) for t in tokens]
    for days, folder in enumerate(folders):
        VisitFiles(folder).save(visit_of(result(1)))
        when = time.time() - days * 86400
        os.utime(folder / "visit.json", (when, when))
    size = sum(p.stat().st_size for p in folders[0].rglob("*") if p.is_file())
    held = kept.of(tokens[3])  # open, and so not old
    os.utime(folders[3] / "visit.json", (0, 0))
    kept.sweep(days=1.5)
    assert [f.exists() for f in folders] == [True, True, False, True]
    kept.sweep(days=10, most_mb=2.5 * size / 1e6)
    assert [f.exists() for f in folders] == [True, False, False, True]
    assert len(held.results) == 1


def test_a_full_disk_is_told_and_loses_nothing_in_memory(tmp_path, token, monkeypatch):
    from ui.shared import visit_files

    kept = Visits(tmp_path)
    state = kept.of(token)
    state.results.append(result(1))
    state.changed()
    kept.flush()

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(visit_files, "write_atomically", full)
    state.results.append(result(2))
    state.changed()
    kept.flush()
    assert "The disk is full" in state.trouble
    assert len(state.results) == 2
    assert len(VisitFiles(folder_of(tmp_path, token)).load().results) == 1, "what was kept before is still there"
    monkeypatch.undo()
    state.changed()  # as every draw of the page does
    kept.flush()
    assert state.trouble == ""
    assert len(VisitFiles(folder_of(tmp_path, token)).load().results) == 2


# --- the page
