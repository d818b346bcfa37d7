"""Several processes give what one gives, in order, whatever happens to one of them. Slow: processes load torch."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from bccseg.config import SegmentSettings
from bccseg.errors import Stopped
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.alike import First, fits, look_at
from bccseg.inference.batch import Failure, segment_entries
from bccseg.inference.pipeline import ENDED, Pipeline, _Batch
from bccseg.inference.pipeline_worker import Shared
from bccseg.inference.predictor import Predictor
from bccseg.io.archive import Entry
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.png", data)
    return buffer.getvalue()


def drawn(seed, diameter_px=40.0, shape=(256, 320), cells=24):
    return png(draw_smear(shape, cells=cells, diameter_px=diameter_px, seed=seed)[0])


@pytest.fixture(scope="module")
def predictor():
    return Predictor(load_weights(*locate()), "cpu")


@pytest.fixture(scope="module")
def pipeline():
    with Pipeline(*locate(), SegmentSettings(), processes=2, device="cpu") as made:
        yield made


@pytest.fixture(scope="module")
def entries():
    one, two, three = drawn(1), drawn(2), drawn(3)
    files = [one, two[:2000], zipped(a=two, d=three), one]
    return [Entry(name, data) for name, data in zip(("a.png", "b.png", "c.zip", "a.png"), files, strict=True)]


def told(outcome):
    return (outcome.name, outcome.reason) if isinstance(outcome, Failure) else (outcome.name, outcome.stem)


def test_the_same_results_in_the_same_order(pipeline, predictor, entries):
    alone = list(segment_entries(entries, predictor, SegmentSettings()))
    both = list(pipeline(entries))
    assert [number for number, _ in both] == [0, 1, 2, 2, 3]
    assert [told(outcome) for _, outcome in both] == [told(outcome) for outcome in alone]
    assert [told(outcome)[1] for outcome in alone if not isinstance(outcome, Failure)] == ["a", "a-2", "d", "a-3"]
    for (_, there), here in zip(both, alone, strict=True):
        if isinstance(here, Failure):
            continue
        assert (there.labels == here.labels).all()
        assert (there.image == here.image).all()
        assert there.cells.equals(here.cells)
        assert there.provenance.file_sha256 == here.provenance.file_sha256


def test_a_process_that_is_killed_is_noticed_and_its_file_done_again(pipeline, entries):
    victims, outcomes = iter([one.process for one in pipeline._processes]), []
    for _, outcome in pipeline([entries[0]] * 5):
        outcomes.append(outcome)
        if len(outcomes) == 1:
            next(victims).kill()
    assert [o.stem for o in outcomes] == ["a", "a-2", "a-3", "a-4", "a-5"]
    assert len({o.labels.tobytes() for o in outcomes}) == 1


def test_a_file_that_ends_two_processes_fails_alone():
    batch = _Batch([Entry("bad.png", b"1"), Entry("good.png", b"2")], 4, one_magnification=False)
    for job in (batch.next_job(), batch.next_job()):
        batch.lost(job)
    again = [batch.next_job(), batch.next_job()]
    assert sorted(job.name for job in again) == ["bad.png", "good.png"]
    for job in again:
        if job.name == "bad.png":
            batch.lost(job)
        else:
            batch.add(job, Failure("good.png", "fine"), None)
            batch.finish(job)
    assert batch.next_job() is None
    assert [(n, o.name, o.reason) for n, o in batch.in_order()] == [(0, "bad.png", ENDED), (1, "good.png", "fine")]
    assert batch.over


def test_what_was_given_before_a_process_ended_is_not_given_twice():
    batch = _Batch([Entry("pages.tif", b"1")], 4, one_magnification=False)
    job = batch.next_job()
    batch.add(job, Failure("page 1", ""), None)
    assert [o.name for _, o in batch.in_order()] == ["page 1"]
    batch.lost(job)
    job = batch.next_job()
    for name in ("page 1", "page 2"):
        batch.add(job, Failure(name, ""), None)
    batch.finish(job)
    assert [o.name for _, o in batch.in_order()] == ["page 2"]


def test_arrays_go_through_shared_memory_and_leave_none_behind():
    array = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    shared = Shared.put(array)
    assert shared.name or shared.raw
    assert (shared.take() == array).all()
    if shared.name:
        with pytest.raises(FileNotFoundError):
            shared.copy()
    assert Shared.put(np.zeros((0, 3), np.uint8)).take().shape == (0, 3)


def test_only_pictures_that_look_like_the_first_and_fit_take_its_diameter(predictor):
    pictures = {
        "first": drawn(4, 50), "alike": drawn(5, 50), "large cells": drawn(6, 90, cells=6),
        "larger": drawn(7, 50, (300, 320)),
    }  # fmt: skip
    alone = [next(segment_entries([Entry(n, d)], predictor, SegmentSettings())) for n, d in pictures.items()]
    first = First.of(alone[0])
    assert fits(alone[0])
    shared = [
        next(segment_entries([Entry(n, d)], predictor, SegmentSettings(), first=first)) for n, d in pictures.items()
    ]
    assert [found.settings.diameter_px for found in shared] == [first.diameter_px, first.diameter_px, None, None]
    for here, there in zip(alone[2:], shared[2:], strict=True):
        assert (here.labels == there.labels).all()
        assert here.stem == there.stem
    assert look_at(alone[1].image).like(first.look)
    assert not look_at(alone[2].image).like(first.look)


def test_it_stops_within_a_tile(entries):
    with Pipeline(*locate(), SegmentSettings(), processes=1, device="cpu") as made, pytest.raises(Stopped):
        list(made([entries[0]] * 3, stopped=lambda: True))


def test_who_does_not_read_to_the_end_ends_it(entries):
    with Pipeline(*locate(), SegmentSettings(), processes=1, device="cpu") as made:
        outcomes = made([entries[0]] * 3)
        assert next(outcomes)[0] == 0
        outcomes.close()
        with pytest.raises(Stopped):
            list(made([entries[0]]))
