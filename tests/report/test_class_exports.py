"""Classes in COCO, GeoJSON and ImageJ files, read back by other libraries."""

import io
import json
import zipfile
from dataclasses import replace

import geojson as geojson_library
import numpy as np
import pytest
import roifile
from pycocotools.coco import COCO
from shapely.geometry import shape

from bccseg.classes import CellClass, CellMark, ClassSet
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.small_cells import SmallCells
from bccseg.io.annotation_files.objects import draw_objects
from bccseg.io.annotation_files.read import read_annotation_json
from bccseg.io.encode import as_json
from bccseg.report.bundle import write_zip
from bccseg.report.cell_marks import labels_and_marks
from bccseg.report.coco import append_coco, coco
from bccseg.report.geojson import geojson
from bccseg.report.result import ImageResult
from bccseg.report.roi import imagej_rois

NAMES = ("red", "white", "platelet")


@pytest.fixture
def result():
    """A red cell, one that a person called white, one of unknown class, and a platelet."""
    labels, small = np.zeros((60, 80), np.int32), np.zeros((60, 80), np.int32)
    labels[5:25, 5:25], labels[5:25, 40:65], labels[35:55, 5:25] = 1, 2, 3
    small[40:46, 50:57] = 1
    known = Classification(NAMES, np.array([0, 1, -1], np.int16), np.array([0.9, np.nan, np.nan], np.float32))
    platelets = SmallCells.of(small, Classification(NAMES, np.array([2], np.int16), np.array([0.7], np.float32)))
    scores = np.array([0.95, np.nan, 0.6], np.float32)
    return ImageResult.measure(
        np.full((60, 80, 3), 99, np.uint8), labels, scores, name="a.png", stem="a", diameter_px=20.0, classes=known,
        small_cells=platelets,
    )  # fmt: skip


@pytest.fixture
def as_file(tmp_path):
    def write(value):
        (tmp_path / "file.json").write_text(json.dumps(value, allow_nan=False), encoding="utf-8")
        return str(tmp_path / "file.json")

    return write


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in pycocotools
def test_pycocotools_reads_categories_areas_and_masks(result, as_file, capsys):
    api = COCO(as_file(coco([result, result])))
    assert [(c["id"], c["name"]) for c in api.loadCats(api.getCatIds())] == [
        (1, "cell"), (2, "red"), (3, "white"), (4, "platelet"), (5, "not a cell"),
    ]  # fmt: skip
    assert [len(api.getAnnIds(catIds=[k])) for k in range(1, 6)] == [2, 2, 2, 2, 0]
    first = api.loadAnns(api.getAnnIds(imgIds=[1]))
    assert [one["attributes"] for one in first] == [
        {"cell_id": 1, "class_by": "network", "class_score": 0.9}, {"cell_id": 2, "class_by": "person"},
        {"cell_id": 3}, {"cell_id": 4, "class_by": "network", "class_score": 0.7},
    ]  # fmt: skip
    assert [one["score"] for one in first] == [0.95, 1.0, 0.6, 0.7]
    for one, window in zip(first, [np.s_[5:25, 5:25], np.s_[5:25, 40:65], np.s_[35:55, 5:25], np.s_[40:46, 50:57]],
                           strict=True):  # fmt: skip
        truth = np.zeros((60, 80), bool)
        truth[window] = True
        drawn = api.annToMask(one) > 0
        assert (drawn ^ truth).sum() <= 4  # it fills corners, of which the outline cuts half a pixel
        assert one["area"] == truth.sum()


