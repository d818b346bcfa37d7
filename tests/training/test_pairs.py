"""Which image belongs to which mask, which are held out, and how a pair is brought to the training scale."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from bccseg.config import MIN_TRUE_AREA_PX, TrainConfig
from bccseg.errors import DataError
from bccseg.imaging.label_image import label_mask, median_diameter
from bccseg.imaging.normalise import white_level
from bccseg.training.pairs import find_pairs, split_pairs
from bccseg.training.targets import distance_target, trusted_pixels
from bccseg.training.training_image import STORED_DIAMETER, load_training_image


def test_pairs_are_found_by_name_and_the_same_are_held_out(tmp_path):
    with pytest.raises(DataError, match="no folder 'original' or 'images'"):
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


@pytest.mark.parametrize(("missing", "names"), [("original", "'original' or 'images'"), ("mask", "'mask' or 'labels'")])
def test_a_missing_folder_is_named(tmp_path, missing, names):
    (tmp_path / ("mask" if missing == "original" else "original")).mkdir()
    with pytest.raises(DataError) as told:
        find_pairs(tmp_path)
    assert str(told.value) == (
        f"{tmp_path} has no folder {names}. "
        "Put images in 'original', and masks in 'mask' or pictures with one number a cell in 'labels'."
    )
    (tmp_path / missing).mkdir()
    with pytest.raises(DataError) as told:
        find_pairs(tmp_path)
    assert str(told.value) == f"{tmp_path} holds no images."


def test_labels_are_preferred_to_masks_and_exports_are_read_as_they_are(tmp_path):
    for name in ("images/a.png", "mask/a.png", "labels/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_pairs(tmp_path) == [(tmp_path / "images/a.png", tmp_path / "labels/a.png")]
    (tmp_path / "original").mkdir()
    (tmp_path / "original/a.jpg").touch()
    assert find_pairs(tmp_path) == [(tmp_path / "original/a.jpg", tmp_path / "labels/a.png")]


def test_two_files_of_one_name_are_refused(tmp_path):
    for name in ("original/a.jpg", "original/a.png", "mask/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"'a.jpg' and 'a.png' in .* have the same name. Rename one."):
        find_pairs(tmp_path)


def test_files_without_partner_are_counted_on_both_sides(tmp_path):
    for name in ("original/c.png", "original/b.png", "mask/b.png", "mask/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(DataError) as told:
        find_pairs(tmp_path)
    assert str(told.value) == f"2 file(s) in {tmp_path} have no partner of the same name, e.g. 'a'."


@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif", "PNG", "Tif"])
def test_every_kind_of_picture_is_an_image(tmp_path, suffix):
    for side in ("original", "mask"):
        (tmp_path / side).mkdir()
        (tmp_path / side / f"a.{suffix}").touch()
        (tmp_path / side / "a.txt").touch()
    assert find_pairs(tmp_path) == [(tmp_path / f"original/a.{suffix}", tmp_path / f"mask/a.{suffix}")]


def named(count, folder="o", suffix=".png"):
    return [(Path(f"{folder}/{k}{suffix}"), Path(f"m/{k}.png")) for k in range(count)]


@pytest.mark.parametrize(
    ("count", "share", "held_out"),
    [(15, 0.1, 2), (12, 0.1, 1), (25, 0.1, 2), (14, 0.1, 1), (10, 0.44, 4), (10, 0.46, 5), (2, 0.01, 1), (3, 0.5, 2)],
)
def test_the_share_that_is_held_out_is_rounded_and_at_least_one(count, share, held_out):
    learn, check = split_pairs(named(count), share)
    order = sorted(range(count), key=lambda k: hashlib.sha256(str(k).encode()).hexdigest())
    assert [pair[0].stem for pair in check] == [str(k) for k in order[:held_out]]
    assert [pair[0].stem for pair in learn] == [str(k) for k in order[held_out:]]


def test_which_are_held_out_hangs_on_the_name_alone():
    _, check = split_pairs(named(12, "elsewhere", ".tif")[::-1], 0.25)
    assert [pair[0].name for pair in check] == ["9.tif", "8.tif", "10.tif"]
    for count, share in ((1, 0.1), (2, 0.9), (0, 0.5)):
        with pytest.raises(DataError) as told:
            split_pairs(named(count), share)
        assert str(told.value) == "At least two images are needed: one to learn from, one to check on."


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


def test_at_the_stored_scale_the_truth_is_kept_to_the_nearest_level(tmp_path):
    rng = np.random.default_rng(1)
    mask, image = np.zeros((100, 140), np.uint8), rng.integers(0, 256, (100, 140, 3), np.uint8)
    for x in (30, 70, 110):
        cv2.circle(mask, (x, 50), 15, 255, -1)
    mask[0:20, 60:81] = 255
    labels = label_mask(mask > 0)
    diameter = median_diameter(labels)
    pair = write_pair(tmp_path, "a.png", image[..., ::-1], mask)
    config = TrainConfig(diameter_px=diameter / 1.5, ignore_border_cells=0.3)
    found = load_training_image(*pair, config)
    assert (found.image == image).all()
    assert found.white.tolist() == white_level(image).tolist()
    assert (found.cell == 255 * (labels > 0)).all()
    assert (found.distance == np.round(255 * distance_target(labels))).all()
    assert (found.trusted == 255 * trusted_pixels(labels, 0.3 * diameter)).all()
    assert {v.dtype for v in (found.image, found.cell, found.distance, found.trusted)} == {np.dtype(np.uint8)}
    assert found.cells == 4
    shrunk = load_training_image(*pair, config.replace(diameter_px=diameter / 3))
    half = cv2.resize((labels > 0).astype(np.float32), (70, 50), interpolation=cv2.INTER_AREA)
    assert (shrunk.cell == np.round(255 * half)).all()
    assert {0, 64, 128, 191, 255} >= {*np.unique(shrunk.cell)} > {0, 255}
    assert shrunk.white.tolist() == found.white.tolist()  # read off the whole image


def test_a_pair_that_does_not_fit_is_told_in_words(tmp_path):
    image, mask = np.full((120, 200, 3), 200, np.uint8), np.zeros((120, 200), np.uint8)
    mask[50:63, 50:73] = 255  # 299 px: a speck, no cell
    with pytest.raises(DataError) as told:
        load_training_image(*write_pair(tmp_path, "a.png", image, mask), TrainConfig())
    assert str(told.value) == "a.png marks no cell. Take the pair out or mark its cells."
    mask[63, 50] = 255  # 300 px
    assert load_training_image(*write_pair(tmp_path, "a.png", image, mask), TrainConfig()).cells == 1
    with pytest.raises(DataError) as told:
        load_training_image(*write_pair(tmp_path, "b.png", image, mask[:100, :90]), TrainConfig())
    assert str(told.value) == "b.png is 200 x 120 px, its mask 90 x 100 px."
    with pytest.raises(DataError, match=r"is 200 x 120 px, its mask 199 x 120 px"):
        load_training_image(*write_pair(tmp_path, "c.png", image, mask[:, :199]), TrainConfig())
