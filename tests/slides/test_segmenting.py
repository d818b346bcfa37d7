"""A drawn slide block by block. Slow, because it is ten runs of a dozen blocks, two of them killed processes."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import zarr

from bccseg.config import SegmentSettings
from bccseg.errors import SettingsError, Stopped, StoreError
from bccseg.imaging.label_image import border_ids
from bccseg.slides.job import JobFolder
from bccseg.slides.label_store import SlideLabels
from bccseg.slides.open import open_slide
from bccseg.slides.regions import read_geojson, rectangle
from bccseg.slides.results import write_results
from bccseg.slides.segmenting import LABELS, plan, segment_slide
from tests.paths import ROOT
from tests.slides.exact_maps import DIAMETER, ExactMaps, draw_cells, picture_of
from tests.slides.slide_files import PIXEL_UM, write_bigtiff

SIDE = 420
SETTINGS = SegmentSettings(diameter_px=DIAMETER)


@pytest.fixture(scope="module")
def truth():
    return draw_cells((1130, 1390))


@pytest.fixture(scope="module")
def slide_path(truth, tmp_path_factory):
    return write_bigtiff(tmp_path_factory.mktemp("slide") / "drawn.tif", picture_of(truth), "zstd")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("bccseg.slides.blocks.SIDE_PX", SIDE)


def run(slide_path, out, regions="all", on_step=None, settings=SETTINGS, predictor=None):
    with open_slide(slide_path) as slide:
        return segment_slide(slide, predictor or ExactMaps(), out, regions, settings, on_step=on_step)


def labels_in(out, shape):
    return SlideLabels(out / LABELS, shape).read((slice(0, shape[0]), slice(0, shape[1])))


def assert_same_cells(truth, found):
    pairs = np.unique(np.stack([truth.ravel(), found.ravel()]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@pytest.fixture(scope="module")
def done(slide_path, tmp_path_factory):
    out = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bccseg.slides.blocks.SIDE_PX", SIDE)
        job = run(slide_path, out)
        with open_slide(slide_path) as slide:
            summary = write_results(slide, out)
    return out, job, summary


def test_with_exact_maps_every_cell_is_there_once_and_exactly(done, truth):
    """So what would be lost at a seam would be the seam's fault."""
    out, job, _ = done
    assert len(plan(job)) >= 12
    assert_same_cells(truth, labels_in(out, truth.shape))


