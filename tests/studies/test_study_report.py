"""A report from a study on disk."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bccseg.errors import Stopped
from bccseg.imaging.regions import Region, write_regions
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.archive import Entry
from bccseg.io.images import decode
from bccseg.report.result import ImageResult
from bccseg.report.study_report import pdf
from bccseg.studies import pictures
from bccseg.studies.pictures import PICTURES
from bccseg.studies.report import ReportOptions, print_report, study_report
from tests.studies.conftest import picture

ONE = {"tested": ("diameter_um",)}  # a chart takes time


@pytest.fixture
def filled(study):
    """Six images of six samples in two groups, with results, and one that failed."""
    names = [f"{group}{k}" for group in "ab" for k in range(3)]
    study.images.add([Entry(f"{name}.png", picture(seed)) for seed, name in enumerate([*names, "bad"])])
    for seed, (name, image) in enumerate(zip([*names, "bad"], study.images.all(), strict=True)):
        if name == "bad":
            study.images.change(image.id, state="failed", reason="It is <blank>.")
            continue
        study.samples.add(f"patient {name}", name[0])
        study.images.put_into_sample([image.id], f"patient {name}")
        smear, labels = draw_smear((120, 160), cells=3, diameter_px=24 + 2 * seed, seed=seed)
        scores = pd.Series(0.9, range(int(labels.max()))).to_numpy("float32")
        study.keep(image, ImageResult.measure(smear, labels, scores, 0.2, name="x", stem="x", diameter_px=24.0))
    study.write_note("Day 3")
    return study


def test_a_report_of_a_study(filled):
    shares = []
    report = study_report(filled, ReportOptions(author="Ada <L>", **ONE), shares.append)
    html = report.html.decode()
    for part in ("Malaria", "Day 3", "Ada &lt;L&gt;", "patient a0", "It is &lt;blank&gt;.", "Groups compared"):
        assert part in html, part
    assert html.count("<img") == 6
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert report.methods.startswith("6 images of 6 samples")
    assert [image.file_sha256 for image in report.record.images] == [i.sha256 for i in filled.images.all()][:6]
    files = report.files(b"%PDF")
    assert set(files) == {
        "report.html", "report.pdf", "run.json", "all_cells.csv", "images.csv", "samples.csv", "columns.csv"
    }  # fmt: skip
    assert json.loads(files["run.json"])["user"] == "Ada <L>"
    assert len(pd.read_csv(io.BytesIO(files["all_cells.csv"]))) == report.tables.images["cell_count"].sum()
    assert not list(pd.read_csv(io.BytesIO(files["columns.csv"]))["meaning"].isna().pipe(lambda t: t[t]))


def test_pictures_are_kept_and_follow_the_pixel_size(filled):
    study_report(filled, ReportOptions(**ONE))
    folder = filled.folder / PICTURES
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    study_report(filled, ReportOptions(**ONE))
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    first = filled.images.all()[0]
    filled.images.calibrate([first.id], 0.1)
    study_report(filled, ReportOptions(**ONE))
    after = {p.name for p in folder.iterdir()}
    assert len(after) == 6
    assert len(after - set(before)) == 1


def test_pictures_show_the_regions_that_count(filled):
    image = filled.images.all()[0]
    before = decode(pictures.picture(filled, image))[0].image
    frame = Region(name="Frame", kind="frame", points=((20.0, 20.0), (140.0, 100.0)))
    filled.images.set_regions(image.id, write_regions([frame]))
    shown = decode(pictures.picture(filled, filled.images.get(image.id)))[0].image
    changed = np.abs(shown.astype(int) - before).sum(axis=2) > 60
    assert changed[40:100, 18:23].any(axis=1).all(), "the frame's left line, from top to bottom"
    assert not changed[40:95, 40:130].any(), "what lies in it is left alone"
    filled.images.set_regions(image.id, "")
    assert (decode(pictures.picture(filled, filled.images.get(image.id)))[0].image == before).all()


def test_a_stopped_report_goes_on_where_it_was(filled):
    def stop(share):
        if share > 0.4:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        study_report(filled, ReportOptions(**ONE), stop)
    assert len(list((filled.folder / PICTURES).iterdir())) == 3


def test_fewer_pictures(filled):
    filled.images.put_into_sample([i.id for i in filled.images.all()[:2]], "patient a0")
    assert study_report(filled, ReportOptions(pictures="first", **ONE)).html.count(b"<img") == 5
    none = study_report(filled, ReportOptions(pictures="none", **ONE)).html
    assert b"<img" not in none
    assert b"<h2>Pictures" not in none


def test_a_damaged_result_is_named_and_the_rest_reported(filled):
    first = filled.images.all()[0]
    (filled.folder / "results" / f"{first.result}.npz").write_bytes(b"broken")
    report = study_report(filled, ReportOptions(**ONE))
    assert [image.id for image, _ in report.damaged] == [first.id]
    assert report.html.count(b"<img") == 5
    assert len(report.record.images) == 5
    second = filled.images.all()[1]
    (filled.folder / "results" / f"{second.result}.labels").write_bytes(b"broken")
    for kept in (filled.folder / PICTURES).iterdir():
        kept.unlink()
    assert study_report(filled, ReportOptions(**ONE)).html.count(b"<img") == 4


def test_an_empty_study_and_a_server_without_browser(study, monkeypatch, tmp_path):
    report = study_report(study)
    assert b"nothing is compared" in report.html
    monkeypatch.setenv(pdf.BROWSER, str(tmp_path / "none"))
    assert print_report(report) is None
    assert "report.pdf" not in replace(report).files(None)
