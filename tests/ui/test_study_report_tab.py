"""The tab Report of a study, by itself."""

import pytest
from streamlit.testing.v1 import AppTest

from bccseg.imaging.synthetic import draw_smear
from bccseg.io.archive import Entry
from bccseg.report.result import ImageResult
from bccseg.report.study_report import pdf
from bccseg.studies.store import StudyStore
from tests.studies.conftest import picture


def script(folder, study):
    from pathlib import Path

    from bccseg.studies.store import StudyStore
    from ui.studies.report import show_report

    show_report(StudyStore(Path(folder)).open(study))


@pytest.fixture
def study(tmp_path):
    return StudyStore(tmp_path / "studies").create("Iron *day* 3")


def fill(study):
    study.images.add([Entry(f"{k}.png", picture(k)) for k in range(2)])
    for k, image in enumerate(study.images.all()):
        study.samples.add(f"patient {k}", "ab"[k])
        study.images.put_into_sample([image.id], f"patient {k}")
        smear, labels = draw_smear((60, 80), cells=3, diameter_px=24, seed=k)
        scores = (labels.ravel()[: int(labels.max())] * 0 + 0.9).astype("float32")
        study.keep(image, ImageResult.measure(smear, labels, scores, name="x", stem="x", diameter_px=24.0))


def shown(study):
    page = AppTest.from_function(script, args=(str(study.folder.parent), study.id), default_timeout=60).run()
    assert not page.exception
    return page


def test_nothing_to_report(study):
    page = shown(study)
    assert "Nothing to report yet" in page.info[0].value
    assert not page.button


def test_made_offered_and_told_when_it_is_old(study, monkeypatch, tmp_path):
    monkeypatch.setenv(pdf.BROWSER, str(tmp_path / "none"))  # no paper: that is another test, and takes seconds
    fill(study)
    page = shown(study)
    page.text_input(key="report_author").set_value("Ada").run()
    page.multiselect(key="report_tested").set_value(["diameter_px"]).run()
    page.button(key="make_report").click().run()
    assert not page.exception
    assert page.code[0].value.startswith("2 images of 2 samples were segmented")
    captions = " ".join(one.value for one in page.caption)
    assert "print it to PDF" in captions
    assert "has changed since" not in captions
    made = page.session_state["study_report_made"]
    assert b"by Ada" in made.report.html
    assert made.report.record.user == "Ada"
    study.write_note("another")
    assert "has changed since" in " ".join(one.value for one in page.run().caption)
    page.button(key="make_report").click().run()
    assert b"another" in page.session_state["study_report_made"].report.html
