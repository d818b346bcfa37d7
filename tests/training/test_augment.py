"""Every augmentation by itself: its formula with known draws, its range, and how often it comes."""

import cv2
import numpy as np
import pytest

from bccseg.config import AugmentConfig
from bccseg.imaging.cell_shape import cell_shapes
from bccseg.training import augment
from bccseg.training.augment import (
    Turn,
    augment_appearance,
    augment_camera,
    augment_illumination,
    augment_stain,
    random_turn,
)
from tests.training.draws import Draws

OFF = AugmentConfig(
    stain=0, illumination=0, veil=0, blur=0, noise=0, jpeg=False, low_resolution=False, grey=0, flip=False,
    rotate90=False,
)  # fmt: skip


def crop(seed=0, side=16):
    return (0.3 + 0.7 * np.random.default_rng(seed).random((side, side, 3))).astype(np.float32)


def test_nothing_is_changed_where_everything_is_off():
    image = crop()
    for seed in range(5):
        out = augment_appearance(image, OFF, np.random.default_rng(seed))
        assert (out == image).all()
        assert random_turn(OFF, np.random.default_rng(seed)) == (0, 1, 1)
    assert out.dtype == np.float32
    assert out.flags.c_contiguous


def test_arrays_are_turned_then_flipped():
    mask = np.arange(256, dtype=np.float32).reshape(16, 16)
    assert (random_turn(AugmentConfig(), Draws(1, -1, 1)).array(mask) == np.rot90(mask, 1)[::-1]).all()
    assert (random_turn(AugmentConfig(rotate90=False), Draws(1, -1)).array(mask) == mask[:, ::-1]).all()
    assert (random_turn(AugmentConfig(flip=False), Draws(3)).array(mask) == np.rot90(mask, 3)).all()
    draws = Draws(0, 1, 1)
    random_turn(AugmentConfig(), draws)
    assert draws.asked == [("integers", 4), ("choice", [-1, 1]), ("choice", [-1, 1])]
    seen = {random_turn(AugmentConfig(), np.random.default_rng(s)).array(mask).tobytes() for s in range(200)}
    assert len(seen) == 8  # every symmetry of the square


@pytest.mark.parametrize("turn", [Turn(t, d, a) for t in range(4) for d in (1, -1) for a in (1, -1)])
def test_cells_turn_with_their_picture(turn):
    labels = np.zeros((20, 20), np.int32)
    labels[2:5, 3:11], labels[9:12, 9:12], labels[12:17, 12:15] = 1, 2, 2
    found, measured = turn.shapes(cell_shapes(labels), 20), cell_shapes(turn.array(labels))
    assert found.centre[1:] == pytest.approx(measured.centre[1:], abs=1e-4)
    assert found.spread == pytest.approx(measured.spread, abs=1e-4)


def test_a_stain_change_is_a_gain_and_a_mixing_of_optical_densities():
    image = crop()
    mix, gains = np.array([[0.1, 0.2, 0], [0, -0.1, 0], [0, 0.05, 0.2]]), np.array([0.1, -0.2, 0.3])
    draws = Draws(mix, gains, 0.25, 0.9)
    out = augment_stain(image, 0.4, draws)
    assert draws.asked == [("normal", 0, 0.2, (3, 3)), ("normal", 0, 0.4, 3), ("uniform", -1, 0.5), ("random",)]
    density = -np.log(image) @ ((np.eye(3) + mix) * (np.exp(gains) * np.exp(0.25)))
    assert out == pytest.approx(np.exp(-density), rel=1e-4)
    swapped = augment_stain(image, 0.4, Draws(mix, gains, 0.25, 0.14, np.array([2, 0, 1])))
    density = -np.log(image) @ ((np.eye(3) + mix)[[2, 0, 1]] * (np.exp(gains) * np.exp(0.25)))
    assert swapped == pytest.approx(np.exp(-density), rel=1e-4)
    white = np.ones((4, 4, 3), np.float32)
    assert augment_stain(white, 1.0, np.random.default_rng(0)) == pytest.approx(white)
    nothing = np.zeros((3, 3)), np.zeros(3)
    dark = augment_stain(np.zeros((2, 2, 3), np.float32), 0.4, Draws(*nothing, 0.0, 0.9))
    assert dark == pytest.approx(np.full((2, 2, 3), 0.02))  # darker is not told apart
    assert augment_stain(np.full((2, 2, 3), 9, np.float32), 0.4, Draws(*nothing, 0.0, 0.9)) == pytest.approx(
        np.exp(0.3)  # brighter than white only so far
    )
    assert augment_stain(np.full((2, 2, 3), 9, np.float32), 0.4, Draws(*nothing, -1.0, 0.9)) == pytest.approx(
        1.5 ** np.exp(-1)
    )
    assert augment_stain(np.full((2, 2, 3), 0.02, np.float32), 1, Draws(*nothing, 0.5, 0.9)) == pytest.approx(
        np.exp(-4)
    )


