import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops
from skimage.morphology import convex_hull_image

from bccseg.imaging.measure import COLUMNS, UM_COLUMNS, measure_cells, summarise


def test_a_rectangle_has_known_measures():
    labels = np.zeros((40, 60), np.int32)
    labels[10:20, 10:40] = 1  # 10 x 30
    image = np.zeros((40, 60, 3), np.uint8)
    image[..., 0], image[..., 1] = 200, 50
    cell = measure_cells(labels, image, np.array([0.5])).iloc[0]
    assert cell.area_px == 300
    assert (cell.centroid_x_px, cell.centroid_y_px) == (24.5, 14.5)
    assert cell.perimeter_px == pytest.approx(80 - 3.6, abs=0.2)  # corners are rounded
    assert cell.equivalent_diameter_px == pytest.approx(np.sqrt(1200 / np.pi))
    assert cell.major_axis_px == pytest.approx(4 * np.sqrt((30**2 - 1) / 12))
    assert cell.minor_axis_px == pytest.approx(4 * np.sqrt((10**2 - 1) / 12))
    assert cell.solidity == 1
    assert cell.circularity == pytest.approx(4 * np.pi * 300 / cell.perimeter_px**2)
    assert (cell.mean_red, cell.mean_green, cell.mean_blue) == (200, 50, 0)
    assert not cell.touches_border
    assert cell.score == 0.5


def test_a_large_disc_is_round(discs):
    cell = measure_cells(discs, np.zeros((*discs.shape, 3), np.uint8)).iloc[0]
    assert cell.circularity == pytest.approx(1, abs=0.008)
    assert cell.eccentricity < 0.05
    assert cell.solidity == 1


def test_same_numbers_as_scikit_image(smear):
    image, labels = smear
    table = measure_cells(labels, image).set_index("cell_id")
    for region in regionprops(labels, intensity_image=image):
        cell = table.loc[region.label]
        assert cell.area_px == region.area
        assert (cell.centroid_y_px, cell.centroid_x_px) == pytest.approx(region.centroid)
        assert cell.major_axis_px == pytest.approx(region.axis_major_length)
        assert cell.minor_axis_px == pytest.approx(region.axis_minor_length)
        assert cell.eccentricity == pytest.approx(region.eccentricity)
        hull = convex_hull_image(region.image, offset_coordinates=False)
        assert cell.solidity == pytest.approx(region.area / hull.sum())
        assert cell[["mean_red", "mean_green", "mean_blue"]].tolist() == pytest.approx(list(region.intensity_mean))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3, 3)])
def test_tiny_cells_do_not_break(shape):
    labels = np.ones(shape, np.int32)
    table = measure_cells(labels, np.zeros((*shape, 3), np.uint8))
    assert len(table) == 1
    assert np.isfinite(table.drop(columns="score").to_numpy(float)).all()


def test_no_cells_same_columns_and_types(discs):
    some = measure_cells(discs, np.zeros((*discs.shape, 3), np.uint8), pixel_size_um=0.1)
    none = measure_cells(np.zeros((5, 5), np.int32), np.zeros((5, 5, 3), np.uint8), pixel_size_um=0.1)
    assert list(none.columns) == [*COLUMNS, *UM_COLUMNS]
    assert len(none) == 0
    pd.testing.assert_series_equal(some.dtypes, none.dtypes)


def test_micrometres_only_when_the_scale_is_known(discs):
    image = np.zeros((*discs.shape, 3), np.uint8)
    assert not any("um" in c for c in measure_cells(discs, image).columns)
    table = measure_cells(discs, image, pixel_size_um=0.5)
    assert table["area_um2"].tolist() == pytest.approx((table["area_px"] / 4).tolist())
    assert table["perimeter_um"].tolist() == pytest.approx((table["perimeter_px"] / 2).tolist())


def test_summary(discs):
    table = measure_cells(discs, np.zeros((*discs.shape, 3), np.uint8), pixel_size_um=0.5)
    summary = summarise(table, discs.shape, 0.5)
    diameters = np.sqrt(4 / np.pi * np.bincount(discs.ravel())[1:3])
    assert (summary.cell_count, summary.cell_count_inside) == (3, 2)
    assert summary.area_fraction == pytest.approx((discs > 0).mean())
    assert summary.median_diameter_px == pytest.approx(diameters.mean())
    assert summary.median_diameter_um == pytest.approx(diameters.mean() / 2)
    assert summary.diameter_cv_percent == pytest.approx(100 * diameters.std(ddof=1) / diameters.mean())
    assert summary.density_per_mm2 == pytest.approx(2 / (100 * 140 * 0.25e-6))  # one is cut by the left edge


def test_summary_without_cells():
    empty = measure_cells(np.zeros((5, 5), np.int32), np.zeros((5, 5, 3), np.uint8))
    summary = summarise(empty, (5, 5))
    assert (summary.cell_count, summary.area_fraction) == (0, 0.0)
    assert summary.median_diameter_px is None
    assert summary.diameter_cv_percent is None
    assert summary.density_per_mm2 is None
