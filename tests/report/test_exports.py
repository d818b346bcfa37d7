"""Every export is read back with another library than the one that wrote it."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import roifile
from PIL import Image
from skimage.draw import polygon2mask

from bccseg.io.label_files import labels_png, mask_png
from bccseg.report.bundle import write_zip
from bccseg.report.coco import coco
from bccseg.report.geojson import geojson
from bccseg.report.overlay import overlay_png
from bccseg.report.result import ImageResult
from bccseg.report.roi import imagej_rois
from bccseg.report.tables import csv, summary_table


@pytest.fixture
def result(smear):
    image, labels = smear
    scores = np.linspace(0.5, 0.9, labels.max()).astype(np.float32)
    return ImageResult.measure(
        image, labels, scores, 0.1, name="smear ü.png", stem="smear ü", diameter_px=56.0, weights="w"
    )


def drawn(ring, shape):
    """Pixels whose centres lie in a polygon given in pixel-edge coordinates (x, y)."""
    return polygon2mask(shape, np.asarray(ring)[:, ::-1] - 0.5)


def same_cell(ring, labels, cell):
    mask = labels == cell
    differing = drawn(ring, labels.shape) ^ mask
    return differing.sum() <= 0.01 * mask.sum()


def test_pictures_read_back_by_pillow(result):
    picture = Image.open(io.BytesIO(labels_png(result.labels)))
    assert picture.mode == "I;16"
    assert (np.asarray(picture) == result.labels).all()
    mask = Image.open(io.BytesIO(mask_png(result.labels)))
    assert mask.mode == "L"
    assert ((np.asarray(mask) == 255) == (result.labels > 0)).all()
    overlay = np.asarray(Image.open(io.BytesIO(overlay_png(result.image, result.labels))))
    changed = (overlay != result.image).any(axis=2)
    assert changed.any()
    assert not changed[result.labels == 0].any()  # outlines lie on the cells


def test_csv_reads_back_by_numpy(result):
    table = np.genfromtxt(io.BytesIO(csv(result.cells)), delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert table["cell_id"].tolist() == list(range(1, result.labels.max() + 1))
    assert table["area_px"].tolist() == np.bincount(result.labels.ravel())[1:].tolist()
    assert table["area_um2"] == pytest.approx(table["area_px"] * 0.01, abs=1e-4)


def test_csv_defuses_formulas():
    text = csv(pd.DataFrame({"image": ["=HYPERLINK(1)", "ok"], "n": [-1, 2]})).decode()
    assert text.splitlines() == ["image,n", "'=HYPERLINK(1),-1", "ok,2"]


def test_coco_polygons_give_the_cells_back(result):
    data = json.loads(json.dumps(coco([result, result])))
    assert [i["id"] for i in data["images"]] == [1, 2]
    assert data["images"][0] | {"id": 0} == {"id": 0, "file_name": "smear ü.png", "width": 500, "height": 400}
    first = [a for a in data["annotations"] if a["image_id"] == 1]
    assert len(first) == result.labels.max()
    assert len({a["id"] for a in data["annotations"]}) == 2 * len(first)
    for a in first[::5]:
        ring = np.reshape(a["segmentation"][0], (-1, 2))
        assert same_cell(ring, result.labels, a["attributes"]["cell_id"])
        assert a["area"] == (result.labels == a["attributes"]["cell_id"]).sum()
        x, y, w, h = a["bbox"]
        rows, cols = np.nonzero(result.labels == a["attributes"]["cell_id"])
        assert (x, y) == pytest.approx((cols.min(), rows.min()), abs=0.51)
        assert (x + w, y + h) == pytest.approx((cols.max() + 1, rows.max() + 1), abs=0.51)


def test_geojson_is_what_qupath_reads(result):
    data = json.loads(json.dumps(geojson(result)))
    assert data["type"] == "FeatureCollection"
    assert len(data["features"]) == result.labels.max()
    for cell, feature in enumerate(data["features"], start=1):
        ring = feature["geometry"]["coordinates"][0]
        assert feature["geometry"]["type"] == "Polygon"
        assert ring[0] == ring[-1]
        assert feature["properties"]["objectType"] == "detection"
        assert all(isinstance(v, float) for v in feature["properties"]["measurements"].values())
        if cell % 5 == 0:
            assert same_cell(ring[:-1], result.labels, cell)


def test_imagej_rois_read_back_by_the_format_itself(result):
    """Decoded by hand from ImageJ's file format (ij/io/RoiDecoder.java), not by roifile."""
    with zipfile.ZipFile(io.BytesIO(imagej_rois(result))) as archive:
        names = archive.namelist()
        assert len(names) == result.labels.max()
        for cell, name in list(enumerate(names, start=1))[::5]:
            data = archive.read(name)
            assert data[:4] == b"Iout"
            count = int.from_bytes(data[16:18], "big")
            options = int.from_bytes(data[50:52], "big")
            assert options & 128  # sub-pixel resolution
            floats = np.frombuffer(data[64 + 4 * count : 64 + 12 * count], ">f4").reshape(2, count)
            assert same_cell(floats.T, result.labels, cell)


