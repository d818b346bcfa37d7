"""Segmenting a study: in a process of its own, stopped, killed, resumed; one at a time."""

import io
import json
import os
import signal
import time
from threading import Event

import numpy as np
import pytest
import tifffile
from PIL import Image

from bccseg import background
from bccseg.cli import main
from bccseg.cli.server_weights import server_predictor
from bccseg.errors import Stopped, StoreError
from bccseg.io.archive import Entry
from bccseg.studies import segmenting as at
from bccseg.studies.process import Segmenting, SegmentProgress, resume
from bccseg.studies.segmenting import Step, count_waiting, segment_study
from bccseg.studies.thumbnails import thumbnail
from tests.studies.conftest import entries, picture


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def test_all_that_waits_is_segmented_and_what_cannot_be_says_why(tiny_study):
    tiny_study.images.add(entries("p1/a.png", "p1/b.png"))
    cut = tiny_study.images.add([Entry("cut.png", picture(9)[:2000])]).added
    steps = []
    assert segment_study(tiny_study, server_predictor(None, "cpu"), steps.append) == 3
    a, b, bad = tiny_study.images.all()
    assert [i.state for i in (a, b, bad)] == ["done", "done", "failed"]
    assert "damaged or cut off" in bad.reason
    assert [bad.id] == cut
    assert (a.width, a.height) == (80, 60)
    assert a.cell_count == len(tiny_study.results.measured(a.result).cells)
    assert steps[-1] == Step(3, 0)
    assert all(thumbnail(tiny_study, i)[:2] == b"\xff\xd8" for i in (a, b, bad))
    assert len(list((tiny_study.folder / "thumbnails").iterdir())) == 2, "none of what cannot be read"
    pictures = {path.name for path in (tiny_study.folder / "pictures").iterdir()}
    assert {name.split("-")[1] for name in pictures} == {i.result for i in tiny_study.images.all() if i.result}


def test_pages_of_a_file_are_images(tiny_study):
    file = io.BytesIO()
    pages = [np.asarray(Image.open(io.BytesIO(picture(k)))) for k in range(3)]
    tifffile.imwrite(file, np.stack(pages), photometric="rgb")
    data = file.getvalue()
    tiny_study.images.add([Entry("s/pages.tif", data)])
    segment_study(tiny_study, server_predictor(None, "cpu"), lambda _step: None)
    images = tiny_study.images.all()
    assert [i.name for i in images] == [f"s/pages.tif, page {k}" for k in (1, 2, 3)]
    assert [i.page for i in images] == [1, 2, 3]
    assert {i.state for i in images} == {"done"}
    assert len({i.sample for i in images}) == 1


def test_stopping_lets_the_image_wait_and_goes_on_from_there(tiny_study):
    tiny_study.images.add(entries("a.png", "b.png", "c.png"))
    stop, predictor = Event(), server_predictor(None, "cpu")

    def tell(step):
        if step.done == 1:
            stop.set()

    with pytest.raises(Stopped):
        segment_study(tiny_study, predictor, tell, stop)
    assert [i.state for i in tiny_study.images.all()] == ["done", "waiting", "waiting"]
    assert segment_study(tiny_study, predictor, lambda _step: None) == 2