def test_uneven_light_is_a_smooth_field_times_the_colour_of_the_lamp():
    image, h = np.ones((5, 9, 3), np.float32), np.array([0.2, -0.4, 0.1, 0.3])
    tint = np.array([0.8, 0.9, 1.05])
    draws = Draws(h, tint)
    out = augment_illumination(image, 0.4, draws)
    assert draws.asked == [("uniform", -0.4, 0.4, 4), ("uniform", 0.8, 1.05, 3)]
    y, x = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 9), indexing="ij")
    a, b, c, d = h / 2
    light = 1 + a * x + b * y + c * x * y + d * (x * x + y * y - 0.67)
    assert out == pytest.approx(light[..., None] * tint, rel=1e-5)
    assert out.dtype == np.float32


def test_cameras_have_fewer_pixels_softer_or_sharper_focus_noise_and_jpeg():
    image = crop(side=20)
    low = OFF.replace(low_resolution=True)
    out = augment_camera(image, low, draws := Draws(0.29, 0.5))
    assert draws.asked == [("random",), ("uniform", 0.35, 0.9)]
    small = cv2.resize(image, (10, 10), interpolation=cv2.INTER_AREA)
    assert (out == cv2.resize(small, (20, 20), interpolation=cv2.INTER_LINEAR)).all()
    assert (augment_camera(image, low, Draws(0.31)) == image).all()

    blur = OFF.replace(blur=1.5)
    out = augment_camera(image, blur, draws := Draws(0.34, 1.1))
    assert draws.asked == [("random",), ("uniform", 0.3, 1.5)]
    assert (out == cv2.GaussianBlur(image, (0, 0), 1.1)).all()
    out = augment_camera(image, blur, draws := Draws(0.36, 0.19, 0.7))
    assert draws.asked == [("random",), ("random",), ("uniform", 0.3, 1.2)]
    assert out == pytest.approx(image + 0.7 * (image - cv2.GaussianBlur(image, (0, 0), 1.5)))
    assert (augment_camera(image, blur, Draws(0.36, 0.21)) == image).all()

    noise, grain = OFF.replace(noise=0.05), np.full((20, 20, 3), 2, np.float32)
    out = augment_camera(image, noise, draws := Draws(0.49, grain, 0.03))
    assert draws.asked == [("random",), ("standard_normal", (20, 20, 3), np.float32), ("uniform", 0, 0.05)]
    assert out == pytest.approx(image + 0.06)
    assert (augment_camera(image, noise, Draws(0.51)) == image).all()

    out = augment_camera(image, OFF.replace(jpeg=True), draws := Draws(0.19, 60))
    assert draws.asked == [("random",), ("integers", 25, 90)]
    pixels = np.clip(image * 230, 0, 255).astype(np.uint8)
    again = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    assert (out == again.astype(np.float32) / 230).all()
    assert (augment_camera(image, OFF.replace(jpeg=True), Draws(0.21)) == image).all()


