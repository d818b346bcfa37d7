"""Crops cut from training images: which, where, how large, and always the same."""

import os
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from bccseg.config import SEED_AUGMENT, NetworkConfig, TrainConfig
from bccseg.errors import TrainingError
from bccseg.imaging.cell_shape import cell_shapes
from bccseg.model.build import build_network
from bccseg.training import crop_loader
from bccseg.training.crop_loader import CropLoader, EpochSampler, available_cores, worker_count
from bccseg.training.crops import VALIDATION_CORNERS, Crop, CropDataset, as_tensors, extract_crop, validation_batches
from bccseg.training.initial_weights import base_training_set, initial_network
from bccseg.training.preview import save_preview
from bccseg.training.targets import shape_maps
from bccseg.training.training_image import STORED_DIAMETER
from tests.training.draws import Draws
from tests.training.images import training_image

PLAIN = TrainConfig(crop_px=32, augment=SEED_AUGMENT.replace(flip=False), steps_per_epoch=3, batch_size=4)


def ramp(shape=(90, 120), name="ramp"):
    """An image whose pixels say where they are."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.uint8)
    image = np.stack([y, x, np.full(shape, 200, np.uint8)], axis=-1)
    return training_image(name, image, y, x, np.full(shape, 255, np.uint8), np.array([100, 200, 250], np.float32), 3)


def test_a_crop_is_the_window_that_was_asked_for():
    source = ramp()
    crop = extract_crop(source, (10, 20), 16, 16)
    assert crop.image.dtype == crop.cell.dtype == np.float32
    y, x = np.mgrid[10:26, 20:36]
    assert crop.image == pytest.approx(np.stack([y / 100, x / 200, np.full_like(y, 0.8, float)], axis=-1))
    assert crop.cell == pytest.approx(y / 255)
    assert crop.distance == pytest.approx(x / 255)
    assert (crop.trusted == 1).all()
    half = extract_crop(source, (10, 20), 32, 16)
    assert half.cell == pytest.approx(
        cv2.resize(source.cell[10:42, 20:52], (16, 16), interpolation=cv2.INTER_AREA) / 255
    )
    large = extract_crop(source, (10, 20), 8, 16)
    window = source.cell[10:18, 20:28]
    assert large.cell == pytest.approx(cv2.resize(window, (16, 16), interpolation=cv2.INTER_LINEAR) / 255)


def test_beyond_the_image_it_is_mirrored_and_not_trusted():
    source = ramp((20, 24))
    crop = extract_crop(source, (0, 0), 32, 32)
    assert crop.image[:, 0, 0] * 100 == pytest.approx([*range(20), *range(18, 6, -1)])
    assert crop.image[0, :, 1] * 200 == pytest.approx([*range(24), *range(22, 14, -1)])
    assert (crop.trusted[:20, :24] == 1).all()
    assert crop.trusted.sum() == 20 * 24
    assert (crop.cell[20:] == 0).all()
    assert (crop.distance[:, 24:] == 0).all()


@pytest.mark.parametrize(("window", "how"), [(48, cv2.INTER_AREA), (16, cv2.INTER_LINEAR), (11, cv2.INTER_LINEAR)])
def test_large_windows_are_averaged_and_small_ones_interpolated(window, how):
    rng = np.random.default_rng(1)
    planes = [rng.integers(0, 256, (60, 70), np.uint8) for _ in range(3)]
    white = np.array([250, 200, 240], np.float32)
    source = training_image("noise", rng.integers(0, 256, (60, 70, 3), np.uint8), *planes, white, 1)
    crop = extract_crop(source, (5, 9), window, 16)

    def expected(values):
        return cv2.resize(values[5 : 5 + window, 9 : 9 + window], (16, 16), interpolation=how)

    assert crop.image == pytest.approx(expected(source.image) / white)
    for found, values in zip(crop[1:4], planes, strict=True):
        assert found == pytest.approx(expected(values) / 255)
        assert found.dtype == np.float32


@pytest.mark.parametrize(("shape", "right", "below"), [((40, 24), 8, 0), ((20, 40), 0, 12), ((32, 32), 0, 0)])
def test_only_the_side_that_is_too_short_is_mirrored(shape, right, below):
    source = ramp(shape)
    crop = extract_crop(source, (0, 0), 32, 32)
    assert crop.trusted.sum() == (32 - right) * (32 - below)
    whole = np.pad(source.image[:32, :32], ((0, below), (0, right), (0, 0)), mode="reflect")
    assert crop.image == pytest.approx(whole / source.white)


def test_tensors_hold_the_maps_of_the_head_and_the_channels_of_the_network():
    rng = np.random.default_rng(0)
    maps = [rng.random(shape).astype(np.float32) for shape in ((8, 8, 3), (8, 8), (8, 8), (8, 8))]
    labels = np.zeros((8, 8), np.int32)
    labels[2:6, 3:7] = 1
    crop = Crop(*maps, labels, np.zeros((8, 8), np.uint32), cell_shapes(labels))
    batch = as_tensors(crop, PLAIN)
    assert [tuple(t.shape) for t in batch] == [(3, 8, 8), (2, 8, 8), (1, 8, 8)]
    assert (batch.image.numpy() == crop.image.transpose(2, 0, 1)).all()
    assert (batch.target.numpy() == np.stack([crop.cell, crop.distance])).all()
    assert (batch.weight.numpy() == crop.trusted).all()
    grey = as_tensors(crop, PLAIN.replace(network=NetworkConfig(in_channels=1, head="binary")))
    assert (grey.image.numpy() == crop.image.mean(axis=2)).all()
    assert (grey.target.numpy() == crop.cell).all()
    assert tuple(grey.target.shape) == (1, 8, 8)
    seven = as_tensors(crop, PLAIN.replace(network=NetworkConfig(head="cell_shape"), diameter_px=16))
    assert (seven.target[:2].numpy() == np.stack([crop.cell, crop.distance])).all()
    assert (seven.target[2:].numpy() == shape_maps(labels, crop.shapes, 16)[0]).all()
    assert (seven.weight[:2].numpy() == crop.trusted).all()
    assert (seven.weight[2:].numpy() == np.where(labels > 0, crop.trusted, 0)).all()


def test_a_crop_depends_on_seed_epoch_and_index_alone():
    crops = CropDataset([ramp(), ramp((80, 70))], PLAIN)
    first = crops[2, 5]
    crops[0, 0]
    assert all(torch.equal(a, b) for a, b in zip(first, crops[2, 5], strict=True))
    others = [crops[2, 6], crops[3, 5], CropDataset(crops.images, PLAIN.replace(seed=8))[2, 5]]
    assert all(not torch.equal(first.target, other.target) for other in others)


def test_windows_lie_anywhere_in_any_image_and_their_scale_is_log_uniform(monkeypatch):
    asked = []

    def note(source, corner, window, crop_px):
        asked.append((source.name, corner, window, crop_px))
        return extract_crop(source, corner, window, crop_px)

    monkeypatch.setattr("bccseg.training.crops.extract_crop", note)
    images = [ramp((200, 240), "a"), ramp((100, 60), "b")]
    config = PLAIN.replace(augment=PLAIN.augment.replace(scale_min=0.5, scale_max=2.0))
    crops = CropDataset(images, config)
    for k in range(600):
        crops[0, k]
    assert np.mean([name == "a" for name, *_ in asked]) == pytest.approx(0.5, abs=0.07)
    scales = np.log2([32 * STORED_DIAMETER / window for _, _, window, _ in asked])
    assert scales.min() == pytest.approx(-1, abs=0.05)
    assert scales.max() == pytest.approx(1, abs=0.05)
    assert np.percentile(scales, [25, 50, 75]) == pytest.approx([-0.5, 0, 0.5], abs=0.15)
    rows = np.array([corner[0] / (200 - window) for name, corner, window, _ in asked if name == "a"])
    assert rows.min() == 0
    assert rows.max() == 1
    assert rows.mean() == pytest.approx(0.5, abs=0.06)
    assert all(corner[1] == 0 for name, corner, window, _ in asked if name == "b" and window >= 60)
    assert {crop_px for *_, crop_px in asked} == {32}


def scripted(monkeypatch, crops, key, *values):
    """The item of that key where its generator gives the values; how it was seeded and asked."""
    draws, seeds, looks = Draws(*values), [], []
    monkeypatch.setattr(np.random, "default_rng", lambda seed: seeds.append(seed) or draws)
    monkeypatch.setattr(
        "bccseg.training.crops.add_debris", lambda *args: looks.append(("debris", args)) or args[0] * 0.5
    )
    monkeypatch.setattr(
        "bccseg.training.crops.augment_appearance", lambda *args: looks.append(("look", args)) or args[0] * 0.25
    )
    item = crops[key]
    assert draws.values == []
    return item, draws, seeds, looks


def test_a_crop_of_the_base_set_with_debris_is_drawn_in_a_fixed_order(monkeypatch):
    look = PLAIN.augment.replace(scale_min=0.5, scale_max=2.0, debris_share=0.3, rotate90=True, flip=True)
    config = PLAIN.replace(augment=look, mix_share=0.4, seed=11, diameter_px=20)
    base = [ramp((120, 130), "b"), ramp((100, 140), "c")]
    crops = CropDataset([ramp()], config, base)
    item, draws, seeds, looks = scripted(
        monkeypatch, crops, (3, 9), 0.3999, 1, np.log(1.25), 5, 7, 1, -1, 1, 0.2999
    )  # 32 * 1.5 / 1.25 = 38.4 px
    assert seeds == [[11, 3, 9]]
    assert draws.asked == [
        ("random",), ("integers", 2), ("uniform", np.log(0.5), np.log(2)), ("integers", 100 - 38 + 1),
        ("integers", 140 - 38 + 1), ("integers", 4), ("choice", [-1, 1]), ("choice", [-1, 1]), ("random",),
    ]  # fmt: skip
    plain = [np.rot90(values)[::-1] for values in extract_crop(base[1], (5, 7), 38, 32)[:5]]
    (_, (image, cells, diameter, one)), (_, (dirty, given, other)) = looks
    assert [name for name, _ in looks] == ["debris", "look"]
    assert (image == plain[0]).all()
    assert (cells == plain[1]).all()
    assert diameter == pytest.approx(25)
    assert (dirty == 0.5 * plain[0]).all()
    assert given == look
    assert one is other is draws
    assert (item.image.numpy() == 0.125 * plain[0].transpose(2, 0, 1)).all()
    assert (item.target.numpy() == np.stack(plain[1:3])).all()
    assert (item.weight.numpy() == plain[3]).all()
    assert all(values.is_contiguous() for values in item)


def test_at_its_share_a_crop_is_of_the_new_images_and_clean(monkeypatch):
    config = PLAIN.replace(augment=PLAIN.augment.replace(debris_share=0.3), mix_share=0.4)
    crops = CropDataset([ramp((90, 120)), ramp((48, 48))], config, [ramp()])
    item, draws, _, looks = scripted(monkeypatch, crops, (0, 0), 0.4, 1, 0.0, 0, 0, 0.3)
    assert [name for name, _ in looks] == ["look"]
    assert draws.asked[1:5] == [("integers", 2), ("uniform", 0, 0), ("integers", 1), ("integers", 1)]
    assert (item.target[0].numpy() == extract_crop(crops.images[1], (0, 0), 48, 32).cell).all()


def test_without_a_base_set_and_debris_nothing_is_drawn_for_them(monkeypatch):
    crops = CropDataset([ramp((30, 40))], PLAIN)  # smaller than the window
    _, draws, _, _ = scripted(monkeypatch, crops, (0, 0), 0, 0.0, 0, 0)
    assert draws.asked == [("integers", 1), ("uniform", 0, 0), ("integers", 1), ("integers", 1)]


def test_validation_of_a_small_image_looks_at_its_corner_and_images_keep_their_order():
    small, large = ramp((30, 200)), ramp((300, 40))
    one, two = validation_batches([small, large], PLAIN)
    for batch, source, corners in (
        (one, small, [(0, 15), (0, 137)] * 2),
        (two, large, [(25, 0), (25, 0), (227, 0), (227, 0)]),
    ):
        for k, corner in enumerate(corners):
            expected = as_tensors(extract_crop(source, corner, 48, 32), PLAIN)
            assert all(torch.equal(found[k], whole) for found, whole in zip(batch, expected, strict=True))


def test_validation_looks_at_four_fixed_places():
    source = ramp((200, 240))
    (batch,) = validation_batches([source], PLAIN)
    assert tuple(batch.image.shape) == (4, 3, 32, 32)
    assert VALIDATION_CORNERS == ((0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.9, 0.9))
    for k, (top, left) in enumerate([(15, 19), (15, 173), (137, 19), (137, 173)]):
        expected = as_tensors(extract_crop(source, (top, left), 48, 32), PLAIN)
        assert torch.equal(batch.target[k], expected.target)


def test_the_sampler_names_epoch_and_index_from_the_first_epoch_to_the_last():
    config = PLAIN.replace(epochs=3, steps_per_epoch=2, batch_size=4)
    assert list(EpochSampler(config, 1)) == [
        [(e, k) for k in range(first, first + 4)] for e in (1, 2) for first in (0, 4)
    ]
    assert list(EpochSampler(config, 2, rank=1, size=2)) == [[(2, 1), (2, 3)], [(2, 5), (2, 7)]]
    loader = CropLoader(CropDataset([ramp()], config.replace(workers=0)), 2)
    batches = list(loader.epoch())
    assert [tuple(batch.image.shape) for batch in batches] == [(4, 3, 32, 32)] * 2
    assert torch.equal(batches[1].target[2], CropDataset([ramp()], config)[2, 6].target)
    assert loader.data_wait_s > 0
    assert list(loader.epoch()) == []


@pytest.mark.parametrize(
    ("cores", "size", "accelerated", "workers"),
    [
        (16, 1, True, 15), (9, 1, True, 8), (25, 1, True, 24), (64, 1, True, 24), (2, 1, True, 1), (1, 1, True, 1),
        (16, 1, False, 4), (15, 1, False, 3), (64, 1, False, 16), (128, 1, False, 24), (10, 1, False, 2),
        (3, 1, False, 1), (1, 1, False, 1), (64, 4, True, 15), (16, 4, True, 3), (16, 2, False, 2), (4, 4, True, 1),
    ],
)  # fmt: skip
def test_workers_leave_a_core_beside_a_gpu_and_most_of_them_without(monkeypatch, cores, size, accelerated, workers):
    monkeypatch.setattr(crop_loader, "available_cores", lambda: cores)
    found = worker_count(PLAIN, size, accelerated=accelerated)
    assert (found, type(found)) == (workers, int)
    if size == 1:
        assert worker_count(PLAIN, accelerated=accelerated) == workers
    for asked in (0, 1, 12):
        assert worker_count(PLAIN.replace(workers=asked), size, accelerated=accelerated) == asked


def test_only_the_cores_that_this_process_may_use_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 7}, raising=False)
    assert available_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert available_cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1


def test_a_loader_hands_its_settings_to_torch(monkeypatch):
    asked, crops = [], CropDataset([ramp()], PLAIN.replace(epochs=3))
    monkeypatch.setattr(crop_loader, "worker_count", lambda *args, **named: asked.append((args, named)) or 1)
    usual = CropLoader(crops)
    assert (usual.loader.num_workers, usual.loader.prefetch_factor, usual.loader.pin_memory) == (1, 4, False)
    assert (usual.batches, usual.data_wait_s) == (None, 0)
    assert next(iter(usual.loader.batch_sampler)) == [(0, k) for k in range(4)]
    fast = CropLoader(crops, 2, 1, 2, accelerated=True)
    assert fast.loader.pin_memory
    assert next(iter(fast.loader.batch_sampler)) == [(2, 1), (2, 3)]
    assert fast.loader.dataset is crops
    assert asked == [((crops.config, 1), {"accelerated": False}), ((crops.config, 2), {"accelerated": True})]
    monkeypatch.setattr(crop_loader, "worker_count", lambda *_, **__: 0)
    assert CropLoader(crops).loader.prefetch_factor is None  # torch takes no other without processes


def test_the_wait_for_crops_is_that_of_the_epoch(monkeypatch):
    loader = CropLoader(CropDataset([ramp()], PLAIN.replace(workers=0, steps_per_epoch=2, epochs=2)))
    ticks = iter([0, 3, 10, 14, 20, 100, 101, 110, 112, 120])
    monkeypatch.setattr(crop_loader, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    for waits in ([3, 3 + 4], [1, 1 + 2]):
        assert [loader.data_wait_s for _ in loader.epoch()] == waits
    assert next(ticks, "none left") == "none left"


def test_a_network_begins_fresh_or_with_the_base_weights(tiny_weights, monkeypatch, tmp_path):
    folder, config = tiny_weights
    torch.manual_seed(3)
    fresh = initial_network(TrainConfig(network=config.network))
    torch.manual_seed(3)
    same = build_network(config.network).state_dict()
    assert all(torch.equal(same[name], values) for name, values in fresh.state_dict().items())
    onward = TrainConfig(network=config.network, base_weights=str(folder))
    assert not torch.equal(fresh.head.weight, initial_network(onward).head.weight)
    assert torch.equal(initial_network(onward).head.weight, initial_network(onward).head.weight)
    with pytest.raises(TrainingError) as told:
        initial_network(onward.replace(network=config.network.replace(width=8)))
    assert str(told.value) == (
        f"'{folder}' are weights of another network than the one to be trained. "
        "Choose its kind, width and depth, or start from scratch."
    )
    old = initial_network(onward)
    torch.manual_seed(3)
    other = initial_network(onward.replace(network=config.network.replace(head="cell_shape")))  # two maps are known
    assert other.head.weight.shape[0] == 7
    assert torch.equal(other.head.weight[:2], old.head.weight)
    assert torch.equal(other.head.bias[:2], old.head.bias)
    assert not torch.equal(other.head.weight[2:], torch.zeros_like(other.head.weight[2:]))
    learned, state = old.state_dict(), other.state_dict()
    assert all(torch.equal(state[name], values) for name, values in learned.items() if not name.startswith("head"))
    monkeypatch.delenv("BCCSEG_BASE_DATA", raising=False)
    assert base_training_set() is None
    for nothing in ("", "  "):
        monkeypatch.setenv("BCCSEG_BASE_DATA", nothing)
        assert base_training_set() is None
    monkeypatch.setenv("BCCSEG_BASE_DATA", f" {tmp_path} ")
    assert base_training_set() == tmp_path
    monkeypatch.setenv("BCCSEG_BASE_DATA", str(tmp_path / "gone"))
    assert base_training_set() is None
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("BCCSEG_BASE_DATA", f"~{os.sep}{tmp_path.name}")
    assert base_training_set() == tmp_path


def test_a_preview_has_a_row_a_crop_and_two_columns_a_map(tmp_path):
    image = torch.full((6, 3, 10, 10), 0.5)
    logits, target = torch.zeros(6, 2, 10, 10), torch.ones(6, 2, 10, 10)
    save_preview(tmp_path / "p.png", image, logits, target)
    picture = cv2.imread(str(tmp_path / "p.png"))
    assert picture.shape == (4 * 14 + 4, 5 * 14 + 4, 3)  # four crops at most, 4 px between them
    assert [int(picture[9, 9 + 14 * k, 0]) for k in range(5)] == pytest.approx([128, 128, 255, 128, 255], abs=1)
    assert (picture[:4] == 255).all()
    assert [p.name for p in tmp_path.iterdir()] == ["p.png"]


@pytest.mark.parametrize(("crops", "channels", "maps"), [(2, 1, 1), (5, 3, 2), (4, 3, 1)])
def test_a_preview_shows_image_prediction_and_truth_in_their_places(tmp_path, crops, channels, maps):
    rng = torch.Generator().manual_seed(0)
    image = torch.rand(crops, channels, 6, 10, generator=rng) * 1.4 - 0.2  # beyond black and white too
    logits = torch.randn(crops, maps, 6, 10, generator=rng)
    target = torch.rand(crops, maps, 6, 10, generator=rng)
    rows, columns = min(crops, 4), 1 + 2 * maps
    expected = np.full((4 + rows * 10, 4 + columns * 14, 3), 255.0)
    for k in range(rows):
        planes = [image[k].clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0)]
        for m in range(maps):
            planes += [1 / (1 + torch.exp(-logits[k, m]))[..., None], target[k, m][..., None]]
        for column, plane in enumerate(planes):
            expected[4 + 10 * k : 10 + 10 * k, 4 + 14 * column : 14 + 14 * column] = 255 * plane.numpy()
    save_preview(tmp_path / "preview.png", image, logits, target)
    picture = cv2.imread(str(tmp_path / "preview.png"))[..., ::-1]
    assert picture.shape == expected.shape
    assert np.abs(picture - expected).max() <= 1
    with pytest.raises(ValueError, match="zip"):
        save_preview(tmp_path / "preview.png", image, logits, torch.cat([target, target], dim=1))
