"""The page Slides through Streamlit's AppTest: empty, a slide, a count, and what each role may do."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from bccseg.imaging.synthetic import draw_smear
from bccseg.slides.library import SlideLibrary
from bccseg.slides.request import SlideRequest
from bccseg.slides.runs import SlideRun
from tests.slides.slide_files import write_svs
from tests.ui.test_pages import APP, button
from tests.ui.test_studies_page import words


@pytest.fixture
def slides(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path / "collection"))
    monkeypatch.setattr(SlideRun, "start", lambda _run: True)  # see tests/slides and tests/browser
    (tmp_path / "slides").mkdir()
    return SlideLibrary(tmp_path / "slides")


@pytest.fixture
def slide(slides):
    image, _ = draw_smear((500, 640), cells=30, diameter_px=56, seed=3, touching=False)
    return write_svs(slides.folder / "a <b>.svs", image).name


def page(slide=None):
    at = AppTest.from_file(APP, default_timeout=60).run()
    if slide:
        at.query_params["slide"] = slide
    at.switch_page("pages/slides.py").run()
    for _ in range(20):  # the slide is looked at beside the page
        if "Looking at the slide" not in words(at):
            break
        time.sleep(0.2)
        at.run()
    assert not at.exception
    return at


def test_an_empty_folder_says_how_to_begin(slides):
    at = page()
    assert "Bring a slide" in words(at)
    assert str(slides.folder) in [one.value for one in at.code]


def test_a_slide_is_looked_at_and_a_count_begun(slides, slide):
    at = page("nothing.svs")
    assert "no slide" in words(at)
    assert "640 × 500 px · 0 megapixels" in words(at)
    assert "0.25 µm" in words(at)
    button(at, "Count").click().run()
    assert not at.exception
    (run,) = slides.runs(slide)
    assert run.request.regions == "auto"
    assert "Stopped before the first part" in words(at)  # nothing was started here
    assert at.selectbox(key=f"slide_count {slide}").value == "001"
    button(at, "Remove this count").click().run()
    assert slides.runs(slide) == []


def test_a_finished_count_shows_its_numbers(slides, slide, predictor):
    run = slides.begin(slide, SlideRequest(regions="all"))
    run.work(lambda _request: predictor)
    at = page(slide)
    table = at.dataframe[0].value
    assert table["cell_count"].tolist() == [run.progress.cells]
    assert at.metric[0].value == str(run.progress.cells)
    (run.folder / "request.json").write_text("{")
    at = page(slide)
    assert "cannot be read" in str(at.selectbox(key=f"slide_count {slide}").options)


def test_a_file_that_is_no_slide_says_so(slides):
    (slides.folder / "a.svs").write_bytes(b"II*\0 half a slide")
    at = page("a.svs")
    assert "a.svs" in " ".join(one.value for one in at.error)
    assert len(at.selectbox) >= 1  # another may be chosen
