"""Drawn smears have the cells, colours, light and noise they promise."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from bccseg.imaging import synthetic
from bccseg.imaging.label_image import areas, border_ids, equivalent_diameter, separated_mask
from bccseg.imaging.measure import measure_cells
from bccseg.imaging.synthetic import Stain, draw_smear

ONE = np.ones(3, np.float32)


@pytest.fixture(scope="module")
def apart():
    """Many small cells that do not touch."""
    return draw_smear((420, 400), cells=200, diameter_px=14, seed=2, touching=False)


def test_what_is_not_said_has_known_defaults():
    image, labels = draw_smear(cells=2)
    same = draw_smear((600, 800), 2, 64.0, 1, Stain((0.93, 0.91, 0.92), (0.80, 0.55, 0.62)), touching=True)
    assert np.array_equal(image, same[0])
    assert np.array_equal(labels, same[1])
    assert (image.dtype, labels.dtype, image.shape) == (np.uint8, np.int32, (600, 800, 3))
    assert draw_smear((150, 160), diameter_px=6)[1].max() == 70
    assert Stain().white_cell == ((0.80, 0.66, 0.82), (0.55, 0.38, 0.68))


def test_another_seed_is_another_smear():
    (one, a), (other, b) = (draw_smear((60, 80), 6, 14, seed) for seed in (1, 2))
    assert (one != other).mean() > 0.5
    assert (a != b).any()


def test_cells_are_drawn_until_they_are_enough_or_have_no_room():
    assert draw_smear((60, 60), cells=0, diameter_px=20)[1].max() == 0
    assert draw_smear((60, 60), cells=1, diameter_px=20)[1].max() == 1
    assert 2 <= draw_smear((50, 50), cells=60, diameter_px=20)[1].max() < 15


def test_the_first_cell_is_white_and_half_as_wide_again_in_the_middle():
    places = []
    for seed in range(60):
        table = measure_cells(*draw_smear((60, 90), cells=1, diameter_px=12, seed=seed)[::-1])
        assert len(table) == 1
        assert table.loc[0, "equivalent_diameter_px"] == pytest.approx(18, abs=0.5)
        places.append((table.loc[0, "centroid_x_px"] / 90, table.loc[0, "centroid_y_px"] / 60))
    low, high = np.min(places, axis=0), np.max(places, axis=0)
    assert ((low >= 0.29) & (low < 0.36)).all()
    assert ((high > 0.64) & (high <= 0.71)).all()


def test_red_cells_vary_by_seven_percent_about_the_diameter_asked_for(apart):
    _, labels = apart
    whole = np.setdiff1d(np.arange(2, labels.max() + 1), border_ids(labels))
    diameters = equivalent_diameter(areas(labels)[whole])
    assert labels.max() == 200
    assert np.mean(diameters) == pytest.approx(14, rel=0.02)
    assert 0.055 < np.std(diameters) / np.mean(diameters) < 0.085
    assert equivalent_diameter(areas(labels)[1]) == pytest.approx(21, rel=0.02)


def test_cells_lie_all_over_the_image(apart):
    rows, columns = np.array(ndi.center_of_mass(apart[1] > 0, apart[1], range(2, 201))).T
    assert np.histogram(rows, 4, (0, 420))[0].min() > 30
    assert np.histogram(columns, 4, (0, 400))[0].min() > 30
    assert len(border_ids(apart[1])) > 8


def test_cells_are_stretched_up_to_1_18_either_way(apart):
    table = measure_cells(apart[1], apart[0]).loc[1:]
    table = table[~table["touches_border"]]
    ratio = table["major_axis_px"] / table["minor_axis_px"]
    assert 1.33 < ratio.max() < 1.45
    assert ratio.min() < 1.06
    assert 1.12 < ratio.median() < 1.25  # uniform stretch: its square at the middle is 1.19
    angles = np.array([shape_angle(apart[1] == cell) for cell in table["cell_id"][ratio > 1.2]])
    assert (np.histogram(angles % np.pi, 4, (0, np.pi))[0] > 5).all()


def shape_angle(mask):
    y, x = np.nonzero(mask)
    xx, yy, xy = np.var(x), np.var(y), np.mean((x - x.mean()) * (y - y.mean()))
    return np.arctan2(2 * xy, xx - yy) / 2


def gaps(labels):
    """Distances between the edges of equal circles at the cells' places, each pair of whole cells once."""
    inner = np.setdiff1d(np.arange(1, labels.max() + 1), border_ids(labels))
    place = np.array(ndi.center_of_mass(labels > 0, labels, inner))
    radius = equivalent_diameter(areas(labels)[inner]) / 2
    far = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)) - radius[:, None] - radius[None]
    return far[np.triu_indices(len(far), 1)]