def test_each_look_comes_as_often_as_its_share(monkeypatch):
    calls = []
    for name in ("augment_stain", "augment_illumination"):
        monkeypatch.setattr(augment, name, lambda image, *_, name=name: calls.append(name) or image)
    monkeypatch.setattr(augment, "augment_camera", lambda image, *_: image)
    look = OFF.replace(stain=0.2, stain_share=0.9, illumination=0.2, illumination_share=0.3)
    for seed in range(400):
        augment_appearance(crop(side=2), look, np.random.default_rng(seed))
    assert calls.count("augment_stain") / 400 == pytest.approx(0.9, abs=0.05)
    assert calls.count("augment_illumination") / 400 == pytest.approx(0.3, abs=0.08)


def test_grey_and_haze_by_their_formulas():
    image = crop()
    out = augment_appearance(image, OFF.replace(grey=0.1), Draws(0.09))
    assert out == pytest.approx(np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2))
    assert (augment_appearance(image, OFF.replace(grey=0.1), Draws(0.11)) == image).all()
    veil = OFF.replace(veil=0.2, veil_share=0.4)
    tint = np.array([0.5, 0.75, 1.0])
    out = augment_appearance(image, veil, draws := Draws(0.39, 0.15, tint))
    assert draws.asked == [("random",), ("uniform", 0, 0.2), ("uniform", 0.5, 1, 3)]
    assert out == pytest.approx(image * (1 - 0.15 * tint) + 0.15 * tint, rel=1e-5)
    assert (augment_appearance(image, veil, Draws(0.41)) == image).all()
    bright = augment_appearance(np.full((2, 2, 3), 9, np.float32), OFF, np.random.default_rng(0))
    assert (bright == 1.5).all()
    assert (augment_appearance(np.full((2, 2, 3), -1, np.float32), OFF, np.random.default_rng(0)) == 0).all()


@pytest.mark.parametrize(
    ("part", "draw", "change"),
    [
        ({"low_resolution": True}, (0.3,), (0.2999, 0.5)),
        ({"blur": 1.0}, (0.35, 0.2), (0.3499, 0.9)),
        ({"blur": 1.0}, (0.35, 0.2), (0.35, 0.1999, 1.0)),
        ({"noise": 0.1}, (0.5,), (0.4999, np.ones((12, 18, 3), np.float32), 0.05)),
        ({"jpeg": True}, (0.2,), (0.1999, 30)),
        ({"grey": 0.6}, (0.6,), (0.5999,)),
        ({"veil": 0.5, "veil_share": 0.7}, (0.7,), (0.6999, 0.4, np.ones(3))),
        ({"stain": 0.1, "stain_share": 0.6}, (0.6,), (0.5999, np.zeros((3, 3)), np.ones(3), 0.1, 0.5)),
        ({"illumination": 0.2, "illumination_share": 0.4}, (0.4,), (0.3999, np.full(4, 0.1), np.full(3, 0.9))),
    ],
)  # fmt: skip
def test_each_part_by_itself_comes_below_its_share_and_not_at_it(part, draw, change):
    image = crop(side=18)[:12]
    look = OFF.replace(**part)
    left = Draws(*draw)
    assert (augment_appearance(image, look, left) == image).all()
    drawn = Draws(*change)
    out = augment_appearance(image, look, drawn)
    assert left.values == drawn.values == []  # nothing else was drawn
    assert np.abs(out - image).max() > 0.01
    assert out.shape == image.shape
    assert out.dtype == np.float32
    assert out.flags.c_contiguous


@pytest.mark.parametrize(
    ("part", "share"),
    [
        ({"low_resolution": True}, 0.3),
        ({"blur": 3.0}, 0.35 + 0.65 * 0.2),
        ({"noise": 0.1}, 0.5),
        ({"jpeg": True}, 0.2),
        ({"grey": 0.1}, 0.1),
        ({"stain": 0.25}, 0.9),
        ({"illumination": 0.25}, 0.8),
        ({"veil": 0.2}, 0.4),
    ],
)
def test_over_many_seeds_each_part_changes_its_share_of_the_crops(part, share):
    image, look = crop(side=8), OFF.replace(**part)
    changed = [(augment_appearance(image, look, np.random.default_rng(s)) != image).any() for s in range(1200)]
    assert np.mean(changed) == pytest.approx(share, abs=0.045)


