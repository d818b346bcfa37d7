"""What one browser may ask of a server that many share, and that one's own computer has no limits."""

import pytest

from bccseg.config import OWN_COMPUTER, VisitLimits
from bccseg.io.archive import Entry
from tests.odd_files import odd_files, zipped
from tests.ui.visit_tabs import result
from ui.shared.limits import Allowance
from ui.shared.visitor import VisitorState

PNG = odd_files()["no suffix"][0]


def files(count, data=PNG):
    return [Entry(f"{k}.png", data) for k in range(count)]


def admit(allowance, entries, limits, now=0.0, **there):
    return allowance.admit(entries, limits, now=now, **{"images": 0, "waiting": [], "jobs": 0, **there})


def test_ones_own_computer_has_no_limits():
    kept, refused = admit(Allowance(), files(3000), OWN_COMPUTER, images=10**6, jobs=50)
    assert (len(kept), refused) == (3000, [])


def test_as_many_images_as_are_allowed_with_those_there_are_and_the_rest_is_told():
    kept, refused = admit(Allowance(), files(4), VisitLimits(images=10), images=7)
    assert [entry.name for entry in kept] == ["0.png", "1.png", "2.png"]
    ((name, why),) = refused
    assert name == "3.png"
    assert "more than 10 images" in why
    assert "Clear all" in why


def test_a_zip_counts_as_the_files_in_it_and_a_smaller_file_after_it_still_fits():
    large = Entry("three.zip", zipped({f"{k}.png": PNG for k in range(3)}))
    kept, refused = admit(Allowance(), [large, *files(1)], VisitLimits(images=2))
    assert [entry.name for entry in kept] == ["0.png"]
    assert [name for name, _ in refused] == ["three.zip"]


def test_files_an_hour_come_back_after_an_hour():
    allowance, limits = Allowance(), VisitLimits(files_an_hour=3)
    assert len(admit(allowance, files(2), limits, now=0)[0]) == 2
    kept, refused = admit(allowance, files(2), limits, now=1800)
    assert len(kept) == 1
    assert refused[0][1] == "One browser may give this server 3 files an hour. Try again in 30 minutes."
    assert len(admit(allowance, files(3), limits, now=3700)[0]) == 2, "one of half an hour ago still counts"


def test_megabytes_an_hour_and_megapixels_that_wait():
    heavy = b"\0" * 700_000
    kept, refused = admit(Allowance(), files(2, heavy), VisitLimits(megabytes_an_hour=1))
    assert (len(kept), len(refused)) == (1, 1)
    assert "1 MB an hour" in refused[0][1]
    stored = result()  # 96 x 128 px
    many = [Entry("x.png", stored.source)] * 82  # 1.008 megapixels
    kept, refused = admit(Allowance(), many, VisitLimits(waiting_megapixels=1))
    assert (len(kept), len(refused)) == (81, 1)
    assert "megapixels would wait" in refused[0][1]
    assert not admit(Allowance(), many[:1], VisitLimits(waiting_megapixels=1), waiting=many[:81])[0]


def test_batches_at_once():
    kept, refused = admit(Allowance(), files(2), VisitLimits(jobs=2), jobs=2)
    assert kept == []
    assert [name for name, _ in refused] == ["0.png", "1.png"]


@pytest.mark.parametrize(("mode", "images"), [("demo", 0), ("local", 1)])
def test_a_visitor_of_a_shared_server_is_told_among_the_failures(monkeypatch, mode, images):
    from ui.shared import limits

    monkeypatch.setenv("BCCSEG_MODE", mode)
    monkeypatch.setattr(limits, "SHARED_SERVER", VisitLimits(images=1))
    monkeypatch.setattr(VisitorState, "_segment", lambda *_values, **_named: None)
    state = VisitorState(results=[result()])
    state.start(files(1), None)
    assert len(state.waiting) == images
    assert len(state.failures) == 1 - images