def test_cells_keep_three_pixels_apart_or_overlap_by_six_percent(apart):
    assert 2.7 < gaps(apart[1]).min() < 3.6
    _, crowded = draw_smear((200, 200), cells=60, diameter_px=20, seed=3)
    touching = (separated_mask(crowded) > 0) != (crowded > 0)
    assert touching.any()
    assert -1.2 - 0.8 < gaps(crowded).min() < -0.4  # 0.06 of 20 px
    assert ((separated_mask(apart[1]) > 0) == (apart[1] > 0)).all()


def test_slivers_at_the_border_are_no_cells():
    for seed in range(25):
        _, labels = draw_smear((70, 70), cells=8, diameter_px=20, seed=seed)
        assert areas(labels)[1:].min() >= 0.02 * 400


def test_cells_hold_the_stain_that_was_asked_for():
    stain = Stain((0.9, 0.8, 0.7), (0.9, 0.4, 0.7), ((0.3, 0.8, 0.7), (0.9, 0.8, 0.1)))
    image, labels = draw_smear((160, 160), cells=6, diameter_px=40, seed=4, stain=stain, touching=False)
    density = -np.log(image.clip(1) / 255 / np.array(stain.background))
    red = ndi.binary_erosion(labels > 1, iterations=3)
    assert density[red].mean(axis=0)[1] > 0.3
    assert np.abs(density[red].mean(axis=0)[[0, 2]]).max() < 0.1
    white = ndi.binary_erosion(labels == 1, iterations=3)
    nucleus = white & (density[..., 2] > 0.9)
    assert density[white, 0] == pytest.approx(np.log(3), abs=0.35)  # 0.85 to 1.15 of the stain, the same all over
    assert np.std(density[white, 0]) < 0.1
    assert 0.3 < nucleus.sum() / white.sum() < 0.75
    assert density[nucleus, 2].mean() == pytest.approx(np.log(7), rel=0.15)


@pytest.mark.parametrize("pale", [True, False])
def test_a_cell_is_thick_at_its_rim_and_pale_in_the_middle(pale):
    middles, rims = [], []
    for seed in range(150):
        outline, depth = synthetic._cell_profile((50, 60), 33, 22, 20, np.random.default_rng(seed), pale=pale)
        assert (outline.dtype, depth.dtype) == (bool, np.float32)
        assert outline.sum() == pytest.approx(400 * np.pi, rel=0.02)
        assert ndi.center_of_mass(outline) == pytest.approx((22, 33), abs=0.2)
        rim = depth[outline].max()
        middles.append(1 - depth[22, 33] / rim)
        rims.append(rim)
        if pale:
            share = (1 - depth[outline] / rim) / middles[-1]  # e^-(r / 0.42)²: above 1 / e within 0.42 of the radius
            assert (share > np.exp(-1)).mean() == pytest.approx(0.42**2, abs=0.012)
    assert np.min(rims) == pytest.approx(0.85, abs=0.015)
    assert np.max(rims) == pytest.approx(1.15, abs=0.015)
    assert (np.min(middles), np.max(middles)) == pytest.approx((0.35, 0.75) if pale else (0, 0), abs=0.02)


def test_a_nucleus_has_three_lobes_within_its_cell():
    yy, xx = np.mgrid[:120, :140]
    inside = (xx - 70) ** 2 + (yy - 60) ** 2 <= 40**2
    inside[:30] = False
    for seed in range(8):
        density = np.zeros((120, 140, 3), np.float32)
        blue = np.array([1, 2, 0], np.float32)
        synthetic._draw_nucleus(density, inside, (70, 60, 40), blue, np.random.default_rng(seed))
        start = np.random.default_rng(seed).uniform(0, 2 * np.pi)
        expected = np.zeros(inside.shape, bool)
        for angle in (start, start + 1.7, start + 3.4):
            expected |= np.hypot(xx - 70 - 16 * np.cos(angle), yy - 60 - 16 * np.sin(angle)) < 16.8
        found = density[..., 0] > 0
        assert not found[~inside].any()
        assert (found & expected).sum() / (found | (expected & inside)).sum() > 0.85
        assert np.array_equal(density[..., 1], 2 * density[..., 0])
        grain = density[found, 0]
        assert grain.mean() == pytest.approx(1, abs=0.1)
        assert np.std(grain) == pytest.approx(0.15, abs=0.05)
        beside = density[:, 1:, 0][found[:, 1:] & found[:, :-1]] - density[:, :-1, 0][found[:, 1:] & found[:, :-1]]
        assert 0.01 < np.std(beside) < 0.035  # clumps of an eighth of the radius: 0.15 / 5


