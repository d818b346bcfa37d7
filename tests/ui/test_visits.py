"""What the server keeps of a browser: found again after a reload and a restart, in a second tab, in the middle of a
batch; dropped beyond the limits; seen by nobody else.
"""

import errno
import os
import secrets
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bccseg.annotation.drafts import DraftInfo, create_draft, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.config import VISIT_DAYS, VISIT_MB, SegmentSettings
from bccseg.errors import StoreError
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from bccseg.report.result import Correction, ImageResult
from tests.odd_files import odd_files
from tests.paths import ROOT
from tests.ui.test_pages import APP, WAIT_S, button, finish, upload
from ui.shared import visits as visits_module
from ui.shared.packing import pack, unpack
from ui.shared.segmentation_job import WaitingFile
from ui.shared.settings import Chosen
from ui.shared.stored_result import StoredResult
from ui.shared.visit_files import VisitFiles, folder_of
from ui.shared.visit_record import Visit
from ui.shared.visitor import VisitorState
from ui.shared.visits import Visits, visits

PNG = odd_files()["no suffix"][0]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path))
    return tmp_path / "visits"


@pytest.fixture
def token():
    return secrets.token_hex(32)


def result(seed=1, **facts):
    image, labels = draw_smear((96, 128), cells=5, diameter_px=26, seed=seed)
    scores = np.linspace(0.5, 0.9, labels.max(), dtype=np.float32)
    values = {"name": f"smear {seed}.png", "stem": f"smear {seed}", "diameter_px": 26.0, "notes": ("a", "b")} | facts
    measured = ImageResult.measure(image, labels, scores, 0.25, **values)
    return StoredResult.pack(measured, png(image))


def visit_of(*results):
    return Visit([Entry(r.measured.name, r.source) for r in results], [], list(results))


def open_tab(token):
    at = AppTest.from_file(APP, default_timeout=60)
    at.session_state["remembered_visitor"] = token
    at.run()
    assert not at.exception
    return at


def restart():
    """As if the server was started again: nothing is in memory."""
    visits().flush()
    visits_module._visits.clear()


# --- packing


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


def test_results_uploads_and_settings_survive_a_reload_and_a_restart(root, token):
    at = open_tab(token)
    at.slider(key="set_min_cell").set_value(60.0).run()
    upload(at, [("a.png", PNG), ("b.png", PNG)])
    before = {m.label: m.value for m in at.metric}
    del at
    restart()
    again = open_tab(token)
    assert {m.label: m.value for m in again.metric} == before
    assert again.slider(key="set_min_cell").value == 60.0
    assert [r.measured.name for r in again.session_state["session"].results] == ["a.png", "b.png"]
    assert not any("settings have changed" in i.value for i in again.info)
    again.toggle(key="set_auto").set_value(False).run()
    again.number_input(key="set_diameter").set_value(30.0).run()
    button(again, "Segment again").click().run()  # the uploads are there too
    finish(again)
    assert [r.measured.name for r in again.session_state["session"].results] == ["a.png", "b.png"]
    assert again.session_state["session"].results[0].measured.diameter_px == 30

    assert not open_tab(secrets.token_hex(32)).metric, "another browser sees nothing"
    button(again, "Clear all").click().run()
    assert not again.metric
    restart()
    assert not open_tab(token).metric
    assert not folder_of(root, token).exists()


@pytest.fixture
def slow(monkeypatch):
    """The first image is segmented at once, the others wait for the gate."""
    from bccseg.inference import batch

    real, gate, first = batch.segment, threading.Event(), []

    def segment(*args, **kwargs):
        while first and not gate.is_set():
            time.sleep(0.01)
            args[3](0.5)  # the progress; raises when stopped
        first.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(batch, "segment", segment)
    yield gate
    gate.set()


