"""Regions: which cells count in each, and how large each is. Numbers worked out by hand."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from bccseg.errors import SettingsError
from bccseg.imaging.label_image import outside_frame
from bccseg.imaging.measure import measure_cells
from bccseg.imaging.outlines import polygon_area
from bccseg.imaging.regions import Region, areas_px, counted_in, excluded_cells, read_regions, write_regions


def frame(x0, y0, x1, y1, name="A"):
    return Region(name=name, kind="frame", points=((x0, y0), (x1, y1)))


def counts(regions, labels):
    table = measure_cells(labels, np.zeros((*labels.shape, 3), np.uint8))
    found = counted_in(
        regions, labels, table["cell_id"].to_numpy(), table[["centroid_x_px", "centroid_y_px"]].to_numpy()
    )
    return [table["cell_id"][inside].tolist() for inside in found]


@pytest.fixture
def squares():
    """Cells of 10 x 10 px at known places around a frame from (40, 40) to (80, 80)."""
    labels = np.zeros((120, 120), np.int32)
    for cell, (x, y) in enumerate([(55, 55), (35, 55), (55, 35), (75, 55), (55, 75), (35, 75), (75, 35), (5, 5)], 1):
        labels[y : y + 10, x : x + 10] = cell
    return labels


def test_a_counting_frame_leaves_out_what_touches_its_left_and_top_edge(squares):
    # 1 inside; 2 on the left edge, 3 on the top; 4 right, 5 bottom: in; 6 on the left edge's lower end, 7 on the top
    # edge's right end: out; 8 elsewhere
    assert counts([frame(40, 40, 80, 80)], squares) == [[1, 4, 5]]


def test_the_lines_go_on_beyond_the_corners():
    labels = np.zeros((100, 100), np.int32)
    labels[82:90, 10:13] = 1  # goes round the lower left corner: only the left edge's line further down is crossed
    labels[87:90, 10:40] = 1
    labels[60:90, 37:40] = 1
    assert counts([frame(30, 20, 80, 80)], labels) == [[]]
    labels[:, :10] = 0
    labels[60:90, :30] = 0  # without the part beyond the line it is in
    assert counts([frame(30, 20, 80, 80)], labels) == [[1]]
    labels[:] = 0
    labels[30:33, 75:90] = labels[5:33, 87:90] = 1  # out by the right edge and up: in ...
    assert counts([frame(30, 20, 80, 80)], labels) == [[1]]
    labels[5:8, 70:90] = 1  # ... but not across the right edge's line further up
    assert counts([frame(30, 20, 80, 80)], labels) == [[]]


def test_frames_side_by_side_count_each_cell_once():
    rng = np.random.default_rng(5)
    labels = ndi.label(ndi.gaussian_filter(rng.random((300, 400)), 4) > 0.505)[0].astype(np.int32)  # of all shapes
    xs, ys = [0, 70, 133.4, 250, 400], [0, 55, 199.7, 300]
    tiles = [frame(xs[i], ys[j], xs[i + 1], ys[j + 1], f"{i} {j}") for i in range(4) for j in range(3)]
    times = np.bincount(np.concatenate(counts(tiles, labels)).astype(int), minlength=labels.max() + 1)
    whole = sorted(set(range(1, labels.max() + 1)) - set(outside_frame(labels)))
    assert len(whole) > 50
    assert np.flatnonzero(times).tolist() == whole
    assert times.max() == 1
    assert counts([frame(0, 0, 400, 300)], labels) == [whole]  # the image itself
    assert areas_px(tiles, (300, 400))[0].sum() == 300 * 400


def test_a_polygon_counts_by_the_cells_centres(squares):
    left = Region(name="left", kind="polygon", points=((0, 0), (60.5, 0), (60.5, 120), (0, 120)))
    right = Region(name="right", kind="polygon", points=((60.5, 0), (120, 0), (120, 120), (60.5, 120)))
    assert counts([left, right], squares) == [[1, 2, 3, 5, 6, 8], [4, 7]]  # the centres of 1, 3 and 5 are at x = 60


def test_what_is_excluded_counts_nowhere_and_has_no_area(squares):
    smudge = Region(name="smudge", kind="excluded", points=((50, 50), (70, 50), (70, 70), (50, 70)))
    assert counts([frame(40, 40, 80, 80), smudge], squares) == [[4, 5], [1]]
    sizes, out = areas_px([frame(40, 40, 80, 80), smudge], squares.shape)
    assert (sizes.tolist(), out) == ([1600 - 400, 400], 400)
    assert excluded_cells([smudge], np.array([[59.5, 59.5], [80, 59.5]])).tolist() == [True, False]


def test_areas_end_with_the_image_and_are_those_of_pixel_middles():
    triangle = Region(name="t", kind="polygon", points=((0, 0), (100, 0), (0, 100)))
    assert polygon_area(triangle.outline) == 5000
    sizes, _ = areas_px([frame(-50, -50, 10, 20), frame(200, 200, 300, 300, "B"), triangle], (120, 120))
    assert sizes.tolist()[:2] == [200, 0]
    assert sizes[2] == pytest.approx(5000, abs=60)
    assert areas_px([], (3, 4))[0].tolist() == []


def test_regions_without_cells_and_images_without_regions(squares):
    assert counts([frame(0, 0, 4, 4)], squares) == [[]]
    assert counts([], squares) == []
    assert counts([frame(0, 0, 50, 50)], np.zeros((60, 60), np.int32)) == [[]]
    assert counts([frame(500, 500, 600, 600)], squares) == [[]]


def test_a_region_is_read_back_and_a_wrong_one_says_what_is_wrong():
    region = Region(name="  upper\nleft ", kind="frame", points=((10, 20.1234), (3, 4)))
    assert (region.name, region.points) == ("upper left", ((3.0, 4.0), (10.0, 20.12)))
    assert Region.from_json(region.to_json()) == region
    assert read_regions(write_regions([region])) == (region,)
    assert (read_regions(""), write_regions([])) == ((), "")
    for text in ("{}", "[1]", "nonsense", '[{"name": "A"}]'):
        with pytest.raises(SettingsError):
            read_regions(text)
    for points in [((10, 20), (10, 4)), ((1, 2),), (("a", 1), (2, 3)), 5, ((0, 0), (float("nan"), 3))]:
        with pytest.raises(SettingsError, match="points"):
            Region(name="A", kind="frame", points=points)
    with pytest.raises(SettingsError, match="three corners"):
        Region(name="A", kind="polygon", points=((10, 20), (3, 4)))
    with pytest.raises(SettingsError, match="name"):
        Region(name=" ", kind="frame", points=((0, 0), (3, 4)))
    with pytest.raises(SettingsError, match="kind"):
        Region(name="A", kind="circle", points=((0, 0), (3, 4)))
