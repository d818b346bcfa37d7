"""Charts, tables and exports of two cells whose numbers are known."""

import io
import json
import struct
import zipfile
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from bccseg.imaging.flags import SEVERAL
from bccseg.report import charts
from bccseg.report.bundle import BASIC_FILES, IMAGE_FILES, batch_files, write_zip
from bccseg.report.coco import append_coco, coco
from bccseg.report.geojson import geojson
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.roi import imagej_rois
from bccseg.report.tables import csv, summary_table


def two_cells(name="a.png", pixel_size_um=None, **facts):
    """20 x 30 px: a square of 16 px inside, a line of 3 px on the border."""
    labels = np.zeros((20, 30), np.int32)
    labels[5:9, 10:14], labels[0, 20:23] = 1, 2
    image = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    scores = np.array([0.912345, 0.5], np.float32)
    facts = {"stem": name.split(".")[0], "diameter_px": 4.5, "weights": "w", **facts}
    return ImageResult.measure(image, labels, scores, pixel_size_um, name=name, **facts)


def no_cells(name="none.png"):
    labels = np.zeros((8, 9), np.int32)
    return ImageResult.measure(
        np.zeros((8, 9, 3), np.uint8), labels, np.zeros(0, np.float32), name=name, stem="none", diameter_px=48.0
    )


def table(values, measure="area_px", border=0):
    """Cells with these values; the last `border` of them are cut."""
    return pd.DataFrame({measure: values, "touches_border": [k >= len(values) - border for k in range(len(values))]})


@pytest.mark.parametrize(
    ("measure", "unit", "column", "title"),
    [
        ("equivalent_diameter", None, "equivalent_diameter_px", "Diameter (px)"),
        ("equivalent_diameter", 0.5, "equivalent_diameter_um", "Diameter (µm)"),
        ("area", None, "area_px", "Area (px²)"),
        ("area", 0.5, "area_um2", "Area (µm²)"),
        ("circularity", None, "circularity", "Circularity (1 = circle)"),
        ("circularity", 0.5, "circularity", "Circularity (1 = circle)"),
    ],
)
def test_measures_have_their_column_and_title(measure, unit, column, title):
    cells = two_cells(pixel_size_um=unit).cells
    assert charts.column_and_title(measure, cells) == (column, title)
    assert column in cells
    assert list(charts.MEASURES) == ["equivalent_diameter", "area", "circularity"]
    assert charts.histogram(cells, measure).layout.title.text.startswith(f"{title}, median ")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([10, 20, 40], "median 20"),
        ([1.23456, 1.23456], "median 1.23"),
        ([999.4], "median 999"),
        ([1000.0], "median 1,000"),
        ([123456.7], "median 123,457"),
    ],
)
def test_the_histogram_says_and_marks_the_median_of_whole_cells(values, text):
    figure = charts.histogram(table([*values, 5e6], border=1), "area")
    assert figure.layout.title.text == f"Area (px²), {text}"
    assert list(figure.data[0].x) == values
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == np.median(values)
    assert (line.type, line.line.dash, line.line.color) == ("line", "dot", "#888")
    assert figure.layout.yaxis.title.text == "cells"
    assert figure.data[0].nbinsx == 30
    assert figure.data[0].marker.color == charts.COLOUR
    assert figure.data[0].hovertemplate == "%{x}: %{y} cells<extra></extra>"


def look(figure):
    layout = figure.layout
    return layout.height, layout.bargap, layout.showlegend, layout.paper_bgcolor, layout.plot_bgcolor


def test_figures_share_one_look():
    clear = "rgba(0,0,0,0)"
    plain = charts.histogram(table([1, 2]), "area")
    assert look(plain) == look(charts.empty("t")) == (260, 0.05, False, clear, clear)
    assert look(charts.count_bars(summary_table([two_cells()]))) == (320, 0.3, True, clear, clear)
    assert look(charts.distributions({"a": table([1, 2])}, "area")) == (320, 0.05, False, clear, clear)
    for figure in (plain, charts.empty("t")):
        margin, title = figure.layout.margin, figure.layout.title
        assert (margin.l, margin.r, margin.t, margin.b) == (8, 8, 36, 8)
        assert (title.font.size, title.x, title.xanchor) == (14, 0, "left")


