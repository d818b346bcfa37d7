"""Targets, augmentation, data and the loop."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from bccseg.config import SEED_RECIPE, AugmentConfig, NetworkConfig, TrainConfig
from bccseg.errors import DataError, SettingsError, TrainingError
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.small_rule import SmallRule
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.predictor import Predictor
from bccseg.inference.segment import segment
from bccseg.io.images import read_image
from bccseg.metrics.calibration import Calibration
from bccseg.model.weight_sources import DEFAULT_WEIGHTS, SHIPPED
from bccseg.model.weights import load_weights, read_config, write_config
from bccseg.training.augment import augment_appearance, augment_stain, random_turn
from bccseg.training.crops import CropDataset
from bccseg.training.losses import dice_iou, overlap_counts, segmentation_loss, soft_dice
from bccseg.training.optimiser import average_weights, learning_rate
from bccseg.training.pairs import find_pairs, split_pairs
from bccseg.training.targets import distance_target, trusted_pixels
from bccseg.training.trainer import Trainer
from bccseg.training.training_image import load_training_image
from bccseg.training.weight_export import calibrate_weights, complete_weights, export_run

SMALL = TrainConfig(
    network=NetworkConfig(width=4, depth=2), epochs=2, steps_per_epoch=4, batch_size=2, crop_px=64,
    warmup_steps=2, workers=0, learning_rate=1e-2,
)  # fmt: skip


@pytest.fixture
def dataset(drawn_dataset, tmp_path):
    """A copy that may be spoiled."""
    return Path(shutil.copytree(drawn_dataset, tmp_path / "data"))


def fields_of(dataset, config=SMALL):
    learn, check = split_pairs(find_pairs(dataset), config.validation_share)
    return [[load_training_image(*pair, config) for pair in part] for part in (learn, check)]


def test_distance_is_one_inside_each_cell_and_zero_between():
    labels = np.zeros((20, 30), np.int32)
    labels[5:14, 5:14], labels[5:14, 14:19] = 1, 2
    target = distance_target(labels)
    assert target.dtype == np.float32
    assert target[9, 9] == 1
    assert target[9, 16] == 1
    assert target[9, 13] == pytest.approx(1 / 5)  # one px from the neighbour, of 5
    assert target[0, 0] == 0


def test_a_cut_cell_goes_on_beyond_the_border():
    labels = np.zeros((11, 20), np.int32)
    labels[:, :6] = 1  # cut on three sides: the only edge is at x = 6
    assert distance_target(labels)[5, :6].tolist() == pytest.approx([1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


def test_background_near_the_border_is_not_trusted():
    labels = np.zeros((40, 40), np.int32)
    labels[15:25, 15:25] = 1
    trusted = trusted_pixels(labels, 8)
    assert trusted[20, 20]
    assert trusted[10, 10]
    assert not trusted[3, 20]
    labels[0:5, 10:20] = 2
    assert trusted_pixels(labels, 8)[2, 15]  # a marked cut cell is
    assert trusted_pixels(labels, 0).all()


def test_loss_on_known_numbers():
    logits = torch.zeros(1, 2, 2, 2)
    target = torch.ones(1, 2, 2, 2)
    weight = torch.ones(1, 1, 2, 2)
    ln2, plain = np.log(2), TrainConfig(dice_weight=0, distance_weight=1)
    assert segmentation_loss(logits, target, weight, plain).item() == pytest.approx(2 * ln2)
    assert segmentation_loss(logits, target, weight, plain.replace(distance_weight=0)).item() == pytest.approx(ln2)
    # soft Dice: overlap 4 * 0.5, total 4 * 0.25 + 4
    assert soft_dice(torch.full((1, 2, 2), 0.5), target[:, 0], weight[:, 0]).item() == pytest.approx(1 - 5 / 6)
    weight[..., 0] = 0
    logits[..., 0] = -50  # wrong, but not trusted
    assert segmentation_loss(logits, target, weight, plain.replace(distance_weight=0)).item() == pytest.approx(ln2)


def test_dice_and_iou_on_known_numbers():
    logits = torch.tensor([[[[1.0, 1.0, -1.0, -1.0]]]])
    target = torch.tensor([[[[1.0, 0.0, 1.0, 0.0]]]])
    counts = overlap_counts(logits, target, torch.ones(1, 1, 1, 4))
    assert counts.tolist() == [1, 2, 2]
    assert dice_iou(counts) == (0.5, pytest.approx(1 / 3))
    assert dice_iou(torch.zeros(3)) == (1, 1)


def test_white_stays_white_whatever_the_stain():
    crop = np.ones((4, 4, 3), np.float32)
    assert augment_stain(crop, 0.3, np.random.default_rng(0)) == pytest.approx(crop)


def test_a_look_depends_on_its_seed_alone():
    crop = np.random.default_rng(1).random((32, 32, 3)).astype(np.float32)
    looks = [augment_appearance(crop, AugmentConfig(), np.random.default_rng(s)) for s in (5, 5, 6)]
    assert (looks[0] == looks[1]).all()
    assert (looks[0] != looks[2]).any()
    assert looks[0].dtype == np.float32
    assert ((looks[0] >= 0) & (looks[0] <= 1.5)).all()


def test_the_seed_recipe_only_flips():
    crop = np.random.default_rng(1).random((8, 8, 3)).astype(np.float32)
    assert (augment_appearance(crop, SEED_RECIPE.augment, np.random.default_rng(0)) == crop).all()
    flips = {random_turn(SEED_RECIPE.augment, np.random.default_rng(s)).array(crop).tobytes() for s in range(40)}
    assert flips == {crop[::a, ::b].tobytes() for a in (1, -1) for b in (1, -1)}


def test_seed_recipe_is_the_published_one():
    r = SEED_RECIPE
    assert (r.epochs, r.batch_size, r.optimizer, r.learning_rate) == (100, 4, "adam", 1e-4)
    assert r.network.head == "binary"


def test_crops_are_scaled_to_the_training_diameter(dataset):
    config = SMALL.replace(augment=SEED_RECIPE.augment, crop_px=96)
    learn, _ = fields_of(dataset, config)
    assert learn[0].image.shape[0] == pytest.approx(200 * 1.5, rel=0.1)
    crops = CropDataset(learn, config)
    image, target, weight = crops[0, 3]
    assert (image.shape, target.shape, weight.shape) == ((3, 96, 96), (2, 96, 96), (1, 96, 96))
    assert all(torch.equal(a, b) for a, b in zip(crops[0, 3], crops[0, 3], strict=True))
    assert not torch.equal(image, crops[1, 3].image)


def test_learning_rate_schedule():
    config = TrainConfig(epochs=10, steps_per_epoch=10, warmup_steps=10, learning_rate=1.0)
    assert learning_rate(config, 0) == pytest.approx(0.1)
    assert learning_rate(config, 9) == pytest.approx(1.0)
    assert learning_rate(config, 55) == pytest.approx(0.505)
    assert learning_rate(config, 100) == pytest.approx(0.01)


def test_average_follows():
    network = torch.nn.Linear(1, 1)
    average = average_weights(network, 0.9)
    start = network.weight.item()
    with torch.no_grad():
        network.weight += 1
    average.n_averaged.fill_(10_000)
    average.update_parameters(network)
    assert average.module.weight.item() == pytest.approx(start + 0.1)


def test_training_learns_and_its_weights_load(dataset, tmp_path):
    config = SMALL.replace(epochs=3, steps_per_epoch=12)
    reports = list(Trainer(*fields_of(dataset, config), config, tmp_path / "run", "cpu").run())
    assert [r.epoch for r in reports] == [1, 2, 3]
    assert reports[-1].loss < reports[0].loss
    assert reports[-1].val_loss < reports[0].val_loss
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in lines] == [r.loss for r in reports]
    weights = load_weights(export_run(tmp_path / "run"))
    assert weights.config.diameter_px == config.diameter_px
    assert TrainConfig.from_json((tmp_path / "run/config.json").read_bytes()) == config


def test_a_resumed_run_gives_the_same_curve(dataset, tmp_path):
    images = fields_of(dataset)
    straight = [r.loss for r in Trainer(*images, SMALL, tmp_path / "a", "cpu").run()]
    first = next(Trainer(*images, SMALL, tmp_path / "b", "cpu").run())
    resumed = [r.loss for r in Trainer(*images, SMALL, tmp_path / "b", "cpu").run()]
    assert [first.loss, *resumed] == straight
    assert len((tmp_path / "b/log.jsonl").read_text().splitlines()) == SMALL.epochs
    with pytest.raises(TrainingError, match="other settings"):
        Trainer(*images, SMALL.replace(learning_rate=1.0), tmp_path / "b", "cpu")


def test_an_epoch_without_its_checkpoint_is_done_again(dataset, tmp_path):
    images = fields_of(dataset)
    run = Trainer(*images, SMALL, tmp_path, "cpu").run()
    first = next(run)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"epoch": 2, "half": true}\n')  # killed here
    list(Trainer(*images, SMALL, tmp_path, "cpu").run())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[0]["loss"] == first.loss
    assert "half" not in lines[1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "mask/0.png").unlink(), "no partner"),
        (lambda d: [p.unlink() for p in d.rglob("*.png")], "holds no images"),
        (
            lambda d: [p.unlink() for p in (d / "mask").iterdir()] and (d / "mask").rmdir(),
            "no folder 'mask' or 'labels'",
        ),
    ],
)
def test_data_that_does_not_fit(dataset, spoil, message):
    spoil(dataset)
    with pytest.raises(DataError, match=message):
        find_pairs(dataset)


def test_masks_that_do_not_fit(dataset):
    image, mask = find_pairs(dataset)[0]
    cv2.imwrite(str(mask), np.zeros((200, 240), np.uint8))
    with pytest.raises(DataError, match="marks no cell"):
        load_training_image(image, mask, SMALL)
    cv2.imwrite(str(mask), np.zeros((10, 10), np.uint8))
    with pytest.raises(DataError, match="240 x 200 px, its mask 10 x 10 px"):
        load_training_image(image, mask, SMALL)


def test_configurations_survive_json():
    assert TrainConfig.from_json(SEED_RECIPE.to_json()) == SEED_RECIPE
    with pytest.raises(SettingsError, match="nonsense"):
        TrainConfig.from_dict({"nonsense": 1})


def test_a_run_goes_on_from_base_weights(dataset, tmp_path):
    first = Trainer(*fields_of(dataset), SMALL, tmp_path / "first", "cpu")
    list(first.run())
    base = export_run(tmp_path / "first")
    rule = SmallRule(mean=(0.0,), scale=(1.0,), weight=(1.0,), bias=0.0)
    write_config(base, read_config(base).replace(small_rule=rule))
    onward = SMALL.replace(base_weights=str(base), epochs=1)
    second = Trainer(*fields_of(dataset), onward, tmp_path / "second", "cpu")
    state = {name: value.clone() for name, value in second.network.state_dict().items()}
    list(second.run())
    assert read_config(export_run(tmp_path / "second")).small_rule == rule
    shipped = load_weights(base).network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in shipped.items() if value.is_floating_point())
    other = onward.replace(network=SMALL.network.replace(architecture="resunet"))
    with pytest.raises(TrainingError, match="another network"):
        Trainer(*fields_of(dataset), other, tmp_path / "third", "cpu")


def test_scores_are_calibrated_on_images_held_out(tmp_path, predictor, monkeypatch):
    """The curve is fitted to the cells that match, stored, and used by inference."""
    folder = tmp_path / "w"
    shutil.copytree(SHIPPED / DEFAULT_WEIGHTS, folder)
    pairs = []
    for k in range(3):
        image, labels = draw_smear((400, 500), cells=30, diameter_px=56, seed=k)
        cv2.imwrite(str(tmp_path / f"{k}.png"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / f"{k}_mask.png"), separated_mask(labels))
        pairs.append((tmp_path / f"{k}.png", tmp_path / f"{k}_mask.png"))
    error = calibrate_weights(folder, pairs, "cpu")
    assert error < 0.1
    curve = load_weights(folder).config.calibration
    assert curve.slope > 0
    found = segment(read_image(pairs[0][0]), Predictor(load_weights(folder), "cpu"))
    raw = predictor.config.replace(calibration=None)
    monkeypatch.setattr(predictor, "config", raw)
    plain = segment(read_image(pairs[0][0]), predictor)
    assert found.scores == pytest.approx(Calibration(curve.slope, curve.offset)(plain.scores))
    assert calibrate_weights(folder, pairs[:0], "cpu") is None


def test_a_run_has_a_model_card(dataset, tmp_path):
    list(Trainer(*fields_of(dataset), SMALL, tmp_path / "run", "cpu").run())
    folder = export_run(tmp_path / "run", name="my <b> run", data="4 images", licence="CC0 1.0")
    card = (folder / "README.md").read_text()
    assert "U-Net of width 4 and depth 2, RGB input" in card
    assert "2 epochs of 4 steps, batch 2" in card
    assert "Data: 4 images. Licence: CC0 1.0." in card
    assert "Research use only" in card
    assert "Whole images have not been scored yet" in card
    measured = {"images": 3, "cells": 40, "f1": 0.98765, "count_error": 0.01, "intervals": {"f1": [0.97, 0.99]}}
    complete_weights(tmp_path / "run", licence="CC BY 4.0", measured={"test": measured})
    card = (folder / "README.md").read_text()
    assert "Licence: CC BY 4.0." in card
    assert "has not learned from: 3 images, 40 cells." in card
    assert "| F1 at IoU 0.5 | 0.9877 | 0.9700 to 0.9900 |" in card
    assert "| Count error | 0.0100 |  |" in card
    assert "not been scored" not in card
    assert load_weights(folder).config.metrics["validation"]["epoch"] in (1, 2)


def test_training_ends_early_when_nothing_gets_better(dataset, tmp_path):
    config = SMALL.replace(epochs=30, learning_rate=1e-9, warmup_steps=0, patience=3, ema_decay=0.0)
    reports = list(Trainer(*fields_of(dataset), config, tmp_path / "run", "cpu").run())
    losses = [r.val_loss for r in reports]
    assert len(reports) < 30
    assert len(reports) - 1 - losses.index(min(losses)) == 3