def test_stain_grey_light_haze_and_camera_follow_each_other(monkeypatch):
    image, order = crop(side=6), []
    for name, factor in (
        ("augment_stain", 0.9),
        ("augment_illumination", np.array([1.0, 0.8, 0.6])),
        ("augment_camera", 0.5),
    ):

        def change(values, strength, rng, name=name, factor=factor):
            order.append((name, strength, rng))
            return values * factor

        monkeypatch.setattr(augment, name, change)
    look = AugmentConfig(stain=0.15, illumination=0.35, veil=0.3, grey=0.2)
    draws = Draws(0.1, 0.1, 0.1, 0.1, 0.2, np.array([0.5, 0.75, 1.0]))
    out = augment_appearance(image, look, draws)
    assert order == [
        ("augment_stain", 0.15, draws), ("augment_illumination", 0.35, draws), ("augment_camera", look, draws)
    ]  # fmt: skip
    assert [method for method, *_ in draws.asked] == ["random"] * 4 + ["uniform"] * 2
    grey = 0.9 * image.mean(axis=2, keepdims=True) * [1.0, 0.8, 0.6]
    haze = 0.2 * np.array([0.5, 0.75, 1.0])
    assert out == pytest.approx(0.5 * (grey * (1 - haze) + haze), rel=1e-5)


def test_a_look_is_contiguous_single_precision_whatever_came_in():
    turned = crop().astype(np.float64)[::-1, ::-1]
    out = augment_appearance(turned, OFF, np.random.default_rng(0))
    assert out.dtype == np.float32
    assert out.flags.c_contiguous
    assert out == pytest.approx(turned)


def test_colours_survive_the_camera_and_what_no_file_can_hold_is_cut_off():
    flat = np.full((16, 16, 3), (1.4, 0.5, -0.2), np.float32)
    out = augment_camera(flat, OFF.replace(jpeg=True), Draws(0.1, 89))
    assert out[8, 8] == pytest.approx([255 / 230, 0.5, 0], abs=0.02)
    assert out.dtype == np.float32
    grey = np.repeat(crop(side=32)[..., :1], 3, axis=2)  # JPEG blurs colours whatever the quality
    rough, fine = (augment_camera(grey, OFF.replace(jpeg=True), Draws(0.1, q)) for q in (25, 89))
    assert np.abs(fine - grey).mean() < 0.4 * np.abs(rough - grey).mean()


def test_blurring_flattens_and_sharpening_steepens():
    image, blur = crop(side=24), OFF.replace(blur=1.5)

    def steepness(values):
        return np.abs(np.diff(values, axis=1)).mean()

    assert steepness(augment_camera(image, blur, Draws(0.1, 1.5))) < 0.4 * steepness(image)
    assert steepness(augment_camera(image, blur, Draws(0.9, 0.1, 0.3))) > 1.2 * steepness(image)
    assert steepness(augment_camera(image, OFF.replace(low_resolution=True), Draws(0.1, 0.35))) < 0.5 * steepness(image)


def test_the_channels_trade_places_in_one_crop_of_seven():
    image, asked = np.full((1, 1, 3), 0.5, np.float32), 0
    for seed in range(2000):
        rng, same = np.random.default_rng(seed), np.random.default_rng(seed)
        augment_stain(image, 0.1, rng)
        same.normal(size=9), same.normal(size=3), same.uniform(), same.random()
        asked += rng.random() != same.random()
    assert asked / 2000 == pytest.approx(0.15, abs=0.025)
    nothing = np.zeros((3, 3)), np.zeros(3), 0.0
    assert augment_stain(image, 0.1, Draws(*nothing, 0.15)) == pytest.approx(image)
    assert augment_stain(image, 0.1, Draws(*nothing, 0.15)).dtype == np.float32