@pytest.mark.parametrize(
    ("make", "title"),
    [
        (lambda: charts.histogram(table([7], border=1), "area"), "Area (px²)"),
        (lambda: charts.count_bars(summary_table([no_cells()])), "Cells in each image"),
        (lambda: charts.count_bars(summary_table([])), "Cells in each image"),
        (lambda: charts.distributions({"a": table([7], border=1)}, "area"), "Area (px²)"),
        (lambda: charts.distributions({}, "area"), "Area"),
    ],
)
def test_a_figure_without_cells_says_so_in_its_middle(make, title):
    figure = make()
    assert figure.layout.title.text == title
    (note,) = figure.layout.annotations
    assert (note.text, note.x, note.y, note.xref, note.yref) == ("no cells", 0.5, 0.5, "paper", "paper")
    assert (note.showarrow, note.font.size) == (False, 18)
    assert figure.layout.xaxis.visible is figure.layout.yaxis.visible is False
    assert len(figure.data) == 0


def test_bars_part_whole_from_cut_cells():
    figure = charts.count_bars(summary_table([two_cells("a.png"), no_cells("b.png"), two_cells("c.png")]))
    whole, cut = figure.data
    assert (list(whole.x), list(whole.y), whole.name) == (["a.png", "b.png", "c.png"], [1, 0, 1], "whole cells")
    assert (list(cut.x), list(cut.y), cut.name) == (["a.png", "b.png", "c.png"], [1, 0, 1], "cut by the border")
    assert (whole.marker.color, cut.marker.color) == ("#b5305f", "#e3a9bd")
    assert figure.layout.barmode == "stack"
    assert (figure.layout.xaxis.type, figure.layout.xaxis.tickangle) == ("category", 0)
    assert figure.layout.title.text == "Cells in each image"
    legend = figure.layout.legend
    assert (legend.orientation, legend.x, legend.y, legend.xanchor) == ("h", 1, 1.08, "right")


@pytest.mark.parametrize(("lengths", "angle"), [([20, 20], 0), ([20, 21], -30), ([], 0), ([41], -30)])
def test_long_names_are_tilted(lengths, angle):
    names = ["x" * n for n in lengths]
    assert charts.tilt(names) == angle
    if names:
        distributions = charts.distributions(dict.fromkeys(names, table([1, 2])), "area")
        assert distributions.layout.xaxis.tickangle == angle * (len(set(names)) == len(names))
        assert charts.count_bars(summary_table([two_cells(n) for n in names])).layout.xaxis.tickangle == angle


def test_violins_are_of_whole_cells_and_keep_the_colour_of_their_image():
    tables = {f"i{k}": table([k, k + 2, 99], border=1) for k in range(9)} | {
        "cut": table([3], border=1),
        "z": table([5]),
    }
    figure = charts.distributions(tables, "area")
    assert [v.name for v in figure.data] == [*(f"i{k}" for k in range(9)), "z"]
    assert [list(v.y) for v in figure.data] == [*([k, k + 2] for k in range(9)), [5]]
    assert [v.line.color for v in figure.data] == [*charts.SERIES, charts.SERIES[0], charts.SERIES[2]]
    assert all(v.box.visible and v.meanline.visible for v in figure.data)
    assert len(set(charts.SERIES)) == 8
    assert (figure.layout.title.text, figure.layout.xaxis.type) == ("Area (px²)", "category")


@pytest.mark.parametrize(
    ("units", "values", "title"),
    [((0.5, 0.25), (4, 1), "Area (µm²)"), ((None, 0.5), (16, 16), "Area (px²)"), ((0.5, None), (16, 16), "Area (px²)")],
)
def test_units_are_micrometres_only_if_all_images_have_them(units, values, title):
    figure = charts.distributions({str(k): two_cells(pixel_size_um=unit).cells for k, unit in enumerate(units)}, "area")
    assert [v.y[0] for v in figure.data] == list(values)
    assert figure.layout.title.text == title


def test_csv_has_four_decimals_and_no_formulas():
    starts = ["=1", "+1", "-1", "@x", "\tx", "\rx", "x=1", "ü"]
    frame = pd.DataFrame(
        {"text": starts, "x": np.arange(8) / 3, "n": range(8), "mixed": ["-a", None, 3, -4.5, "b", "", "=", 0]}
    )
    back = pd.read_csv(io.BytesIO(csv(frame)), keep_default_na=False, encoding="utf-8", lineterminator="\n", dtype=str)
    assert back["text"].tolist() == ["'=1", "'+1", "'-1", "'@x", "'\tx", "'\nx", "x=1", "ü"]
    assert back["x"].tolist()[:3] == ["0.0000", "0.3333", "0.6667"]
    assert back["n"].tolist() == [str(k) for k in range(8)]
    assert frame["text"].tolist() == starts  # the table itself stays
    names = pd.DataFrame({"image": ["=a", None]})
    assert csv(names).decode().splitlines() == ["image", "'=a", '""']