def test_numbers_of_categories_stay_when_a_class_is_renamed_or_added(result):
    classes = ClassSet().renamed("white", "leukocyte")
    classes = ClassSet(classes=(*classes.classes, CellClass(name="burr", colour="#112233")))
    after = coco(classes=classes.classes)["categories"]
    assert [c["id"] for c in after] == [1, 2, 3, 4, 5, 6]
    assert (after[2]["name"], after[5]["name"], after[5]["color"]) == ("leukocyte", "burr", [17, 34, 51])
    append_coco(out := coco(), "x.png", result.labels, marks={1: CellMark(name="odd one"), 2: CellMark(name="red")})
    assert [(c["id"], c["name"]) for c in out["categories"]][5:] == [(6, "odd one")]
    assert [a["category_id"] for a in out["annotations"]] == [6, 2, 1]


def test_geojson_has_classification_and_colour_as_qupath_shows_them(result):
    text = json.dumps(geojson(result), allow_nan=False)
    collection = geojson_library.loads(text)
    assert collection.is_valid
    about = [feature["properties"] for feature in collection["features"]]
    assert [one.get("classification") for one in about] == [
        {"name": "red", "color": [228, 87, 46]}, {"name": "white", "color": [46, 134, 222]}, None,
        {"name": "platelet", "color": [142, 68, 173]},
    ]  # fmt: skip
    assert [one.get("metadata", {}).get("class_by") for one in about] == ["network", "person", None, "network"]
    assert [one["measurements"].get("class_score") for one in about] == [0.9, None, None, 0.7]
    assert [shape(f["geometry"]).is_valid for f in collection["features"]] == [True] * 4
    assert shape(collection["features"][3]["geometry"]).area == pytest.approx(42 - 4 / 8)  # less four corners
    green = CellClass(name="white", colour="#00FF00")
    assert geojson(result, (green,))["features"][1]["properties"]["classification"]["color"] == [0, 255, 0]


def test_rois_have_group_name_and_colour(result):
    with zipfile.ZipFile(io.BytesIO(imagej_rois(result))) as archive:
        found = {name: roifile.ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist()}
    assert {name: (roi.name, roi.group, roi.stroke_color) for name, roi in found.items()} == {
        "red-00001.roi": ("red-00001", 1, bytes([255, 228, 87, 46])),
        "white-00002.roi": ("white-00002", 2, bytes([255, 46, 134, 222])),
        "cell-00003.roi": ("cell-00003", 0, bytes(4)),
        "platelet-00004.roi": ("platelet-00004", 3, bytes([255, 142, 68, 173])),
    }
    assert found["platelet-00004.roi"].coordinates().max(axis=0).tolist() == [57, 46]


def test_no_name_of_a_class_leads_out_of_the_zip(result):
    names = ("../../red", "white", "platelet")
    known = Classification(names, result.classes.number, result.classes.score)
    with zipfile.ZipFile(io.BytesIO(imagej_rois(replace(result, classes=known)))) as archive:
        assert archive.namelist()[0] == "_red-00001.roi"


def test_everything_of_a_batch_agrees_about_the_platelets(result):
    buffer = io.BytesIO()
    write_zip([result], buffer)
    with zipfile.ZipFile(buffer) as archive:
        assert len(json.loads(archive.read("coco.json"))["annotations"]) == 4
        assert len(json.loads(archive.read("a.geojson"))["features"]) == 4
        assert len(archive.read("a_cells.csv").splitlines()) == 1 + 3  # a platelet is no cell


@pytest.mark.parametrize("write", [lambda r: coco([r]), geojson])
def test_what_is_written_is_read_with_the_same_pixels_and_classes(result, write):
    ring = np.array([[2.0, 2], [30, 2], [30, 30], [2, 30]])
    hidden = replace(result, hidden={1: ring})  # its estimated outline is no cell of its own
    (image,) = read_annotation_json(as_json(write(hidden)), "a").images
    labels, objects = draw_objects(image.objects, result.shape)
    truth, marks = labels_and_marks(result)
    assert np.array_equal(labels, truth)
    told = {k: CellMark(name=o.name, by=o.by, score=o.score) for k, o in enumerate(objects, start=1)
            if o.name not in ("", "cell")}  # fmt: skip
    assert told == marks
