"""What is drawn on crops and is no cell: its formulas with known draws, and what it does to real crops."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from bccseg.config import AugmentConfig, NetworkConfig, TrainConfig
from bccseg.training import debris
from bccseg.training.crops import CropDataset
from bccseg.training.debris import LAYERS, add_debris, cloud, grains, smudge, thread
from bccseg.training.pairs import find_pairs
from bccseg.training.training_image import load_training_image
from tests.training.draws import Draws

DIAMETER = 40.0
SHAPE = (160, 200)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_stays_in_its_range_and_depends_on_its_seed_alone(kind):
    drawn = [LAYERS[kind](SHAPE, DIAMETER, np.random.default_rng(s)) for s in (*range(20), 3)]
    assert all(layer.shape == SHAPE and layer.dtype == np.float32 for layer in drawn)
    assert min(layer.min() for layer in drawn) >= 0
    assert 0.5 < max(layer.max() for layer in drawn) <= 1.5
    assert (drawn[3] == drawn[-1]).all()
    assert (drawn[3] != drawn[4]).any()


def test_grains_are_smaller_than_cells_and_smudges_have_soft_edges():
    for seed in range(20):
        dots = LAYERS["grains"](SHAPE, DIAMETER, np.random.default_rng(seed)) > 0.15
        deepest = cv2.distanceTransform(dots.astype(np.uint8), cv2.DIST_L2, 5).max()
        assert deepest < 0.25 * DIAMETER  # even where dots meet
        smudge = LAYERS["smudge"]((640, 800), 4 * DIAMETER, np.random.default_rng(seed))
        steepest = max(abs(np.diff(smudge, axis=a)).max() for a in (0, 1))
        assert steepest < 0.25 * max(0.1, smudge.max())  # a cell's rim would be near 1


def test_debris_only_takes_light_and_spares_cells_under_a_smudge():
    white, nowhere, everywhere = np.ones((*SHAPE, 3), np.float32), np.zeros(SHAPE), np.ones(SHAPE, np.float32)
    for seed in range(20):
        empty = add_debris(white, nowhere.astype(np.float32), DIAMETER, np.random.default_rng(seed))
        covered = add_debris(white, everywhere, DIAMETER, np.random.default_rng(seed))
        assert empty.dtype == np.float32
        assert (empty <= 1).all()
        assert empty.min() > 0
        assert (covered >= empty - 1e-6).all()


def test_debris_changes_the_picture_and_not_the_truth(drawn_dataset):
    def crops(share):
        look = AugmentConfig(
            stain=0, illumination=0, veil=0, blur=0, noise=0, jpeg=False, low_resolution=False, grey=0,
            debris_share=share, flip=False, rotate90=False,
        )  # fmt: skip
        config = TrainConfig(
            network=NetworkConfig(width=4, depth=2), augment=look, crop_px=96, steps_per_epoch=5, batch_size=2
        )
        images = [load_training_image(*pair, config) for pair in find_pairs(drawn_dataset)]
        return [CropDataset(images, config)[0, k] for k in range(10)]

    for clean, dirty in zip(crops(0), crops(1), strict=True):
        assert (clean[0] != dirty[0]).any()
        assert (clean[1] == dirty[1]).all()
        assert (clean[2] == dirty[2]).all()


def test_layers_add_up_in_optical_density_and_a_smudge_is_fainter_on_a_cell(monkeypatch):
    rng, sizes = np.random.default_rng(5), []
    crop, cells = rng.random((2, 6, 8, 3), np.float32)
    cells = cells[..., 0]
    layers = {kind: rng.random((6, 8), np.float32) for kind in LAYERS}
    for kind in LAYERS:
        monkeypatch.setitem(LAYERS, kind, lambda *args, kind=kind: sizes.append(args) or layers[kind])
    tints = np.array([[0.1, -0.2, 0.3], [0, 0.4, -0.1], [-0.3, 0.2, 0.1]])
    draws = Draws(3, tints[0], "grains", tints[1], "smudge", tints[2], "thread")
    out = add_debris(crop, cells, 40.0, draws)
    one = [("normal", 0, 0.3, 3), ("choice", ["grains", "smudge", "thread"], [0.45, 0.45, 0.1])]
    assert draws.asked == [("integers", 1, 5), *one * 3]
    assert sizes == [((6, 8), 40.0, draws)] * 3
    faint = layers["smudge"] * (1 - 0.6 * cells)
    density = sum(
        layer[..., None] * [0.65, 1.0, 0.45] * np.exp(tint)
        for layer, tint in zip((layers["grains"], faint, layers["thread"]), tints, strict=True)
    )
    assert out == pytest.approx(crop * np.exp(-density), rel=1e-5)
    assert out.dtype == np.float32


def test_one_to_four_kinds_are_drawn_mostly_grains_and_smudges(monkeypatch):
    drawn = []
    for kind in LAYERS:
        layer = np.zeros((2, 2), np.float32)
        monkeypatch.setitem(LAYERS, kind, lambda *_, kind=kind, layer=layer: drawn[-1].append(kind) or layer)
    for seed in range(1000):
        drawn.append([])
        add_debris(np.ones((2, 2, 3), np.float32), np.zeros((2, 2), np.float32), 40.0, np.random.default_rng(seed))
    numbers = np.bincount([len(kinds) for kinds in drawn], minlength=6) / 1000
    assert numbers == pytest.approx([0, 0.25, 0.25, 0.25, 0.25, 0], abs=0.05)
    every = [kind for kinds in drawn for kind in kinds]
    shares = [every.count(kind) / len(every) for kind in ("grains", "smudge", "thread")]
    assert shares == pytest.approx([0.45, 0.45, 0.1], abs=0.03)


def canvas():
    return np.zeros((60, 80), np.float32)


@pytest.mark.parametrize(
    ("diameter", "sigma", "axes"),
    [(40.0, 0.8, [(4, 3), (6, 4), (4, 4)]), (10.0, 0.4, [(1, 1), (2, 1), (1, 1)])],
    ids=["cells of 40 px", "cells of 10 px"],
)
def test_grains_are_ellipses_around_a_middle_where_the_denser_one_counts(diameter, sigma, axes):
    draws = Draws(
        0.5, np.array([30.0, 40.0]), 3,
        np.array([0.6, -1.4]), 0.1, 0.7, 20.0, 0.6,
        np.array([3.0, 2.0]), 0.15, 0.6, 125.0, 1.4,
        np.array([30.0, -25.0]), 0.1, 1.0, 0.0, 0.4,
    )  # fmt: skip
    out = grains((60, 80), diameter, draws)
    first = [("choice", [0.2, 0.5, 4.0]), ("uniform", (0, 0), (80, 60)), ("integers", 1, 13)]
    spread = ("normal", 0, diameter / 2, 2)
    size = [("uniform", 0.025, 0.15), ("uniform", 0.6, 1), ("uniform", 0, 180), ("uniform", 0.3, 1.5)]
    assert draws.asked == [*first, *[spread, *size] * 3]
    dots = [
        cv2.ellipse(canvas(), centre, pair, angle, 0, 360, depth, -1)
        for centre, pair, angle, depth in zip(
            [(31, 39), (33, 42), (60, 15)], axes, [20.0, 125.0, 0.0], [0.6, 1.4, 0.4], strict=True
        )
    ]
    assert out == pytest.approx(cv2.GaussianBlur(np.max(dots, axis=0), (0, 0), sigma), abs=1e-6)
    assert out.dtype == np.float32


@pytest.mark.parametrize("diameter", [2.0, 60.0])
def test_even_the_smallest_grain_is_drawn(diameter):
    out = grains((60, 80), diameter, Draws(0.2, np.array([40.0, 30.0]), 1, np.zeros(2), 0.025, 0.6, 0.0, 1.0))
    size = max(1, round(diameter * 0.025))
    dot = cv2.ellipse(canvas(), (40, 30), (size, 1), 0, 0, 360, 1.0, -1)
    assert out == pytest.approx(cv2.GaussianBlur(dot, (0, 0), max(0.4, 0.02 * diameter)), abs=1e-6)


def test_a_smudge_is_a_ragged_ellipse_with_a_soft_edge_and_an_uneven_inside(monkeypatch):
    asked, rng = [], np.random.default_rng(2)
    clouds = [rng.normal(0, 1, (30, 40)).astype(np.float32) for _ in range(3)]
    given = iter(clouds)
    monkeypatch.setattr(debris, "cloud", lambda *args: asked.append(args) or next(given))
    draws = Draws(np.log(0.5), 0.7, 1.5, 18.0, 13.0, 0.2, 0.6)
    out = smudge((30, 40), 10.0, draws)
    assert draws.asked == [
        ("uniform", np.log(0.25), np.log(1.5)), ("uniform", 0, np.pi), ("uniform", 1, 2.5), ("uniform", 0, 40),
        ("uniform", 0, 30), ("uniform", 0.12, 0.5), ("uniform", 0.15, 1.0),
    ]  # fmt: skip
    assert [(shape, generator) for shape, _, generator in asked] == [((30, 40), draws)] * 3
    assert [grain for _, grain, _ in asked] == pytest.approx([4.0, 1.2, 1.5])
    y, x = np.meshgrid(np.arange(30) - 13.0, np.arange(40) - 18.0, indexing="ij")
    along, across = x * np.cos(0.7) + y * np.sin(0.7), 1.5 * (y * np.cos(0.7) - x * np.sin(0.7))
    edge = (np.sqrt(along**2 + across**2) / 5.0 - 1 + 0.45 * clouds[0] + 0.25 * clouds[1]) / 0.2
    texture = 0.7 + 0.4 * clouds[2]
    assert texture.min() < 0.1  # both limits are met
    assert texture.max() > 1.5
    assert edge.max() > 30
    expected = 0.6 * np.clip(texture, 0.1, 1.5) / (1 + np.exp(np.minimum(edge, 30)))
    assert out == pytest.approx(expected, rel=1e-3, abs=0)
    assert out.dtype == np.float32


@pytest.mark.parametrize(("diameter", "width", "sigma"), [(50.0, 4, 1.0), (10.0, 1, 0.4), (5.0, 1, 0.4)])
def test_a_thread_is_an_open_bent_line(diameter, width, sigma):
    ends = np.array([[5.0, 5.0], [70.0, 10.0], [60.0, 50.0]])
    draws = Draws(ends, 0.074, 0.5)
    out = thread((60, 80), diameter, draws)
    assert draws.asked == [("uniform", (0, 0), (80, 60), (3, 2)), ("uniform", 0.03, 0.1), ("uniform", 0.1, 0.6)]
    points = []
    for k in range(24):
        t = k / 23
        begin, end = ends[0] + t * (ends[1] - ends[0]), ends[1] + t * (ends[2] - ends[1])
        points.append(np.round(begin + t * (end - begin)))  # de Casteljau
    line = canvas()
    for one, other in pairwise(points):
        cv2.line(line, one.astype(int).tolist(), other.astype(int).tolist(), 0.5, width)
    assert out == pytest.approx(cv2.GaussianBlur(line, (0, 0), sigma), abs=1e-6)
    assert out.dtype == np.float32


def test_a_cloud_is_smooth_noise_of_the_size_asked_for():
    noise = np.random.default_rng(3).standard_normal((5, 8), np.float32)
    draws = Draws(noise)
    out = cloud((11, 21), 4.0, draws)
    assert draws.asked == [("standard_normal", (5, 8), np.float32)]  # 11 / 4 + 3 by 21 / 4 + 3 lumps
    assert (out == cv2.resize(noise, (21, 11), interpolation=cv2.INTER_CUBIC)).all()
    large = cloud((400, 400), 8.0, np.random.default_rng(0))
    assert abs(large.mean()) < 0.1
    assert 0.6 < large.std() < 1.2