def test_the_summary_has_a_row_an_image():
    frame = summary_table([two_cells(pixel_size_um=0.5).without_pixels(), no_cells()])
    assert list(frame.columns) == [
        "image", "files", "cell_count", "cell_count_inside", "cell_count_in_frame", "area_fraction",
        "median_diameter_px", "diameter_cv_percent", "median_diameter_um", "density_per_mm2", "flagged_count",
        "median_diameter_px_unflagged", "diameter_cv_percent_unflagged", "too_crowded", "width_px", "height_px",
        "pixel_size_um", "pixel_size_from", "expected_diameter_px", "weights", "edits", "corrected_by",
    ]  # fmt: skip
    first, second = frame.iloc[0], frame.iloc[1]
    assert (first.image, first.cell_count, first.cell_count_inside) == ("a.png", 2, 1)
    assert first.area_fraction == pytest.approx(19 / 600)
    assert (first.median_diameter_px, first.median_diameter_um) == pytest.approx((4.5135, 2.25676), rel=1e-4)
    assert (first.width_px, first.height_px, first.pixel_size_um) == (30, 20, 0.5)
    assert (first.expected_diameter_px, first.weights) == (4.5, "w")
    assert first.density_per_mm2 == pytest.approx(1 / (600 * 0.25e-6))  # the other touches the top
    assert (second.cell_count, second.weights, second.expected_diameter_px) == (0, "", 48)
    assert second[["median_diameter_px", "pixel_size_um", "density_per_mm2"]].isna().all()
    assert list(summary_table([]).columns) == list(frame.columns)


def test_coco_numbers_images_and_annotations_throughout():
    out = coco([two_cells("a.png"), no_cells(), two_cells("b.png")])
    assert [(c["id"], c["name"]) for c in out["categories"]] == [
        (1, "cell"), (2, "red"), (3, "white"), (4, "platelet"), (5, "not a cell"),
    ]  # fmt: skip
    assert out["info"] == {"description": "Blood cells outlined by bccseg. Research use only."}
    assert [(i["id"], i["file_name"], i["width"], i["height"]) for i in out["images"]] == [
        (1, "a.png", 30, 20), (2, "none.png", 9, 8), (3, "b.png", 30, 20),
    ]  # fmt: skip
    assert [(a["id"], a["image_id"], a["attributes"]) for a in out["annotations"]] == [
        (1, 1, {"cell_id": 1}), (2, 1, {"cell_id": 2}), (3, 3, {"cell_id": 1}), (4, 3, {"cell_id": 2}),
    ]  # fmt: skip
    first, second = out["annotations"][:2]
    assert (first["bbox"], first["area"], first["score"]) == ([10, 5, 4, 4], 16, 0.9123)
    assert (second["bbox"], second["area"], second["score"]) == ([20, 0, 3, 1], 3, 0.5)
    assert (first["category_id"], first["iscrowd"]) == (1, 0)
    points = np.reshape(second["segmentation"], (-1, 2))
    assert sorted(map(tuple, points.tolist())) == [
        (20.0, 0.5), (20.5, 0.0), (20.5, 1.0), (21.5, 0.0), (21.5, 1.0), (22.5, 0.0), (22.5, 1.0), (23.0, 0.5),
    ]  # fmt: skip
    certain = coco()
    assert (certain["images"], certain["annotations"]) == ([], [])
    append_coco(certain, "c.png", two_cells().labels)
    assert [a["score"] for a in certain["annotations"]] == [1.0, 1.0]


