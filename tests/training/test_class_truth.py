"""What classes of cells become on their way to the network, and what a network with class maps says."""

import cv2
import numpy as np
import pytest
import torch

from bccseg.classes import DEFAULT_CLASSES, ImageClasses
from bccseg.config import AugmentConfig, NetworkConfig, OverlapConfig, TrainConfig
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.predictor import Predictor
from bccseg.io.label_files import labels_png
from bccseg.model.build import build_network
from bccseg.model.weights import Weights, WeightsConfig, load_weights, save_weights
from bccseg.training.crops import CropDataset
from bccseg.training.initial_weights import initial_network
from bccseg.training.training_image import class_truth, load_training_image

NONE, RED, WHITE, PLATELET = (1 << k for k in range(4))
CONFIG = TrainConfig(
    network=NetworkConfig(head="cell_shape", width=4, depth=1, classes=3), classes=DEFAULT_CLASSES, diameter_px=16,
    crop_px=64, ignore_border_cells=0, augment=AugmentConfig(scale_min=1, scale_max=1),
)  # fmt: skip


def test_cells_may_be_of_their_class_of_any_if_unclassified_and_the_rest_of_what_is_not_complete():
    labels = np.array([[1, 1, 2, 0], [3, 3, 4, 4]], np.int32)
    known = ImageClasses(
        classes=DEFAULT_CLASSES, cells={1: "white", 2: "platelet", 3: "odd"}, complete=("red", "white")
    )
    found, small, possible = class_truth(labels, known, DEFAULT_CLASSES)
    assert found.tolist() == [[1, 1, 0, 0], [2, 2, 3, 3]]
    assert small.tolist() == [[0, 0, 3, 0], [0, 0, 0, 0]]
    assert possible.tolist() == [NONE | PLATELET, WHITE, RED | WHITE | PLATELET, RED | WHITE | PLATELET]


def test_a_network_without_classes_learns_no_platelet_as_a_cell():
    labels = np.array([[1, 1, 2, 2]], np.int32)
    known = ImageClasses(classes=DEFAULT_CLASSES, cells={1: "platelet"})
    found, small, possible = class_truth(labels, known, ())
    assert (found.tolist(), small.tolist(), possible.tolist()) == ([[0, 0, 1, 1]], [[0, 0, 0, 0]], [0, 0])


@pytest.fixture
def pair(tmp_path):
    """A smear of which cell 1 is white, all others are red, and a platelet lies among them."""
    image, labels = draw_smear((200, 240), cells=12, diameter_px=30, seed=3, touching=False)
    for name in ("original", "labels", "classes"):
        (tmp_path / name).mkdir()
    names = dict.fromkeys(range(1, labels.max() + 1), "red") | {1: "white"}
    free = np.argwhere(cv2.dilate((labels > 0).astype(np.uint8), np.ones((15, 15))) == 0)
    y, x = free[np.abs(free - 100).sum(axis=1).argmin()]
    names[labels.max() + 1] = "platelet"
    labels[y - 5 : y + 6, x - 5 : x + 6] = labels.max() + 1
    cv2.imwrite(str(tmp_path / "original/a.png"), image[..., ::-1])
    (tmp_path / "labels/a.png").write_bytes(labels_png(labels))
    known = ImageClasses(classes=DEFAULT_CLASSES, cells=names, complete=("red", "white", "platelet"))
    (tmp_path / "classes/a.json").write_bytes(known.to_json())
    return tmp_path / "original/a.png", tmp_path / "labels/a.png"


@pytest.mark.parametrize("overlap", [0.0, 1.0])
def test_a_crop_says_of_each_pixel_what_may_be_there(pair, overlap):
    config = CONFIG.replace(augment=CONFIG.augment.replace(overlap=OverlapConfig(share=overlap), debris_share=overlap))
    source = load_training_image(*pair, config)
    assert source.cells == 12
    seen = set()
    for k in range(30):
        batch = CropDataset([source], config)[0, k]
        assert batch.target.shape == batch.weight.shape == (8, 64, 64)
        possible, cell = batch.target[7].numpy().astype(int), batch.target[0].numpy()
        seen |= set(np.unique(possible).tolist())
        assert np.isin(possible[cell == 1], [RED, WHITE]).all()
        assert np.isin(possible[cell == 0], [NONE, PLATELET] if not overlap else [NONE, PLATELET, 0]).all()
    assert {NONE, RED, WHITE, PLATELET} <= seen
    assert (0 in seen) == bool(overlap)  # drawn grains could be platelets


def test_new_class_maps_are_put_beside_those_a_network_has(tmp_path):
    torch.manual_seed(1)
    old = NetworkConfig(head="cell_shape", width=4, depth=1)
    state = build_network(old).state_dict()
    save_weights(tmp_path / "old", state, WeightsConfig(name="old", network=old, diameter_px=16))
    network = initial_network(CONFIG.replace(base_weights=str(tmp_path / "old")))
    last = network.head.weight
    assert last.shape[0] == 11
    assert torch.allclose(last[:7], state["head.weight"].half().float())
    back = CONFIG.replace(network=old, classes=(), base_weights=str(tmp_path / "new"))
    new = WeightsConfig(name="new", network=CONFIG.network, classes=DEFAULT_CLASSES, diameter_px=16)
    save_weights(tmp_path / "new", network.state_dict(), new)
    assert load_weights(tmp_path / "new").config.classes == DEFAULT_CLASSES
    assert torch.equal(initial_network(back).head.weight, network.head.weight.half().float()[:7])


def test_class_maps_are_probabilities_beside_the_others():
    torch.manual_seed(2)
    network = build_network(CONFIG.network)
    config = WeightsConfig(name="x", network=CONFIG.network, classes=DEFAULT_CLASSES, diameter_px=16)
    image = np.random.default_rng(0).integers(0, 255, (41, 50, 3), np.uint8)
    maps = Predictor(Weights(config, network.eval(), "x"), "cpu", optimise=False)(image, np.full(3, 255, np.float32))
    assert maps.classes.shape == (4, 41, 50)
    assert maps.classes.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert (maps.way.shape, maps.spread.shape) == ((2, 41, 50), (3, 41, 50))
    plain = CONFIG.network.replace(head="binary", classes=0)
    config = WeightsConfig(name="x", network=plain, diameter_px=16)
    without = Predictor(Weights(config, build_network(plain).eval(), "x"), "cpu")(image, np.full(3, 255, np.float32))
    assert without.classes is None
    assert without.way is None
