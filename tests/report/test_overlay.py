"""Overlay, charts, synthetic smears, normalisation."""

import numpy as np
import pytest

from bccseg.imaging.measure import measure_cells
from bccseg.imaging.normalise import normalise, white_level
from bccseg.imaging.synthetic import draw_smear
from bccseg.report import charts
from bccseg.report.overlay import cell_edges
from bccseg.report.result import ImageResult
from bccseg.report.tables import summary_table


def result_of(labels, name="a"):
    image = np.full((*labels.shape, 3), 200, np.uint8)
    return ImageResult.measure(image, labels, np.ones(labels.max(), np.float32), name=name, stem=name, diameter_px=40)


def test_edges_part_touching_cells():
    labels = np.ones((10, 20), np.int32)
    labels[:, 10:] = 2
    edges = cell_edges(labels)
    assert np.flatnonzero(edges[5]).tolist() == [9, 10]


@pytest.mark.parametrize("measure", charts.MEASURES)
def test_histograms_show_whole_cells(discs, measure):
    cells = result_of(discs).cells
    figure = charts.histogram(cells, measure)
    assert len(figure.data[0].x) == 2
    assert charts.NO_CELLS in str(charts.histogram(cells[:0], measure).layout.annotations)


def test_axis_titles_follow_the_unit(discs):
    image = np.zeros((*discs.shape, 3), np.uint8)
    px, um = measure_cells(discs, image), measure_cells(discs, image, pixel_size_um=0.1)
    assert charts.column_and_title("area", px) == ("area_px", "Area (px²)")
    assert charts.column_and_title("area", um) == ("area_um2", "Area (µm²)")
    assert charts.column_and_title("equivalent_diameter", um)[1] == "Diameter (µm)"


def test_batch_charts(discs):
    full, none = result_of(discs, "full"), result_of(np.zeros_like(discs), "none")
    bars = charts.count_bars(summary_table([full, none]))
    assert list(bars.data[0].y) == [2, 0]
    assert list(bars.data[1].y) == [1, 0]
    assert len(charts.distributions({"full": full.cells, "none": none.cells}, "area").data) == 1
    assert charts.NO_CELLS in str(charts.distributions({"none": none.cells}, "area").layout.annotations)
    assert charts.NO_CELLS in str(charts.count_bars(summary_table([none])).layout.annotations)


def test_mixed_units_are_compared_in_pixels(discs):
    image = np.zeros((*discs.shape, 3), np.uint8)
    tables = {"px": measure_cells(discs, image), "um": measure_cells(discs, image, pixel_size_um=0.1)}
    figure = charts.distributions(tables, "area")
    assert list(figure.data[0].y) == list(figure.data[1].y)


def test_synthetic_smear_is_repeatable_and_true():
    image, labels = draw_smear((300, 400), cells=12, diameter_px=50, seed=5)
    again, _ = draw_smear((300, 400), cells=12, diameter_px=50, seed=5)
    assert (image == again).all()
    assert image.shape == (300, 400, 3)
    assert labels.dtype == np.int32
    assert labels.max() == 12
    assert image[labels > 0].mean() < image[labels == 0].mean() - 20


def test_white_is_the_background():
    image = np.full((100, 100, 3), (200, 180, 160), np.uint8)
    image[:40] = 50
    assert white_level(image).tolist() == [200, 180, 160]
    assert normalise(image, white_level(image))[-1, -1] == pytest.approx([1, 1, 1])
    assert white_level(np.zeros((5, 5, 3), np.uint8)).tolist() == [25, 25, 25]  # a black field is not brightened
