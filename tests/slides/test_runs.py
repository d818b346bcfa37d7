"""Slides of a server and the counts of them: kept, begun, stopped, killed and gone on with; names from outside."""

import io
import json
import os
import signal
import time

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from bccseg.background import BackgroundProcess
from bccseg.errors import BccsegError, SettingsError, Stopped, StoreError, WeightsError
from bccseg.imaging.synthetic import draw_smear
from bccseg.report.run_record import RunRecord
from bccseg.slides.closeup import closeup
from bccseg.slides.library import SlideLibrary, _clean
from bccseg.slides.regions import counting, rectangle, regions_of
from bccseg.slides.request import SlideRequest
from bccseg.slides.runs import TROUBLE, SlideRun
from tests.slides.slide_files import PIXEL_UM, write_svs


@pytest.fixture(scope="module")
def drawn():
    return draw_smear((500, 640), cells=30, diameter_px=56, seed=3, touching=False)


@pytest.fixture
def slides(tmp_path, drawn):
    found = SlideLibrary(tmp_path / "slides")
    (tmp_path / "slides").mkdir()
    write_svs(tmp_path / "slides" / "a.svs", drawn[0])
    return found


@pytest.fixture
def run(slides, monkeypatch):
    """A count that is asked for and not begun."""
    monkeypatch.setattr(BackgroundProcess, "_launch", lambda *_: pytest.fail("nothing is to be started"))
    monkeypatch.setattr(SlideRun, "start", lambda _run: True)
    return slides.begin("a.svs", SlideRequest(regions="all", who="Ana"))


def test_a_count_from_begin_to_files(run, predictor, drawn):
    image, truth = drawn
    assert run.waits
    assert run.summary() is None
    run.work(lambda request: predictor)
    progress = run.progress
    assert (progress.finished, progress.stage, progress.share) == (True, "tables", 1)
    assert (progress.cells, progress.failure) == (int(truth.max()), "")
    assert not run.waits
    assert run.summary()["cell_count"].tolist() == [int(truth.max())]
    record = RunRecord.from_json((run.folder / "run.json").read_bytes())
    (one,) = record.images
    assert (record.user, one.name, len(one.file_sha256), one.pixel_size_um) == ("Ana", "a.svs", 64, PIXEL_UM)
    assert one.numbers["cell_count"] == int(truth.max())
    assert [region.name for region in one.regions] == ["Whole slide"]

    (region,) = counting(run.job.regions)
    near = closeup(run.slide, run.folder, region)
    assert (near.image.shape, near.labels.shape, near.cells) == (image.shape, image.shape[:2], int(truth.max()))
    assert near.labels.max() == near.cells


def test_counts_go_one_after_the_other_and_can_be_stopped_while_they_wait(run, predictor):
    turn = FileLock(run.folder.parents[1] / "turn.lock")
    with turn:
        run.stop()
        with pytest.raises(Stopped):
            run.work(lambda request: pytest.fail("it was stopped"))
    assert (run.progress.finished, run.progress.failure, run.waits) == (False, "", False)


@pytest.mark.parametrize(
    ("error", "said"),
    [(WeightsError("They are gone."), "They are gone."), (RuntimeError("ouch"), TROUBLE)],
)
def test_what_went_wrong_is_kept_and_the_next_count_has_its_turn(run, error, said):
    def load(request):
        raise error

    with pytest.raises(type(error)):
        run.work(load)
    assert (run.progress.failure, run.waits, run.running) == (said, False, False)
    with FileLock(run.folder.parents[1] / "turn.lock", timeout=0):
        pass


def test_a_killed_count_goes_on(slides, drawn):
    run = slides.begin("a.svs", SlideRequest(regions="all", device="cpu"))
    assert run.running
    assert not run.start()  # one is at it
    with pytest.raises(StoreError, match="Stop it first"):
        run.delete()
    assert slides.resume() == []
    os.kill(run.process._started().pid, signal.SIGKILL)
    wait_until(lambda: not run.running)
    assert run.waits
    assert [one.folder for one in slides.resume()] == [run.folder]
    wait_until(lambda: run.progress.finished or run.progress.failure)
    assert run.progress.failure == ""
    assert run.summary()["cell_count"].tolist() == [int(drawn[1].max())]
    wait_until(lambda: not run.running, seconds=60)
    run.delete()
    assert slides.runs("a.svs") == []


def wait_until(there, seconds=120):
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_only_slides_come_in_and_none_takes_the_place_of_another(slides, drawn, tmp_path):
    data = (slides.folder / "a.svs").read_bytes()
    assert slides.add("../../b c.svs", io.BytesIO(data)) == "b c.svs"
    assert slides.add("a.svs", io.BytesIO(data)) == "a (2).svs"
    for name, content, words in (
        ("x.svs", b"II*\0 half a slide", "x.svs"), ("x.svs", b"", "x.svs"), ("x.exe", data, "no slide"),
        ("x", data, "no slide"),
    ):  # fmt: skip
        with pytest.raises(BccsegError, match=words):
            slides.add(name, io.BytesIO(content))
    assert slides.names() == ["a (2).svs", "a.svs", "b c.svs"]
    assert {path.name for path in slides.folder.iterdir()} == {"a (2).svs", "a.svs", "b c.svs"}
    for name in ("../a.svs", "none.svs", "", "counts"):
        with pytest.raises(StoreError, match="no slide"):
            slides.path(name)
    assert SlideLibrary(tmp_path / "nowhere").names() == []


@given(st.text(max_size=200))
def test_names_from_outside_stay_in_the_folder(name):
    clean = _clean(name)
    assert not set(clean) & set('/\\\0:*?"<>|')
    assert not clean.startswith(".")
    assert len(clean) < 250 + len(name.rpartition(".")[2])


def test_regions_are_kept_with_their_slide(slides, run):
    regions = (rectangle("A", (slice(0, 200), slice(0, 300))),)
    assert slides.regions("a.svs") == ()
    slides.set_regions("a.svs", regions)
    assert SlideLibrary(slides.folder).regions("a.svs") == regions
    (slides.folder / "counts" / "a.svs" / "regions.json").write_text("{", "utf-8")
    assert slides.regions("a.svs") == ()
    with pytest.raises(StoreError):
        slides.set_regions("../a.svs", regions)
    assert [one.number for one in slides.runs("a.svs")] == ["001"]
    assert slides.begin("a.svs", SlideRequest()).number == "002"


def test_closeups_lie_in_their_region(run, predictor):
    run.work(lambda request: predictor)
    region = rectangle("A", (slice(100, 160), slice(200, 320)))
    for number in range(4):
        near = closeup(run.slide, run.folder, region, number)
        assert (near.top, near.left, near.image.shape) == (100, 200, (60, 120, 3))
        assert near.cells == len(np.unique(near.labels)) - (near.labels == 0).any()


def test_a_request_travels_as_a_file(run):
    assert run.request.who == "Ana"
    assert run.request.when
    (run.folder / "request.json").write_text("{", "utf-8")
    with pytest.raises((StoreError, SettingsError)):
        _ = run.request


@pytest.mark.parametrize("odd", [3, "text", [], None, {"classification": 7}, {"classification": {"name": None}}])
def test_regions_whose_facts_are_odd_still_count(odd):
    ring = [[0, 0], [9, 0], [9, 9], [0, 0]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": odd}
    (region,) = regions_of(json.dumps(feature).encode(), "a.geojson")
    assert region.name == "Region 1"