def test_the_table_has_a_row_a_cell_in_coordinates_of_the_slide(done, truth):
    out, _, summary = done
    cells, labels = pd.read_csv(out / "cells.csv"), labels_in(out, truth.shape)
    count = int(truth.max())
    assert cells["cell_id"].tolist() == list(range(1, count + 1))
    assert cells["area_px"].tolist() == np.bincount(labels.ravel())[1:].tolist()
    for cell in (1, count // 2, count):
        y, x = (at.mean() for at in np.nonzero(labels == cell))
        row = cells.iloc[cell - 1]
        assert (row["centroid_x_px"], row["centroid_y_px"]) == pytest.approx((x, y), abs=1e-3)
        assert row["centroid_x_um"] == pytest.approx(x * PIXEL_UM, abs=1e-3)
        assert row["area_um2"] == pytest.approx((labels == cell).sum() * PIXEL_UM**2, abs=1e-3)
    assert set(cells.loc[cells["touches_border"], "cell_id"]) == set(border_ids(labels).tolist())
    row = summary.iloc[0]
    assert len(summary) == 1
    assert row["cell_count"] == count
    assert row["area_px"] == truth.size
    assert row["area_fraction"] == pytest.approx((truth > 0).mean())
    assert row["density_per_mm2"] == pytest.approx(count / (truth.size * PIXEL_UM**2 / 1e6))
    inside = cells.loc[~cells["touches_border"], "equivalent_diameter_px"]
    assert row["median_diameter_px"] == pytest.approx(inside.median(), abs=1e-3)


def test_labels_are_ome_zarr_with_levels(done, truth):
    out, _, _ = done
    group = zarr.open_group(out / LABELS, mode="r")
    facts = dict(group.attrs)["ome"]
    assert facts["version"] == "0.5"
    assert facts["image-label"] == {"version": "0.5"}
    (image,) = facts["multiscales"]
    assert [one["path"] for one in image["datasets"]] == ["0", "1"]
    assert image["datasets"][1]["coordinateTransformations"] == [{"type": "scale", "scale": [4 * PIXEL_UM] * 2}]
    assert group["0"].dtype == np.uint32
    assert (np.asarray(group["1"][:]) == np.asarray(group["0"][:])[::4, ::4]).all()


def test_geojson_comes_in_pieces_that_give_the_pixels_back(done, truth, monkeypatch, slide_path):
    from skimage.draw import polygon2mask

    out, _, _ = done
    monkeypatch.setattr("bccseg.slides.results.PIECE_CELLS", 100)
    with open_slide(slide_path) as slide:
        write_results(slide, out)
    pieces = sorted((out / "geojson").iterdir())
    found = [one for piece in pieces for one in json.loads(piece.read_bytes())["features"]]
    assert len(pieces) == -(-int(truth.max()) // 100)
    assert [one["id"] for one in found] == list(range(1, int(truth.max()) + 1))
    labels = labels_in(out, truth.shape)
    for one in found[:: len(found) // 5]:
        (ring,) = one["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        mask = polygon2mask(labels.shape, np.array(ring)[:, ::-1] - 0.5)
        assert (mask == (labels == one["id"])).all()


def test_parquet_holds_the_same_cells_with_outlines(done):
    parquet = pytest.importorskip("pyarrow.parquet")
    shapely = pytest.importorskip("shapely")
    out, _, _ = done
    table, cells = parquet.read_table(out / "cells.parquet"), pd.read_csv(out / "cells.csv")
    assert json.loads(table.schema.metadata[b"geo"])["primary_column"] == "geometry"
    assert table["cell_id"].to_pylist() == cells["cell_id"].tolist()
    assert table["area_px"].to_pylist() == cells["area_px"].tolist()
    outline = shapely.from_wkb(table["geometry"][10].as_py())
    assert outline.centroid.x == pytest.approx(cells["centroid_x_px"][10] + 0.5, abs=0.2)


def test_stopped_it_goes_on_and_the_cells_are_the_same(done, slide_path, tmp_path):
    out, _, _ = done
    steps = []

    def stop_after_four(step):
        steps.append(step)
        if step.stage == "blocks" and step.done == 4:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        run(slide_path, tmp_path, on_step=stop_after_four)
    assert [step.done for step in steps if step.stage == "blocks"] == [0, 1, 2, 3, 4]
    assert steps[-1].seconds_left > 0
    steps.clear()
    run(slide_path, tmp_path, on_step=steps.append)
    assert steps[0].stage == "blocks"  # nothing is looked for again
    assert steps[0].done == 4
    assert (labels_in(tmp_path, (1130, 1390)) == labels_in(out, (1130, 1390))).all()
    assert [p.read_bytes() for p in JobFolder(tmp_path).tables()] == [p.read_bytes() for p in JobFolder(out).tables()]


def test_a_file_called_stop_stops_it_after_the_block_under_way(slide_path, tmp_path):
    def ask_to_stop(step):
        if step.done == 2:
            (tmp_path / "stop").touch()

    with pytest.raises(Stopped):
        run(slide_path, tmp_path, on_step=ask_to_stop)
    assert len(JobFolder(tmp_path).done()) == 2


@pytest.mark.parametrize("when", ["early", "late"])
def test_killed_between_labels_and_record_nothing_is_lost_or_doubled(done, slide_path, tmp_path, when):
    """kill -9 of a real process, at the worst moments; two process starts make it slow."""
    out, _, _ = done
    program = [sys.executable, str(ROOT / "tests/slides/run_exact.py")]
    died = subprocess.run([*program, str(slide_path), str(tmp_path), str(SIDE), "5", when], cwd=ROOT, check=False)
    assert died.returncode == -9
    *_, last = records = JobFolder(tmp_path).done()
    assert len(records) == 5
    assert labels_in(tmp_path, (1130, 1390)).max() >= last.first + last.count  # some of a block without a record
    run(slide_path, tmp_path)
    assert (labels_in(tmp_path, (1130, 1390)) == labels_in(out, (1130, 1390))).all()
    assert [p.read_bytes() for p in JobFolder(tmp_path).tables()] == [p.read_bytes() for p in JobFolder(out).tables()]


def test_regions_count_what_lies_in_them(slide_path, tmp_path, truth):
    """Rectangles side by side and one across both; labels lie nowhere else."""
    regions = (
        rectangle("left", (slice(200, 700), slice(300, 600))),
        rectangle("right", (slice(200, 700), slice(600, 900))),
        rectangle("across", (slice(400, 1000), slice(450, 750))),
    )
    run(slide_path, tmp_path, regions)
    with open_slide(slide_path) as slide:
        summary = write_results(slide, tmp_path).set_index("region")
    centres = np.array([np.array(np.nonzero(truth == k)).mean(axis=1) for k in range(1, int(truth.max()) + 1)]) + 0.5

    def inside(top, bottom, left, right):
        low, high = (centres >= (top, left)).all(axis=1), (centres < (bottom, right)).all(axis=1)
        return low & high

    left, right = inside(200, 700, 300, 600), inside(200, 700, 600, 900)
    want = {"left": left, "right": right, "across": inside(400, 1000, 450, 750)}
    for name, which in want.items():
        assert summary.loc[name, "cell_count"] == which.sum()
    together = np.any(list(want.values()), axis=0)
    assert summary.loc["All regions", "cell_count"] == together.sum()
    assert summary.loc["left", "area_px"] == pytest.approx(500 * 300, rel=0.01)
    assert summary.loc["All regions", "area_px"] == pytest.approx(500 * 600 + 300 * 300, rel=0.01)
    kept = np.unique(truth[labels_in(tmp_path, truth.shape) > 0])
    assert kept.tolist() == (np.flatnonzero(together) + 1).tolist()
    names = pd.read_csv(tmp_path / "cells.csv")["region"].value_counts()
    both = want["left"] & want["across"]
    assert names["left; across"] == both.sum() > 0


def test_fields_that_the_program_chooses_are_counted(slide_path, tmp_path, truth):
    job = run(slide_path, tmp_path, "auto")
    with open_slide(slide_path) as slide:
        (row,) = write_results(slide, tmp_path).to_dict("records")
    assert [region.name for region in job.regions] == ["Field 1"]
    assert row["score"] == job.region_scores["Field 1"] > 0.25
    side = 20 * DIAMETER
    assert row["area_px"] == side**2
    centres = np.array([np.array(np.nonzero(truth == k)).mean(axis=1) for k in range(1, int(truth.max()) + 1)]) + 0.5
    assert row["cell_count"] == (centres < side).all(axis=1).sum()


def test_outlines_of_qupath_are_regions(tmp_path):
    def feature(points, **properties):
        return {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[*points, points[0]]]},
            "properties": properties,
        }

    square = [[10, 10], [200, 10], [200, 300], [10, 300]]
    fine = [[float(300 + 50 * np.cos(t)), float(300 + 50 * np.sin(t))] for t in np.linspace(0, 2 * np.pi, 3000)]
    features = [
        feature(square, name="edge"), feature(fine, name="edge"),
        feature([[1, 1], [9, 1], [9, 9]], classification={"name": "Ignore*"}),
    ]  # fmt: skip
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    first, second, third = read_geojson(path)
    assert (first.name, first.kind, len(first.points)) == ("edge", "polygon", 4)
    assert second.name == "edge 2"
    assert len(second.points) <= 500
    assert third.kind == "excluded"
    for text in ("no", "[]", json.dumps({"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}})):
        path.write_text(text)
        with pytest.raises(SettingsError, match="GeoJSON"):
            read_geojson(path)


def test_what_was_begun_otherwise_is_refused(done, slide_path):
    out, _, _ = done
    with pytest.raises(SettingsError, match="begun otherwise \\(settings differ\\)"):
        run(slide_path, out, settings=SETTINGS.replace(min_cell_percent=10))


def test_tables_of_half_a_slide_are_refused(slide_path, tmp_path):
    def stop_early(step):
        if step.done == 2:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        run(slide_path, tmp_path, on_step=stop_early)
    with open_slide(slide_path) as slide, pytest.raises(StoreError, match=r"2 of \d+ blocks are done"):
        write_results(slide, tmp_path)


def test_regions_of_another_slide_are_refused(slide_path, tmp_path):
    with pytest.raises(SettingsError, match="No region lies on this slide of 1,390 x 1,130 px"):
        run(slide_path, tmp_path, (rectangle("far", (slice(2000, 2500), slice(10, 90))),))


def test_two_processes_do_not_work_in_one_folder(slide_path, tmp_path):
    with JobFolder(tmp_path).at_work(), pytest.raises(StoreError, match="Another process"):
        run(slide_path, tmp_path)


def test_a_slide_without_cells_has_tables_without_rows(tmp_path):
    path = write_bigtiff(tmp_path / "empty.tif", np.full((700, 900, 3), 250, np.uint8), "zstd")
    out = tmp_path / "out"
    run(path, out)
    with open_slide(path) as slide:
        (row,) = write_results(slide, out).to_dict("records")
    assert row["cell_count"] == 0
    assert row["median_diameter_px"] is None or np.isnan(row["median_diameter_px"])
    assert pd.read_csv(out / "cells.csv").shape[0] == 0
    assert json.loads((out / "geojson/cells_001.geojson").read_bytes())["features"] == []
    with pytest.raises(SettingsError, match="Draw regions"):
        run(path, tmp_path / "auto", "auto")