def test_everything_in_one_zip(result):
    buffer = io.BytesIO()
    write_zip([result], buffer)
    with zipfile.ZipFile(buffer) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            "smear ü_labels.png", "smear ü_mask.png", "smear ü_overlay.png", "smear ü_cells.csv",
            "smear ü.geojson", "smear ü_rois.zip", "summary.csv", "coco.json", "run.json",
        }  # fmt: skip
        summary = pd.read_csv(archive.open("summary.csv"))
    assert summary.loc[0, "cell_count"] == result.labels.max()
    assert summary.loc[0, "image"] == "smear ü.png"


def test_exports_without_cells():
    nothing = np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.int32), np.zeros(0, np.float32)
    empty = ImageResult.measure(*nothing, name="e", stem="e", diameter_px=48)
    buffer = io.BytesIO()
    write_zip([empty], buffer)
    with zipfile.ZipFile(buffer) as archive:
        assert json.loads(archive.read("coco.json"))["annotations"] == []
        assert json.loads(archive.read("e.geojson"))["features"] == []
        assert len(archive.read("e_cells.csv").decode().splitlines()) == 1
    assert summary_table([]).columns[0] == "image"
    assert summary_table([]).empty


def test_too_many_cells_for_16_bits():
    from bccseg.errors import BccsegError

    with pytest.raises(BccsegError, match="65,535"):
        labels_png(np.arange(70_000, dtype=np.int32).reshape(700, 100))


def test_whole_outlines_of_hidden_cells_go_along(result):
    ring = np.array([[10.0, 10], [40, 10], [40, 50], [10, 50]])
    first = int(result.cells["cell_id"][0])
    hidden = replace(result, hidden={first: ring})
    features = geojson(hidden)["features"]
    (whole,) = [f for f in features if f["properties"]["objectType"] == "annotation"]
    assert whole["properties"]["name"] == f"cell {first}, whole outline (estimated)"
    assert whole["geometry"]["coordinates"][0] == [*ring.tolist(), ring[0].tolist()]
    assert len(features) == len(result.cells) + 1
    with zipfile.ZipFile(io.BytesIO(imagej_rois(hidden))) as archive:
        roi = roifile.ImagejRoi.frombytes(archive.read(f"cell-{first:05d}-whole.roi"))
        assert np.allclose(roi.coordinates(), ring)
        assert len(archive.namelist()) == len(result.cells) + 1
    plain, drawn = (
        np.asarray(Image.open(io.BytesIO(overlay_png(result.image, result.labels, rings)))) for rings in ((), [ring])
    )
    differ = (plain != drawn).any(axis=2)
    assert 140 <= differ.sum() < 4 * 140
    assert differ[5:55, 5:45].sum() == differ.sum()
