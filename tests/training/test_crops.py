"""Training images, and the crops that are cut from them: which, where, how large, and always the same."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from bccseg.config import MIN_TRUE_AREA_PX, SEED_AUGMENT, NetworkConfig, TrainConfig
from bccseg.errors import DataError, TrainingError
from bccseg.training.crop_loader import CropLoader, EpochSampler
from bccseg.training.crops import VALIDATION_CORNERS, Crop, CropDataset, as_tensors, extract_crop, validation_batches
from bccseg.training.initial_weights import base_training_set, initial_network
from bccseg.training.pairs import find_pairs, split_pairs
from bccseg.training.preview import save_preview
from bccseg.training.training_image import STORED_DIAMETER, TrainingImage, load_training_image

PLAIN = TrainConfig(crop_px=32, augment=SEED_AUGMENT.replace(flip=False), steps_per_epoch=3, batch_size=4)


def ramp(shape=(90, 120), name="ramp"):
    """An image whose pixels say where they are."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.uint8)
    image = np.stack([y, x, np.full(shape, 200, np.uint8)], axis=-1)
    return TrainingImage(name, image, y, x, np.full(shape, 255, np.uint8), np.array([100, 200, 250], np.float32), 3)


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


def test_tensors_hold_the_maps_of_the_head_and_the_channels_of_the_network():
    rng = np.random.default_rng(0)
    crop = Crop(*(rng.random(shape).astype(np.float32) for shape in ((8, 8, 3), (8, 8), (8, 8), (8, 8))))
    batch = as_tensors(crop, PLAIN)
    assert [tuple(t.shape) for t in batch] == [(3, 8, 8), (2, 8, 8), (1, 8, 8)]
    assert (batch.image.numpy() == crop.image.transpose(2, 0, 1)).all()
    assert (batch.target.numpy() == np.stack([crop.cell, crop.distance])).all()
    assert (batch.weight.numpy() == crop.trusted).all()
    grey = as_tensors(crop, PLAIN.replace(network=NetworkConfig(in_channels=1, head="binary")))
    assert (grey.image.numpy() == crop.image.mean(axis=2)).all()
    assert (grey.target.numpy() == crop.cell).all()
    assert tuple(grey.target.shape) == (1, 8, 8)


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


def write_pair(folder, name, image, mask):
    for side, values in (("original", image), ("mask", mask)):
        (folder / side).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / side / name), values)
    return folder / "original" / name, folder / "mask" / name


def test_images_are_kept_at_one_and_a_half_training_diameters(tmp_path):
    mask = np.zeros((120, 200), np.uint8)
    for x in (40, 100, 160):
        cv2.circle(mask, (x, 60), 20, 255, -1)
    mask[5:15, 5:30] = 255  # 250 px: a speck
    mask[100:, 95:110] = 255  # cut by the border, of 300 px: counted
    assert MIN_TRUE_AREA_PX == 300
    image = np.full((120, 200, 3), (40, 100, 200), np.uint8)  # BGR
    found = load_training_image(*write_pair(tmp_path, "a.png", image, mask), TrainConfig(diameter_px=24))
    size = STORED_DIAMETER * 24 / np.sqrt(4 * (mask[40:81, 80:121] > 0).sum() / np.pi)
    assert (found.name, found.cells) == ("a", 4)
    assert found.image.shape == (round(120 * size), round(200 * size), 3)
    assert found.white.tolist() == [200, 100, 40]
    middle = round(60 * size), round(100 * size)
    assert found.cell[middle] == 255
    assert found.distance[middle] > 240
    assert found.cell[round(10 * size), round(15 * size)] == 0
    assert found.trusted[round(10 * size), round(15 * size)] == 0  # half a diameter from the border
    assert found.trusted[middle] == 255
    everything = TrainConfig(diameter_px=24, ignore_border_cells=0)
    assert (load_training_image(tmp_path / "original/a.png", tmp_path / "mask/a.png", everything).trusted == 255).all()
    with pytest.raises(DataError, match=r"b\.png is 200 x 120 px, its mask 200 x 60 px"):
        load_training_image(*write_pair(tmp_path, "b.png", image, mask[:60]), everything)
    with pytest.raises(DataError, match=r"c\.png marks no cell"):
        load_training_image(*write_pair(tmp_path, "c.png", image, mask * 0), everything)


def test_pairs_are_found_by_name_and_the_same_are_held_out(tmp_path):
    with pytest.raises(DataError, match="no folder 'original'"):
        find_pairs(tmp_path)
    for side in ("original", "mask"):
        (tmp_path / side).mkdir()
    with pytest.raises(DataError, match="holds no images"):
        find_pairs(tmp_path)
    for name in ("b.JPG", "a.tif", "c.png", "notes.txt"):
        (tmp_path / "original" / name).touch()
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "mask" / name).touch()
    pairs = find_pairs(tmp_path)
    assert [(a.name, b.name) for a, b in pairs] == [("a.tif", "a.png"), ("b.JPG", "b.png"), ("c.png", "c.png")]
    (tmp_path / "mask/lonely.png").touch()
    with pytest.raises(DataError, match=r"1 file\(s\) .* no partner .* 'lonely'"):
        find_pairs(tmp_path)
    many = [(Path(f"o/{k}.png"), Path(f"m/{k}.png")) for k in range(20)]
    learn, check = split_pairs(many, 0.1)
    assert (len(learn), len(check)) == (18, 2)
    assert split_pairs(many[::-1], 0.1) == (learn, check)
    assert len(split_pairs(many, 0.01)[1]) == 1
    assert set(split_pairs(many[:10], 0.1)[1]) <= set(split_pairs(many[:10], 0.5)[1])
    with pytest.raises(DataError, match="At least two images"):
        split_pairs(many[:1], 0.1)


def test_a_network_begins_fresh_or_with_the_base_weights(tiny_weights, monkeypatch, tmp_path):
    folder, config = tiny_weights
    torch.manual_seed(3)
    fresh = initial_network(TrainConfig(network=config.network))
    onward = TrainConfig(network=config.network, base_weights=str(folder))
    assert not torch.equal(fresh.head.weight, initial_network(onward).head.weight)
    assert torch.equal(initial_network(onward).head.weight, initial_network(onward).head.weight)
    with pytest.raises(TrainingError, match="another network"):
        initial_network(onward.replace(network=config.network.replace(width=8)))
    monkeypatch.delenv("BCCSEG_BASE_DATA", raising=False)
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
