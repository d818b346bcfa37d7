import numpy as np
import pandas as pd
import pytest

from bccseg.statistics.measures import sample_values, study_measures
from bccseg.statistics.tables import StudyTables


def row(tables, sample, **options):
    return sample_values(tables, **options).set_index("sample").loc[sample]


def test_images_of_a_sample_are_pooled(tables):
    a1 = row(tables, "a1")
    assert (a1["images"], a1["cells"], a1["images_crowded"], a1["cells_flagged"]) == (2, 4, 1, 1)
    assert a1["cells_per_image"] == 2
    assert a1["diameter_um"] == pytest.approx(2.5)  # the median of 1, 2, 3 and 10 µm, not of two medians (6 µm)
    assert a1["diameter_cv_percent"] == pytest.approx(100 * np.std([1, 2, 3, 10], ddof=1) / 4)
    assert a1["density_per_mm2"] == pytest.approx(4 / (2 * 1000 * 500 * 0.01 / 1e6))
    assert a1["area_percent"] == pytest.approx(25)
    assert a1["mean_green"] == pytest.approx((101 + 102 + 103 + 101) / 4)
    assert (a1["share_white_percent"], a1["share_red_percent"]) == (25, 75)
    assert a1["white_per_100_red"] == pytest.approx(100 / 3)
    assert a1["platelets_per_1000_red"] == pytest.approx(2000 / 3)
    assert a1["age"] == 40


def test_without_flagged_cells_and_crowded_images(tables):
    a1 = row(tables, "a1", without_flagged=True)
    assert a1["diameter_um"] == pytest.approx(1.5)  # of 1 and 2 µm: 3 is flagged, 10 in a crowded image
    assert a1["cells_per_image"] == 3  # a flagged cell is a cell
    assert a1["share_white_percent"] == 0
    assert (a1["images"], a1["cells"]) == (2, 4)  # facts stay


def test_sizes_are_px_where_no_image_has_a_pixel_size(tables):
    bare = StudyTables(tables.cells, tables.images.assign(pixel_size_um=np.nan), tables.samples)
    keys = [one.key for one in study_measures(bare)]
    assert "diameter_px" in keys
    assert not {"diameter_um", "density_per_mm2"} & set(keys)
    assert row(bare, "b1")["diameter_px"] == 42
    assert row(bare, "b1")["images_without_scale"] == 1


def test_a_part_of_an_image_that_was_counted_is_the_area(tables):
    part = StudyTables(tables.cells, tables.images.assign(counted_px=[np.nan, 1000, 1000, 1000, 1000]), tables.samples)
    assert row(part, "b1")["density_per_mm2"] == pytest.approx(2 / (1000 * 0.01 / 1e6))


def test_a_sample_without_images_is_there_and_unsorted_images_are_not(tables):
    images = tables.images.assign(sample=["a1", "a1", "a2", "", "b2"])
    samples = pd.concat([tables.samples, pd.DataFrame([{"group": "B", "sample": "empty", "age": 7}])])
    values = sample_values(StudyTables(tables.cells, images, samples))
    assert list(values["sample"]) == ["a1", "a2", "b1", "b2", "empty"]
    assert values.set_index("sample").loc["empty", "images"] == 0
    assert np.isnan(values.set_index("sample").loc["empty", "cells_per_image"])


def test_an_image_without_cells_counts(tables):
    images = pd.concat([tables.images, tables.images.iloc[[2]].assign(image="blank", cell_count=0)])
    assert row(StudyTables(tables.cells, images, tables.samples), "a2")["cells_per_image"] == 1


def test_no_cells_at_all(tables):
    empty = StudyTables(tables.cells.iloc[:0], tables.images.assign(cell_count=0), tables.samples)
    values = sample_values(empty)
    assert (values["cells_per_image"] == 0).all()
    assert values["diameter_um"].isna().all()
    bare = pd.DataFrame(columns=["group", "sample", "image"])
    assert (sample_values(StudyTables(bare, bare, tables.samples))["images"] == 0).all()
    nothing = sample_values(StudyTables(tables.cells.iloc[:0], tables.images.iloc[:0], tables.samples.iloc[:0]))
    assert len(nothing) == 0
