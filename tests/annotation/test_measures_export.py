"""The measures of the collection's cells as files."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import roifile

from bccseg.annotation.dataset_export import chosen_versions, dataset_files
from bccseg.annotation.drafts import DraftInfo, create_draft, draft_from_version
from bccseg.annotation.edits import Edit
from bccseg.annotation.measures_export import (
    PROBLEMS,
    cell_columns,
    measure_files,
    measured_versions,
    write_measures,
    zip_measures,
)
from bccseg.annotation.review import items
from bccseg.imaging.synthetic import draw_smear
from bccseg.report.result import ImageResult


def delete(draft, cell):
    y, x = np.argwhere(draft.labels == cell).mean(axis=0)
    draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))


@pytest.fixture
def accepted(store):
    """Two accepted versions of one image, by Ana and Ben, one of another of the same name, and one that waits."""
    image, labels = draw_smear((120, 160), cells=6, diameter_px=30, seed=4)
    scores = [round(0.5 + k / 20, 2) for k in range(int(labels.max()))]
    draft = create_draft(
        store, image, labels, DraftInfo(name="smear.png", weights="unet", scores=scores, pixel_size_um=0.5)
    )
    delete(draft, 1)
    ana = store.review(draft.submit(store, "=Ana", "", "CC0 1.0"), "accepted", "Eva")
    draft = draft_from_version(store, ana)
    delete(draft, 2)
    store.review(draft.submit(store, "Ben", "", "CC0 1.0"), "accepted", "Eva")
    other, found = draw_smear((90, 100), cells=3, diameter_px=26, seed=5)
    store.review(
        create_draft(store, other, found, DraftInfo(name="smear.png")).submit(store, "Cy", "", ""), "accepted", "Eva"
    )
    waits, seen = draw_smear((90, 100), cells=2, diameter_px=26, seed=6)
    create_draft(store, waits, seen, DraftInfo(name="late.png")).submit(store, "Di", "", "")
    return store, labels, int(found.max()), scores


def exported(store, **options):
    buffer = io.BytesIO()
    zip_measures(measure_files(store, measured_versions(items(store), **options)), buffer)
    return zipfile.ZipFile(buffer)


def table(archive, name):
    return pd.read_csv(archive.open(name))


def test_every_cell_of_every_accepted_version_is_in_the_table(accepted):
    store, labels, others, scores = accepted
    archive = exported(store)
    cells = table(archive, "cells.csv")
    n = int(labels.max())
    counts = cells.groupby("author").size().to_dict()
    assert counts == {"'=Ana": n - 1, "Ben": n - 2, "Cy": others}, "no formula reaches a spreadsheet"
    assert list(cells.columns) == [
        "image",
        "image_id",
        "version",
        "author",
        "status",
        "stands",
        "split",
        "files",
        *cell_columns(),
    ]
    assert set(cells["image"]) == {"smear.png"}
    assert cells["image_id"].nunique() == 2
    assert cells["version"].nunique() == 3
    assert cells.groupby("author")["stands"].unique().map(list).to_dict() == {
        "'=Ana": [False],
        "Ben": [True],
        "Cy": [True],
    }
    assert not cells["image"].str.contains("late").any()
    assert len(table(exported(store, submitted=True), "cells.csv")) > len(cells)

    # The numbers are those of Segment's table, in µm where the pixel size is known, and scores of untouched cells.
    item, version = next((i, v) for i in items(store) for v in i.versions if v.author == "Ben")
    expected = ImageResult.measure(
        store.image(item.info.id), store.labels(version), np.zeros(0, np.float32) if n == 2 else np.full(n - 2, np.nan),
        0.5, name="", stem="", diameter_px=1.0,
    ).cells  # fmt: skip
    ben = cells[cells["author"] == "Ben"].reset_index(drop=True)
    for column in ("area_px", "centroid_x_px", "equivalent_diameter_um", "circularity", "mean_red"):
        np.testing.assert_allclose(ben[column], expected[column], atol=1e-4)
    np.testing.assert_allclose(ben["score"], scores[2:], atol=1e-4)
    assert cells.loc[cells["author"] == "Cy", ["equivalent_diameter_um", "score"]].isna().all(axis=None)


def test_outlines_summaries_and_coco_go_with_the_table(accepted):
    store, labels, others, _ = accepted
    archive = exported(store)
    n = int(labels.max())
    stems = ["smear", "smear-2", "smear-3"]
    assert {f for f in archive.namelist() if "/" in f} == {
        *(f"geojson/{s}.geojson" for s in stems), *(f"rois/{s}_rois.zip" for s in stems)
    }  # fmt: skip
    images = table(archive, "images.csv").set_index("files")
    assert images["author"].to_dict() == {"smear": "Ben", "smear-2": "Cy", "smear-3": "'=Ana"}, "standing ones first"
    assert images["cell_count"].to_dict() == {"smear": n - 2, "smear-2": others, "smear-3": n - 1}
    assert len(json.loads(archive.read("geojson/smear-3.geojson"))["features"]) == n - 1
    with zipfile.ZipFile(io.BytesIO(archive.read("rois/smear_rois.zip"))) as rois:
        assert len(rois.namelist()) == n - 2
        assert roifile.ImagejRoi.frombytes(rois.read(rois.namelist()[0])).name == "cell-00001"
    coco = json.loads(archive.read("coco.json"))
    assert [i["file_name"] for i in coco["images"]] == ["smear.png", "smear-2.png"]
    assert [i["id"] for i in coco["images"]] == [1, 2]
    assert [a["id"] for a in coco["annotations"]] == list(range(1, n - 2 + others + 1))
    assert [a["image_id"] for a in coco["annotations"]] == [1] * (n - 2) + [2] * others
    assert coco["categories"][0]["name"] == "cell"
    names = [name for name, _ in dataset_files(store, chosen_versions(items(store)), "labels")]
    assert {n.rpartition("/")[2] for n in names if "images" in n} == {i["file_name"] for i in coco["images"]}
    assert "* CC0 1.0: 1 images" in archive.read("README.md").decode()


def test_what_cannot_be_read_is_named_and_the_rest_is_there(accepted, tmp_path):
    store, labels, others, _ = accepted
    version = next(v for v in store.versions() if v.author == "Ben")
    (store.root / "labels" / version.image / f"{version.id}.png").write_bytes(b"damaged")
    out = tmp_path / "out"
    write_measures(measure_files(store, measured_versions(items(store))), out)
    assert version.id in (out / PROBLEMS).read_text(encoding="utf-8")
    cells = pd.read_csv(out / "cells.csv")
    assert cells.groupby("author").size().to_dict() == {"'=Ana": labels.max() - 1, "Cy": others}
    json.loads((out / "coco.json").read_bytes())


def test_an_empty_collection_gives_empty_tables(store):
    archive = exported(store)
    assert table(archive, "cells.csv").empty
    assert {"area_px", "equivalent_diameter_um", "author"} <= set(table(archive, "cells.csv"))
    assert json.loads(archive.read("coco.json"))["images"] == []


def test_an_image_without_cells_is_in_the_table_of_images(store):
    blank = create_draft(
        store, np.full((40, 50, 3), 255, np.uint8), np.zeros((40, 50), np.int32), DraftInfo(name="b.png")
    )
    store.review(blank.submit(store, "Ana", "", ""), "accepted", "Eva")
    archive = exported(store)
    assert table(archive, "images.csv")["cell_count"].tolist() == [0]
    assert table(archive, "cells.csv").empty