def test_geojson_closes_its_rings_and_rounds_its_measures():
    out = geojson(two_cells(pixel_size_um=0.5))
    assert out["type"] == "FeatureCollection"
    first, second = out["features"]
    assert [f["properties"]["name"] for f in (first, second)] == ["cell 1", "cell 2"]
    assert {f["type"] for f in out["features"]} == {"Feature"}
    (ring,) = second["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    assert len(ring) == 9
    assert np.min(ring, axis=0).tolist() == [20, 0]
    measures = first["properties"]["measurements"]
    columns = set(two_cells(pixel_size_um=0.5).cells) - {"cell_id", "touches_border", "flag"}
    assert set(measures) == {name for name in columns if not name.startswith("area_full")}  # nothing is hidden
    assert (measures["area_px"], measures["area_um2"]) == (16, 4)
    assert measures["perimeter_px"] == round(float(two_cells().cells["perimeter_px"][0]), 4)
    assert (measures["score"], measures["equivalent_diameter_px"]) == (0.9123, 4.5135)
    assert (measures["mean_red"], measures["mean_green"], measures["mean_blue"]) == (200, 100, 50)
    assert "metadata" not in first["properties"]
    flagged = two_cells()
    flagged.cells["flag"] = ["", SEVERAL]
    assert [f["properties"].get("metadata") for f in geojson(flagged)["features"]] == [None, {"flag": SEVERAL}]
    unscored = two_cells()
    unscored.cells["score"] = np.nan
    assert "score" not in geojson(unscored)["features"][0]["properties"]["measurements"]


def test_rois_are_named_by_cell_and_lie_where_the_cells_lie():
    with zipfile.ZipFile(io.BytesIO(imagej_rois(two_cells()))) as archive:
        assert archive.namelist() == ["cell-00001.roi", "cell-00002.roi"]
        assert {m.compress_type for m in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        for name, box in (("cell-00001.roi", (5, 10, 9, 14)), ("cell-00002.roi", (0, 20, 1, 23))):
            data = archive.read(name)
            assert "".join(name.split(".")[:1]).encode("utf-16-be") in data
            (count,) = struct.unpack(">h", data[16:18])
            x, y = np.frombuffer(data[64 + 4 * count : 64 + 12 * count], ">f4").reshape(2, count)  # of pixel edges
            assert (y.min(), x.min(), y.max(), x.max()) == box
    with zipfile.ZipFile(io.BytesIO(imagej_rois(no_cells()))) as archive:
        assert archive.namelist() == []


def test_a_batch_is_written_image_by_image():
    made = dict(batch_files(iter([two_cells("a.png"), no_cells()])))
    endings = ["_labels.png", "_mask.png", "_overlay.png", "_cells.csv", ".geojson", "_rois.zip"]
    assert list(IMAGE_FILES) == endings
    assert tuple(endings[:4]) == BASIC_FILES
    assert list(made) == [*(s + e for s in ("a", "none") for e in endings), "summary.csv", "coco.json", "run.json"]
    summary = pd.read_csv(io.BytesIO(made["summary.csv"]))
    assert summary["image"].tolist() == ["a.png", "none.png"]
    assert summary["cell_count"].tolist() == [2, 0]
    assert json.loads(made["coco.json"]) == json.loads(json.dumps(coco([two_cells("a.png"), no_cells()])))
    assert json.loads(made["a.geojson"]) == json.loads(json.dumps(geojson(two_cells())))
    assert len(made["a_cells.csv"].splitlines()) == 3
    empty = dict(batch_files([]))
    assert list(empty) == ["summary.csv", "coco.json", "run.json"]
    assert empty["summary.csv"].decode().strip().split(",") == list(summary_table([]).columns)


def test_only_text_is_packed_in_the_zip():
    buffer = io.BytesIO()
    write_zip([two_cells()], buffer)
    with zipfile.ZipFile(buffer) as archive:
        kinds = {m.filename: m.compress_type for m in archive.infolist()}
    stored = {name for name, kind in kinds.items() if kind == zipfile.ZIP_STORED}
    assert stored == {"a_labels.png", "a_mask.png", "a_overlay.png", "a_rois.zip"}
    assert set(kinds.values()) == {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def test_a_result_without_pixels_keeps_everything_else():
    rejected = np.array([[1, 2, 0.3]], np.float32)
    result = two_cells(pixel_size_um=0.5, diameter_from="given", device="CPU", notes=("n",), page=3, rejected=rejected)
    slim = result.without_pixels()
    assert type(slim) is MeasuredImage
    assert not hasattr(slim, "image")
    assert all(getattr(slim, f.name) is getattr(result, f.name) for f in fields(MeasuredImage))
    whole = slim.with_pixels(result.image, result.labels)
    assert type(whole) is ImageResult
    assert whole.image is result.image
    assert whole.labels is result.labels
    assert all(getattr(whole, f.name) is getattr(result, f.name) for f in fields(MeasuredImage))
    assert (result.shape, result.pixel_size_um, result.summary.cell_count, len(result.cells)) == ((20, 30), 0.5, 2, 2)
    plain = no_cells()
    assert (plain.diameter_from, plain.pixel_size_um, plain.page, plain.notes) == ("measured", None, 1, ())
    assert (plain.weights, plain.device, plain.seconds) == ("", "", {})
    assert (plain.rejected.shape, plain.rejected.dtype) == ((0, 3), np.float32)
