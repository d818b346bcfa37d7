import io

import numpy as np
import pandas as pd
import pytest

from bccseg.imaging.synthetic import draw_smear
from bccseg.report.result import ImageResult
from bccseg.report.study_export import UNFLAGGED, cells_frame, cells_parquet, columns_frame, samples_frame, study_files
from bccseg.report.tables import cell_table, summary_table
from bccseg.statistics.tables import StudyTables


@pytest.fixture(scope="module")
def tables():
    """Drawn smears: two samples of two images, in two groups."""
    cells, images = [], []
    for k, (group, sample) in enumerate([("A", "a"), ("A", "a"), ("B", "b"), ("B", "b")]):
        image, labels = draw_smear((300, 400), cells=12, diameter_px=50, seed=k)
        scores = np.full(int(labels.max()), 0.9, np.float32)
        result = ImageResult.measure(
            image, labels, scores, 0.15, name=f"{k}.png", stem=str(k), diameter_px=50.0, weights="w"
        )
        keys = {"group": group, "sample": sample}
        images.append(summary_table([result]).assign(**keys))
        cells.append(cell_table(result).assign(**keys, image=result.name))
    samples = pd.DataFrame([{"group": "A", "sample": "a", "stain": "=1+1"}, {"group": "B", "sample": "b", "stain": ""}])
    return StudyTables(pd.concat(cells, ignore_index=True), pd.concat(images, ignore_index=True), samples)


def test_every_column_has_a_meaning(tables):
    columns = columns_frame(tables)
    assert set(columns["table"]) == {"all_cells", "images", "samples"}
    assert not list(columns.loc[columns["meaning"] == "", "column"])
    units = columns.set_index(["table", "column"])["unit"]
    assert units["all_cells", "area_um2"] == "µm²"
    assert units["all_cells", "perimeter_um"] == "µm"
    assert units["samples", "diameter_um_unflagged"] == "µm"


def test_cells_know_their_sample(tables):
    cells = cells_frame(tables)
    assert len(cells) == tables.images["cell_count"].sum() == len(tables.cells)
    assert set(cells.columns) >= {"group", "sample", "image", "cell_id", "stain", "image_too_crowded", "class", "flag"}
    assert set(cells.loc[cells["sample"] == "a", "stain"]) == {"=1+1"}


def test_samples_have_everything_twice(tables):
    samples = samples_frame(tables)
    assert list(samples["sample"]) == ["a", "b"]
    assert {f"diameter_um{UNFLAGGED}", "diameter_um", "stain"} <= set(samples)


def test_files_are_read_back_and_run_no_formula(tables):
    files = study_files(tables)
    cells = pd.read_csv(io.BytesIO(files["all_cells.csv"]))
    assert len(cells) == len(tables.cells)
    assert b"'=1+1" in files["samples.csv"]
    back = pd.read_parquet(io.BytesIO(cells_parquet(tables)))
    pd.testing.assert_frame_equal(back, cells_frame(tables), check_dtype=False)
