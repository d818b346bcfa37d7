"""Measures of small shapes: worked out by hand, or by scikit-image for every shape of 3 x 3 pixels."""

import numpy as np
import pytest

from bccseg.imaging.measure import COLUMNS, UM_COLUMNS, add_micrometres, measure_cells, summarise

ROOT2 = np.sqrt(2)


def cell_of(*rows):
    """The only row of the table of a shape drawn with #, and one pixel of background around it."""
    shape = np.pad(np.array([[c == "#" for c in row] for row in rows]), 1).astype(np.int32)
    return measure_cells(shape, np.zeros((*shape.shape, 3), np.uint8)).iloc[0]


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        (["#.", "##"], 1),
        (["#.#", "#.#", "###"], 7 / 9),
        (["..#..", "..#..", "#####", "..#..", "..#.."], 9 / 13),
        (["#.....#", ".......", ".......", ".......", "#......"], 3 / 19),  # Pick: 12 + 12 / 2 + 1
        (["#.#"], 2 / 3),
        (["#..", "...", "..#"], 2 / 3),
        (["##########"], 1),
    ],
)
def test_solidity_counts_the_pixels_of_the_hull(rows, share):
    assert cell_of(*rows).solidity == pytest.approx(share)


def test_a_diagonal_line_is_an_ellipse_without_width():
    cell = cell_of(*("." * k + "#" + "." * (6 - k) for k in range(7)))
    assert cell.major_axis_px == pytest.approx(4 * np.sqrt(2 * 48 / 12))
    assert cell.minor_axis_px == pytest.approx(0, abs=1e-6)
    assert cell.eccentricity == pytest.approx(1)
    assert (cell.centroid_x_px, cell.centroid_y_px) == (4, 4)


def test_a_lying_rectangle_has_a_known_eccentricity():
    cell = cell_of("####", "####")  # moments (16 − 1) / 12 and (4 − 1) / 12
    assert (cell.major_axis_px, cell.minor_axis_px) == pytest.approx((4 * np.sqrt(1.25), 2))
    assert cell.eccentricity == pytest.approx(np.sqrt(1 - 0.25 / 1.25))
    assert cell_of("#").eccentricity == 0
    assert (cell_of("#").circularity, cell_of("##", "##").circularity) == (1, 1)  # never above 1


def test_runs_end_with_their_row_and_ids_may_have_gaps():
    labels = np.array([[0, 0, 0, 7], [7, 0, 3, 3], [7, 0, 0, 3]], np.int32)
    image = np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 3
    table = measure_cells(labels, image, np.array([0.25, 0.75], np.float32))
    assert table["cell_id"].tolist() == [3, 7]
    assert table["area_px"].tolist() == [3, 3]
    assert table["centroid_x_px"].tolist() == pytest.approx([8 / 3, 1])
    assert table["centroid_y_px"].tolist() == pytest.approx([4 / 3, 1])
    for k, name in enumerate(("mean_red", "mean_green", "mean_blue")):
        assert table[name].tolist() == pytest.approx([image[labels == cell, k].mean() for cell in (3, 7)])
    assert table["score"].tolist() == [0.25, 0.75]
    assert table["touches_border"].tolist() == [True, True]


def test_columns_have_their_types_and_scores_may_be_unknown():
    table = measure_cells(np.pad(np.ones((2, 2), np.int32), 1), np.full((4, 4, 3), 255, np.uint8))
    assert list(table.columns) == COLUMNS
    kinds = {name: str(kind) for name, kind in table.dtypes.items()}
    whole = {"cell_id": "int64", "area_px": "int64", "touches_border": "bool", "in_frame": "bool"}
    assert kinds == {name: whole.get(name, "float64") for name in COLUMNS}
    assert table["score"].isna().all()
    assert table["mean_blue"].tolist() == [255]
    assert not table["touches_border"].any()


def test_bright_cells_of_many_pixels_do_not_overflow():
    labels = np.ones((300, 400), np.int32)
    assert measure_cells(labels, np.full((300, 400, 3), 255, np.uint8)).loc[0, "mean_red"] == 255


def test_micrometres_are_the_pixels_times_their_size():
    labels = np.zeros((20, 30), np.int32)
    labels[4:8, 10:18] = 1
    table = measure_cells(labels, np.zeros((20, 30, 3), np.uint8), None, 0.25)
    assert list(table.columns) == [*COLUMNS, *UM_COLUMNS]
    row = table.iloc[0]
    assert (row.centroid_x_um, row.centroid_y_um) == (13.5 / 4, 5.5 / 4)
    assert row.area_um2 == 32 / 16
    assert row.perimeter_um == row.perimeter_px / 4
    assert row.equivalent_diameter_um == pytest.approx(np.sqrt(128 / np.pi) / 4)
    assert row.major_axis_um == pytest.approx(np.sqrt(63 / 12))
    assert row.minor_axis_um == pytest.approx(np.sqrt(15 / 12))
    doubled = add_micrometres(table, 0.5)
    assert doubled.loc[0, "area_um2"] == 8
    assert table.loc[0, "area_um2"] == 2
    assert list(add_micrometres(table, None).columns) == COLUMNS


@pytest.mark.parametrize(("whole", "spread"), [(1, None), (2, 100 * np.std([2, 4], ddof=1) / 3)])
def test_unevenness_needs_two_whole_cells(whole, spread):
    labels = np.zeros((12, 20), np.int32)
    labels[0:3, 0:3] = 1
    labels[4:6, 2:4] = 2
    if whole == 2:
        labels[4:8, 8:12] = 3
    summary = summarise(measure_cells(labels, np.zeros((12, 20, 3), np.uint8)), (12, 20), 0.5)
    assert (summary.cell_count, summary.cell_count_inside) == (whole + 1, whole)
    assert summary.diameter_cv_percent == (None if spread is None else pytest.approx(spread))
    assert summary.median_diameter_um == pytest.approx(summary.median_diameter_px / 2)
    assert summary.density_per_mm2 == pytest.approx(whole / (240 * 0.25 / 1e6))
    assert summary.area_fraction == (9 + 4 + (16 if whole == 2 else 0)) / 240


def test_a_summary_of_cut_cells_only_has_no_diameter():
    table = measure_cells(np.ones((3, 3), np.int32), np.zeros((3, 3, 3), np.uint8))
    summary = summarise(table, (3, 3), 0.5)
    assert (summary.cell_count, summary.cell_count_inside, summary.area_fraction) == (1, 0, 1.0)
    assert summary.median_diameter_px is summary.median_diameter_um is summary.diameter_cv_percent is None
    nothing = summarise(table[:0], (0, 5), 0.5)
    assert (nothing.area_fraction, nothing.density_per_mm2) == (0.0, None)
