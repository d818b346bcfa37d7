"""The class head of its own: it goes on from class maps that the last layer gave, and learns without moving a cell."""

import numpy as np
import pytest
import torch

from bccseg.classes import DEFAULT_CLASSES, CellClass
from bccseg.config import TrainConfig
from bccseg.errors import SettingsError
from bccseg.model.build import build_network
from bccseg.model.weights import WeightsConfig, load_weights, save_weights
from bccseg.training.crops import CropDataset
from bccseg.training.initial_weights import initial_network
from bccseg.training.trainer import Trainer
from bccseg.training.training_image import load_training_image
from tests.training.test_class_truth import CONFIG, PLATELET, pair  # noqa: F401, the fixture

PLAIN = CONFIG.network
OWN = PLAIN.replace(class_width=6)


def saved(folder, network, state, classes=DEFAULT_CLASSES):
    save_weights(folder, state, WeightsConfig(name="w", network=network, classes=classes, diameter_px=16))
    return str(folder)


def test_it_says_at_first_what_the_last_layer_said(tmp_path):
    torch.manual_seed(1)
    base = saved(tmp_path / "base", PLAIN, build_network(PLAIN).state_dict())
    network = initial_network(CONFIG.replace(network=OWN, base_weights=base)).eval()
    x = torch.rand(2, 3, 32, 48)
    assert torch.allclose(network(x), load_weights(tmp_path / "base").network.eval()(x), atol=1e-6)
    back = initial_network(CONFIG.replace(base_weights=saved(tmp_path / "own", OWN, network.state_dict()))).eval()
    assert torch.allclose(back(x), network(x), atol=2e-2)  # half precision on the way


def test_of_another_class_set_it_keeps_the_classes_both_have(tmp_path):
    torch.manual_seed(2)
    state = build_network(OWN).state_dict()
    base = saved(tmp_path / "base", OWN, state)
    sets = (DEFAULT_CLASSES[1], CellClass(name="burr", colour="#000000"))
    config = CONFIG.replace(network=OWN.replace(classes=2), classes=sets, base_weights=base)
    new, old = initial_network(config).class_head.fine.weight, state["class_head.fine.weight"].half().float()
    assert torch.equal(new[[0, 1]], old[[0, 2]])  # none, white
    assert not torch.equal(new[2], old[3])


def test_classes_are_learned_and_no_cell_moves(tmp_path, pair):  # noqa: F811
    torch.manual_seed(3)
    base = saved(tmp_path / "base", PLAIN, build_network(PLAIN).state_dict())
    config = CONFIG.replace(
        network=OWN, base_weights=base, learn="classes", epochs=1, steps_per_epoch=25, batch_size=2, workers=0,
        warmup_steps=0, small_share=0.5, learning_rate=3e-2,
    )  # fmt: skip
    image = load_training_image(*pair, config)
    start = initial_network(config).eval()
    trainer = Trainer([image], [image], config, tmp_path / "run", "cpu")
    losses = []
    list(trainer.run(lambda _step, _steps, loss: losses.append(loss)))
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])
    x = torch.rand(1, 3, 64, 64)
    for network in (trainer.network.eval(), trainer.average.module.eval()):
        assert torch.allclose(network(x)[:, :7], start(x)[:, :7], atol=1e-5)
        assert not torch.allclose(network(x)[:, 7:], start(x)[:, 7:])
    unchanged = {name: values for name, values in trainer.network.state_dict().items() if "class_head" not in name}
    assert all(torch.equal(values, start.state_dict()[name]) for name, values in unchanged.items())


def test_only_a_network_with_a_class_head_learns_classes_alone():
    with pytest.raises(SettingsError, match="class_width"):
        CONFIG.replace(learn="classes")
    with pytest.raises(SettingsError, match="class_width"):
        TrainConfig(learn="classes")


def test_crops_around_small_cells(pair):  # noqa: F811
    config = CONFIG.replace(crop_px=32)
    image, there = load_training_image(*pair, config), []
    for share in (0.0, 1.0):
        crops = CropDataset([image], config.replace(small_share=share))
        there.append(sum(bool((crops[0, k].target[7] == PLATELET).any()) for k in range(40)))
    assert there[0] < 20
    assert there[1] == 40