def wait_for(condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_reload_in_the_middle_of_a_batch_shows_its_progress_and_then_its_results(root, token, slow):
    at = open_tab(token)
    at.file_uploader[0].set_value([(f"{k}.png", PNG, "image/png") for k in range(3)]).run()
    state = at.session_state["session"]
    wait_for(lambda: len(state.results) == 1)
    again = open_tab(token)
    assert again.session_state["session"] is state
    assert button(again, "Stop")
    assert len(again.selectbox(key="chosen_image").options) if len(state.results) > 1 else True
    assert again.metric, "what is done is shown"
    slow.set()
    finish(again)
    assert [r.measured.name for r in again.session_state["session"].results] == ["0.png", "1.png", "2.png"]


def test_a_restart_in_the_middle_of_a_batch_keeps_what_is_done_and_offers_the_rest(root, token, slow):
    at = open_tab(token)
    at.file_uploader[0].set_value([("three.zip", zipped(), "application/zip"), ("a.png", PNG, "image/png")]).run()
    old = at.session_state["session"]
    wait_for(lambda: len(old.results) == 1)
    visits().flush()
    old.files = None  # this process is gone
    visits_module._visits.clear()
    again = open_tab(token)
    state = again.session_state["session"]
    assert state is not old
    assert [r.measured.name.rpartition("/")[2] for r in state.results] == ["0.png"]
    assert any("3 files are not segmented yet" in i.value for i in again.info)
    slow.set()
    button(again, "Segment the rest").click().run()
    finish(again)
    assert [r.measured.name.rpartition("/")[2] for r in state.results] == ["0.png", "1.png", "2.png", "a.png"]
    assert len({r.measured.stem for r in state.results}) == 4
    assert not any("not segmented yet" in i.value for i in again.run().info)
    old.stop()


def zipped():
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k in range(3):
            archive.writestr(f"{k}.png", PNG)
    return buffer.getvalue()


def test_two_uploads_at_once_from_two_tabs_are_done_one_after_the_other(root, token, slow):
    one, two = open_tab(token), open_tab(token)
    one.file_uploader[0].set_value([("x.png", PNG, "image/png"), ("y.png", PNG, "image/png")]).run()
    two.session_state["session"].start([Entry("x.png", PNG)], one.session_state["session"].used)
    state = one.session_state["session"]
    slow.set()
    wait_for(lambda: not state.busy)
    assert [r.measured.stem for r in state.results] == ["x", "y", "x-2"]
    assert [e.name for e in state.sources] == ["x.png", "y.png", "x.png"]


def test_a_correction_made_before_a_reload_reaches_the_numbers(root, token):
    at = open_tab(token)
    upload(at, [("smear.png", png(draw_smear((200, 260), 8, 48, 1)[0]))])
    state = at.session_state["session"]
    count = int(at.metric[0].value)
    button(at, "Correct this image").click().run()
    draft = open_draft(LabelStore(root.parent), state.results[0].draft)
    y, x = np.argwhere(draft.labels == 1).mean(axis=0)
    draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    del at, state
    restart()
    again = open_tab(token)
    assert int(again.metric[0].value) == count - 1
    assert any("Corrected" in c.value and "1 edit" in c.value for c in again.caption)
    button(again, "Continue correcting").click().run()
    assert not again.exception
    assert again.session_state["correction_session"].draft.id == draft.id
    assert [p.name for p in (Path(root.parent) / "drafts").iterdir()] == [draft.id], "no second draft"


def test_correcting_from_the_collection_goes_on_with_the_draft_there_is(root, token):
    store = LabelStore(root.parent)
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=1)
    version = create_draft(store, image, labels, DraftInfo(name="smear.png")).submit(store, "Ana", "", "CC0 1.0")

    def draft_of(at):
        at.session_state["part"] = "Review"
        at.switch_page("pages/collection.py").run()
        at.button(key=f"correct_{version.id}").click().run()
        assert not at.exception
        return at.session_state["correction_session"].draft

    at = open_tab(token)
    first = draft_of(at)
    y, x = np.argwhere(labels == 2).mean(axis=0)
    first.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
    del at
    restart()
    again = draft_of(open_tab(token))
    assert again.id == first.id
    assert len(again.history.edits) == 1
    assert draft_of(open_tab(secrets.token_hex(32))).id != first.id, "another browser does not get it"


def test_the_limits_are_told_in_the_app_and_in_the_guide(root, token):
    at = open_tab(token)
    button(at, "Try an example").click().run()
    finish(at)
    guide = (ROOT / "ui" / "guide" / "guide.md").read_text(encoding="utf-8")
    for words in (f"{VISIT_DAYS} days", f"{VISIT_MB:,} MB"):
        assert words in guide
        assert any(words in c.value for c in at.caption)
        assert words in at.file_uploader[0].help
