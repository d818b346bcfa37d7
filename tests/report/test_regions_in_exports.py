"""Regions of a result: counts, classes and densities in each, and in every file that leaves the program."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import roifile
from PIL import Image

from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.regions import Region
from bccseg.io.annotation_files.geojson import read_geojson
from bccseg.io.packing import pack, unpack
from bccseg.report.bundle import IMAGE_FILES, batch_files
from bccseg.report.corrected import corrected_result
from bccseg.report.geojson import geojson
from bccseg.report.overlay import draw_overlay
from bccseg.report.recount import recount, with_pixel_size
from bccseg.report.region_counts import counted_part, region_table, with_regions
from bccseg.report.region_drawing import draw_regions
from bccseg.report.result import Correction, ImageResult, MeasuredImage
from bccseg.report.roi import imagej_rois
from bccseg.report.scale_bar import draw_scale_bar
from bccseg.report.tables import cell_table

FRAME = Region(name="field A", kind="frame", points=((0, 0), (100, 100)))
RIGHT = Region(name="right", kind="polygon", points=((100, 0), (200, 0), (200, 100), (100, 100)))
SMUDGE = Region(name="smudge", kind="excluded", points=((10, 40), (40, 40), (40, 70), (10, 70)))


@pytest.fixture
def result():
    """Cells of 10 px: four left, one of them in the smudge, one across the middle, one right. 0.5 µm a pixel."""
    labels = np.zeros((100, 200), np.int32)
    for cell, (x, y) in enumerate([(10, 10), (50, 10), (20, 50), (50, 80), (96, 50), (150, 30)], start=1):
        labels[y : y + 10, x : x + 10] = cell
    classes = Classification(("red", "white"), np.array([0, 0, 1, 0, 1, 0], np.int16), np.full(6, 0.9, np.float32))
    return ImageResult.measure(
        np.full((100, 200, 3), 200, np.uint8), labels, np.full(6, 0.9, np.float32), 0.5, name="a.png", stem="a",
        diameter_px=11.0, classes=classes, regions=(FRAME, RIGHT, SMUDGE),
    )  # fmt: skip


def test_each_region_has_its_counts_and_density(result):
    table = region_table(result).set_index("region")
    assert table.index.tolist() == ["Whole image", "field A", "right", "smudge"]
    # across the middle: in the frame, which it touches on the right; its centre is in the right half as well
    assert table["cell_count"].tolist() == [5, 4, 2, 1]
    assert table["area_px"].tolist() == [20_000 - 900, 10_000 - 900, 10_000, 900]
    assert table["area_mm2"]["field A"] == pytest.approx(9100 * 0.25e-6)
    assert table["density_per_mm2"]["field A"] == pytest.approx(4 / (9100 * 0.25e-6))
    assert table["density_per_mm2"]["Whole image"] == pytest.approx(5 / (19_100 * 0.25e-6))
    assert table["count_red"].tolist() == [4, 3, 1, 0]
    assert table["count_white"].tolist() == [1, 1, 1, 1]
    assert table["white_per_100_red"]["field A"] == pytest.approx(100 / 3)
    assert table["median_diameter_um"]["right"] == pytest.approx(0.5 * np.sqrt(400 / np.pi))
    assert pd.isna(table["white_per_100_red"]["smudge"])


def test_without_regions_there_is_no_row_and_no_column(result):
    plain = replace(result, regions=())
    assert region_table(plain).empty
    assert with_regions(cell_table(plain), plain).columns.tolist() == cell_table(plain).columns.tolist()
    assert "regions.csv" not in dict(batch_files([plain]))
    table = region_table(with_pixel_size(replace(result, regions=(FRAME,)), None))
    assert not [name for name in table if "um" in name or "mm2" in name]


def test_each_cell_says_where_it_counts(result):
    names = ["field A", "field A", "excluded: smudge", "field A", "field A; right", "right"]
    assert with_regions(cell_table(result), result)["region"].tolist() == names
    read = pd.read_csv(io.BytesIO(IMAGE_FILES["_cells.csv"](result)), keep_default_na=False)
    assert read["region"].tolist() == names


def test_a_study_counts_each_cell_once(result):
    rows, area = counted_part(result)
    assert (rows.tolist(), area) == ([True, True, False, True, True, True], 20_000 - 900)
    rows, area = counted_part(replace(result, regions=(RIGHT,)))
    assert (rows.sum(), area) == (2, 10_000)
    rows, area = counted_part(replace(result, regions=(SMUDGE,)))
    assert (rows.sum(), area) == (5, 19_100)


def test_qupath_gets_annotations_that_are_not_read_as_cells(result):
    features = geojson(result)["features"]
    regions = [f["properties"] for f in features[:3]]
    assert [r["name"] for r in regions] == ["field A", "right", "smudge"]
    assert [r["classification"]["name"] for r in regions] == ["Region*", "Region*", "Ignore*"]
    assert {r["objectType"] for r in regions} == {"annotation"}
    assert regions[0]["measurements"]["cell_count"] == 4
    assert features[0]["geometry"]["coordinates"] == [[[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]]
    assert features[4]["properties"]["metadata"]["region"] == "field A"
    assert len(read_geojson(json.loads(json.dumps(geojson(result))), "a.png").images[0].objects) == 6


def test_imagej_gets_the_frame_as_a_rectangle(result):
    with zipfile.ZipFile(io.BytesIO(imagej_rois(result))) as archive:
        rois = {name: roifile.ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist()}
    frame = rois["region-frame-field_A.roi"]
    assert (frame.roitype, frame.left, frame.top, frame.right, frame.bottom) == (roifile.ROI_TYPE.RECT, 0, 0, 100, 100)
    assert rois["region-polygon-right.roi"].coordinates().tolist() == RIGHT.outline.tolist()
    assert "region-excluded-smudge.roi" in rois


def test_the_batch_has_a_table_of_regions_and_the_overlay_shows_them(result):
    files = dict(batch_files([result, replace(result, name="b.png", stem="b", regions=())]))
    table = pd.read_csv(io.BytesIO(files["regions.csv"]))
    assert table["image"].tolist() == ["a.png"] * 4
    assert table["kind"].tolist() == ["image", "frame", "polygon", "excluded"]
    drawn = np.asarray(Image.open(io.BytesIO(files["a_overlay.png"])))
    plain = np.asarray(Image.open(io.BytesIO(files["b_overlay.png"])))
    bare = draw_overlay(result.image, result.labels, (), np.array([(0, 0, 0), *[(1, 2, 3)] * 6], np.uint8))
    assert (plain != drawn).any()
    assert (draw_scale_bar(bare, 0.5) != bare).any()
    assert (plain[-20:, -40:] == 255).all(axis=2).any()  # the scale bar
    assert (draw_regions(result.image, ()) == result.image).all()


def test_regions_are_kept_and_survive_a_recount(result):
    back = unpack(MeasuredImage, pack(result.without_pixels()))
    assert back.regions == result.regions
    again = recount(result, result.settings.replace(drop_border_cells=True))
    assert again.regions == result.regions
    assert with_pixel_size(result, 0.1).regions == result.regions
    corrected = corrected_result(result, np.where(result.labels == 6, 0, result.labels), Correction(1, "2026-05-04"))
    assert corrected.regions == result.regions
    assert region_table(corrected)["cell_count"].tolist() == [4, 4, 1, 1]