def test_an_image_that_ends_the_process_again_and_again_fails_in_the_end(tiny_study, monkeypatch):
    tiny_study.images.add(entries("a.png", "b.png"))
    first, predictor = tiny_study.images.all()[0], server_predictor(None, "cpu")
    real = at.segment_page

    def killed(name, *rest):
        if name == "a.png":
            raise KeyboardInterrupt
        return real(name, *rest)

    monkeypatch.setattr(at, "segment_page", killed)
    for _ in range(at.MOST_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            segment_study(tiny_study, predictor, lambda _step: None)
    segment_study(tiny_study, predictor, lambda _step: None)
    images = tiny_study.images.all()
    assert [i.state for i in images] == ["failed", "done"]
    assert "ended several times" in images[0].reason
    monkeypatch.undo()
    tiny_study.images.segment_again([first.id])
    segment_study(tiny_study, predictor, lambda _step: None)
    assert tiny_study.images.get(first.id).state == "done"


def test_time_left_goes_by_the_pace_so_far():
    assert SegmentProgress(done=2, waiting=3, started=100.0).seconds_left(now=110.0) == pytest.approx(15.0)
    assert SegmentProgress(done=0, waiting=3, started=100.0).seconds_left(now=110.0) is None
    assert SegmentProgress().progress == 0


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_process_of_its_own_is_killed_and_resumed_and_there_is_one(store, tiny_study, monkeypatch):
    monkeypatch.setattr(background, "LOCK_SECONDS", 0.1)
    tiny_study.images.add([Entry(f"{k}.png", picture(k)) for k in range(24)])
    work = Segmenting(tiny_study)
    assert work.start()
    assert not work.start(), "one at a time"
    wait_for(lambda: count_waiting(tiny_study) < 23)
    with pytest.raises(StoreError, match="already"), work.at_work():
        pass
    pid = json.loads((work.folder / "process.json").read_bytes())["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not work.running)
    left = count_waiting(tiny_study)
    assert left > 0
    done = [i for i in tiny_study.images.all() if i.state == "done"]
    assert len(done) + left == 24
    assert all(tiny_study.results.measured(i.result) for i in done)
    assert [s.id for s in resume(store)] == [tiny_study.id]
    tiny_study.images.add([Entry("late.png", picture(77))])
    wait_for(lambda: count_waiting(tiny_study) == 0 and not work.running)
    assert {i.state for i in tiny_study.images.all()} == {"done"}
    assert resume(store) == []


def test_what_was_stopped_does_not_begin_by_itself(store, tiny_study):
    tiny_study.images.add(entries("a.png"))
    work = Segmenting(tiny_study)
    work.stop()
    assert resume(store) == []
    assert main(["study", "segment", tiny_study.id, "--studies", str(tiny_study.folder.parent)]) == 0, "but if asked"
    assert not work.stopped
    assert tiny_study.images.all()[0].state == "done"


def test_weights_that_are_not_there_are_told(tiny_study):
    tiny_study.set_settings(tiny_study.settings.replace(weights="nowhere"))
    tiny_study.images.add(entries("a.png"))
    assert main(["study", "segment", "tiny", "--studies", str(tiny_study.folder.parent)]) == 1
    assert "no weights called 'nowhere'" in Segmenting(tiny_study).progress.failure


def test_the_command_line_does_it_all(tmp_path, tiny_weights, capsys, monkeypatch):
    place = ["--studies", str(tmp_path / "studies")]
    for group in ("control", "treated"):
        for k in range(2):
            folder = tmp_path / "data" / group / f"{group[0]}{k}"
            folder.mkdir(parents=True)
            (folder / "1.png").write_bytes(picture(k + 10 * (group == "treated")))
    (tmp_path / "table.csv").write_text("patient;age\nc0;34\nT1;5,5\nnobody;1\n", encoding="utf-8")
    create = ["study", "create", "My study", "--weights", str(tiny_weights[0]), "--diameter", "24"]
    assert main([*create, *place]) == 0
    assert len(capsys.readouterr().out.strip()) == 16
    assert main(["study", "add", "my study", str(tmp_path / "data"), *place]) == 0
    assert main(["study", "add", "my study", "--table", str(tmp_path / "table.csv"), *place]) == 1
    assert "'nobody' is in the table and not in the study" in capsys.readouterr().err
    assert main(["study", "segment", "my study", *place]) == 0
    monkeypatch.setenv("BCCSEG_BROWSER", "none")  # no paper; that takes seconds
    assert main(["study", "report", "my study", "--out", str(tmp_path / "out"), *place]) == 0
    lines = (tmp_path / "out" / "samples.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("group,sample,age,images,")
    assert any(line.startswith("control,c0,34.0000,1,") for line in lines)
    assert {"report.html", "run.json", "columns.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}
    cells = (tmp_path / "out" / "all_cells.csv").read_text(encoding="utf-8").splitlines()
    assert cells[0].startswith("group,sample,image,cell_id")
    again = ["segment", "--from", str(tmp_path / "out" / "run.json"), str(tmp_path / "data")]
    capsys.readouterr()
    assert main([*again, "--out", str(tmp_path / "again")]) == 0
    assert "4 images repeated; all numbers are as they were" in capsys.readouterr().err
    assert main(["study", "list", *place]) == 0
    assert "My study: 4 images" in capsys.readouterr().out
    assert main(["study", "segment", "another", *place]) == 1