def test_platelets_lie_outside_cells_and_hold_half_the_stain():
    counts, sizes = [], []
    for seed in range(6):
        density, labels = np.zeros((480, 500, 3), np.float32), np.zeros((480, 500), np.int32)
        synthetic._draw_platelets(density, labels, 2 * ONE, 40, np.random.default_rng(seed))
        spots, count = ndi.label(density[..., 0] == 1)
        counts.append(count)
        sizes.extend(equivalent_diameter(areas(spots)[1:]).tolist())
        assert set(np.unique(density).tolist()) <= {0, 1, 2}
    assert max(counts) == 480 * 500 // (12 * 40**2)  # one an area of twelve squares
    assert min(counts) >= 10
    whole = np.array(sizes)
    assert np.quantile(whole, 0.05) > 2 * 0.06 * 40 - 0.8
    assert 2 * 0.105 * 40 < whole.max() < 2 * 0.11 * 40 * 1.3
    labels[:, 250:] = 7
    density[...] = 0
    synthetic._draw_platelets(density, labels, 2 * ONE, 40, np.random.default_rng(1))
    assert density[:, :250].any()
    assert not density[:, 250:].any()


def test_even_a_small_field_has_one_platelet():
    density = np.zeros((40, 40, 3), np.float32)
    synthetic._draw_platelets(density, np.zeros((40, 40), np.int32), ONE, 60, np.random.default_rng(0))
    assert ndi.label(density[..., 0])[1] == 1


def test_the_lamp_falls_off_towards_the_corners_and_is_brighter_on_the_right():
    stain = Stain(background=(0.9, 0.8, 0.6))
    light = synthetic._render(np.zeros((180, 240, 3), np.float32), stain, 40, np.random.default_rng(0)).astype(float)
    y, x = np.mgrid[-1:1:180j, -1:1:240j]
    lamp = 1 - 0.05 * (x * x + y * y) + 0.02 * x
    off = light - 255 * lamp[..., None] * np.array(stain.background)
    for rows in (slice(0, 30), slice(75, 105), slice(150, 180)):
        for columns in (slice(0, 40), slice(100, 140), slice(200, 240)):
            assert off[rows, columns].mean(axis=(0, 1)) == pytest.approx([0, 0, 0], abs=0.25)
    assert off.mean() == pytest.approx(0, abs=0.03)  # rounded, not cut off
    assert off.std() == pytest.approx(0.008 * 255, rel=0.03)
    assert np.abs(np.corrcoef(off.reshape(-1, 3).T) - np.eye(3)).max() < 0.03  # each channel its own noise


def test_light_ends_at_white_and_black():
    for background, value in ((2.0, 255), (1e-6, 0)):
        light = synthetic._render(
            np.zeros((20, 20, 3), np.float32), Stain(background=(background,) * 3), 9, np.random.default_rng(0)
        )
        assert light.dtype == np.uint8
        assert np.median(light) <= value + 2
        assert light.min() >= value - 3 or value == 0
        assert light.max() - int(light.min()) < 12


@pytest.mark.parametrize(("diameter", "sigma"), [(240, 4.0), (30, 0.6), (6, 0.6)])
def test_stain_is_blurred_by_a_sixtieth_of_a_cell(diameter, sigma):
    density = np.zeros((4000, 41, 3), np.float32)
    density[:, 20:] = 1
    light = synthetic._render(density, Stain(background=(1, 1, 1)), diameter, np.random.default_rng(0)) / 255
    y, x = np.mgrid[-1:1:4000j, -1:1:41j]
    profile = -np.log(light.mean(axis=2) / (1 - 0.05 * (x * x + y * y) + 0.02 * x)).mean(axis=0)
    kernel = np.exp(-(np.arange(-20, 21) ** 2) / (2 * sigma**2))
    share = np.cumsum(kernel / kernel.sum())
    assert profile[14:26].tolist() == pytest.approx(share[14:26].tolist(), abs=0.015)
