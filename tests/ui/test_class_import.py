"""Imports with classes: what a file's names become is asked, on Collection and on Correct."""

import io
import json
import zipfile

import numpy as np
import pytest

from bccseg.annotation.drafts import open_draft
from bccseg.annotation.review import items
from bccseg.annotation.store import LabelStore
from bccseg.classes import CellMark
from tests.ui.test_collection_pages import as_file, button, page

SHAPE = (60, 80)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path))
    return LabelStore(tmp_path)


def photograph(seed=1):
    return as_file(np.random.default_rng(seed).integers(0, 255, (*SHAPE, 3), np.uint8))


def feature(x, y, name):
    ring = [[x, y], [x + 20, y], [x + 20, y + 20], [x, y + 20], [x, y]]
    about = {"classification": {"name": name}} if name else {}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": about}


def geojson(*names):
    features = [feature(5 + 25 * k, 5, name) for k, name in enumerate(names)]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def choices(at):
    return {s.label.split(" ")[0]: s for s in at.selectbox if ":gray[" in s.label}


def upload(at, data, name="data.zip"):
    at.get("file_uploader")[0].set_value([(name, data, "application/zip")]).run()
    assert not at.exception


def test_names_of_a_file_are_guessed_shown_and_changed(store):
    at = page("collection")
    upload(at, zipped(**{"a.png": photograph(), "a.geojson": geojson("RBC", "Ring *old* form", None)}))
    asked = choices(at)
    assert set(asked) == {"RBC", "Ring"}
    assert asked["Ring"].label.startswith("Ring \\*old\\* form")
    assert (asked["RBC"].value, asked["Ring"].value) == ("red", "Ring old form")
    assert asked["RBC"].options == ["Red cell", "White cell", "Platelet", "Not a cell", "New class: RBC",
                                    "Leave unclassified"]  # fmt: skip
    asked["RBC"].set_value("white").run()
    button(at, "Import").click().run()
    assert not at.exception
    assert "1 images with 3 cells were added" in at.success[0].value
    assert any("RBC → White cell, Ring \\*old\\* form → Ring old form" in c.value for c in at.caption)
    (item,) = items(store)
    assert item.best.class_counts == {"white": 1, "Ring old form": 1}
    assert not choices(at), "the upload is empty again"
    assert store.class_set().find("Ring old form")


def test_another_file_is_asked_about_anew_and_known_names_are_not(store):
    at = page("collection")
    upload(at, zipped(**{"a.png": photograph(), "a.geojson": geojson("WBC", "PLT")}))
    choices(at)["WBC"].set_value("").run()
    upload(at, zipped(**{"b.png": photograph(2), "b.geojson": geojson("WBC")}))
    assert choices(at)["WBC"].value == "white"
    upload(at, zipped(**{"b.png": photograph(2), "b.geojson": geojson("white", "red")}))
    assert choices(at) == {}
    button(at, "Import").click().run()
    (item,) = items(store)
    assert item.best.class_counts == {"red": 1, "white": 1}


def test_more_names_than_a_collection_can_have_do_not_stop_the_import(store):
    names = [f"kind {chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(40)]
    at = page("collection")
    features = {"type": "FeatureCollection", "features": [feature(5, 5, name) for name in names]}
    upload(at, zipped(**{"a.png": photograph(), "a.geojson": json.dumps(features).encode()}))
    button(at, "Import").click().run()
    assert not at.exception
    assert at.success
    assert len(store.class_set().classes) == 30


def test_a_zip_that_cannot_be_read_is_told_at_once(store):
    at = page("collection")
    upload(at, b"no zip")
    assert any("no zip" in e.value for e in at.error)
    upload(at, zipped(**{"a.json": b"{"}))
    button(at, "Import").click().run()
    assert any("No image with a mask or annotations" in e.value for e in at.error)


def test_an_image_with_annotations_is_corrected_with_its_classes(store):
    at = page("correct")
    at.get("file_uploader")[0].set_value([("smear.png", photograph(), "image/png")]).run()
    at.get("file_uploader")[1].set_value([("x.geojson", geojson("Leukocytes", "PLT", None), "")]).run()
    assert not at.exception
    assert {name: one.value for name, one in choices(at).items()} == {"Leukocytes": "white", "PLT": "platelet"}
    button(at, "Open").click().run()
    assert not at.exception
    draft = open_draft(store, at.query_params["draft"])
    assert draft.marks == {1: CellMark(name="white"), 2: CellMark(name="platelet")}
    assert draft.labels.max() == 3
    assert (draft.labels[5:25, 55:75] == 3).all()


def test_a_damaged_annotation_file_is_told_on_correct(store):
    at = page("correct")
    at.get("file_uploader")[0].set_value([("smear.png", photograph(), "image/png")]).run()
    at.get("file_uploader")[1].set_value([("x.json", b"{}", "application/json")]).run()
    assert any("no annotations in a format that is known" in e.value for e in at.error)
    at.get("file_uploader")[1].set_value([("x.txt", b"0 0.5 0.5", "text/plain")]).run()
    assert any("Line 1 is neither" in e.value for e in at.error)
