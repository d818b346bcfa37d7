"""Learning rate, decay groups, clipping and the average of weights, with known numbers."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from bccseg.config import NetworkConfig, TrainConfig
from bccseg.model.build import build_network
from bccseg.training import trainer
from bccseg.training.optimiser import average_weights, learning_rate, make_optimizer
from bccseg.training.pairs import find_pairs
from bccseg.training.trainer import Trainer
from bccseg.training.training_image import load_training_image

SMALL = TrainConfig(
    network=NetworkConfig(width=4, depth=1), epochs=1, steps_per_epoch=2, batch_size=2, crop_px=48, warmup_steps=0,
    workers=0, mixed_precision=False, diameter_px=24,
)  # fmt: skip


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.25), (3, 1.0), (4, 1.0), (12, 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * 8 / 16))), (20, 0.01), (99, 0.01)],
)
def test_the_rate_warms_up_and_falls_as_a_cosine_to_one_percent(step, rate):
    config = TrainConfig(epochs=5, steps_per_epoch=4, warmup_steps=4, learning_rate=1.0)
    assert learning_rate(config, step) == pytest.approx(rate)
    constant = config.replace(schedule="constant", learning_rate=0.5)
    assert learning_rate(constant, step) == pytest.approx(0.5 * min(1, (step + 1) / 4))
    assert learning_rate(config.replace(epochs=1, warmup_steps=0), 2) == pytest.approx(0.505)
    assert learning_rate(config.replace(epochs=1, steps_per_epoch=1), 4) == pytest.approx(1.0)


def test_only_kernels_are_decayed():
    network = build_network(NetworkConfig(width=4, depth=1))
    optimizer = make_optimizer(network, TrainConfig(weight_decay=0.03, learning_rate=0.02))
    assert isinstance(optimizer, torch.optim.AdamW)
    decayed, plain = optimizer.param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.03, 0.0)
    assert decayed["lr"] == plain["lr"] == 0.02
    assert all(p.ndim == 4 for p in decayed["params"])
    assert all(p.ndim == 1 for p in plain["params"])
    assert len(decayed["params"]) + len(plain["params"]) == len(list(network.parameters()))
    adam = make_optimizer(network, TrainConfig(optimizer="adam", learning_rate=0.02, weight_decay=0.03))
    assert type(adam) is torch.optim.Adam
    assert [(group["lr"], group["weight_decay"]) for group in adam.param_groups] == [(0.02, 0)]
    assert len(adam.param_groups[0]["params"]) == len(list(network.parameters()))


def test_the_average_warms_up_and_counts_the_network_it_began_with():
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    weight, norm = network[0].weight, network[1]
    with torch.no_grad():
        weight.fill_(1.0)
    average = average_weights(network, 0.25)
    expected, mean = 1.0, 0.0
    for step, value in enumerate((3.0, -2.0, 8.0, 5.0)):
        with torch.no_grad():
            weight.fill_(value)
            norm.running_mean.fill_(10 * value)
            norm.num_batches_tracked.fill_(step + 1)
        average.update_parameters(network)
        decay = min(0.25, (1 + step) / (10 + step))
        expected, mean = decay * expected + (1 - decay) * value, decay * mean + (1 - decay) * 10 * value
        assert average.module[0].weight.item() == pytest.approx(expected)
        assert average.module[1].running_mean.item() == pytest.approx(mean)  # statistics are averaged too ...
        assert average.module[1].num_batches_tracked.item() == step + 1  # ... and counters copied
    assert [min(0.25, (1 + k) / (10 + k)) for k in range(4)] == pytest.approx([0.1, 2 / 11, 0.25, 0.25])
    assert average.module[0].weight.item() != weight.item()


def images_of(folder):
    return [load_training_image(*pair, SMALL) for pair in find_pairs(folder)]


@pytest.mark.parametrize("clip", [0.0, 0.01])
def test_the_gradient_is_clipped_to_its_norm(drawn_dataset, tmp_path, monkeypatch, clip):
    norms, real = [], torch.optim.AdamW.step

    def step(self, *args):
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.stack([g.norm() for g in grads]).norm()))
        return real(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    images = images_of(drawn_dataset)
    list(Trainer(images[:3], images[3:], SMALL.replace(clip_norm=clip), tmp_path / "run", "cpu").run())
    assert len(norms) == 2
    if clip:
        assert norms == pytest.approx([clip, clip], rel=1e-3)
    else:
        assert min(norms) > 0.05


def test_a_run_tells_its_steps_validates_the_average_and_keeps_the_best(drawn_dataset, tmp_path, monkeypatch):
    images, steps, rates = images_of(drawn_dataset), [], []
    monkeypatch.setattr(
        trainer, "learning_rate", lambda config, step: rates.append(step) or learning_rate(config, step)
    )
    config = SMALL.replace(epochs=2, steps_per_epoch=3, ema_decay=0.9)
    one = Trainer(images[:3], images[3:], config, tmp_path / "run", "cpu")
    reports = list(one.run(lambda *numbers: steps.append(numbers)))
    assert [(k, n) for k, n, _ in steps] == [(1, 3), (2, 3), (3, 3)] * 2
    assert rates == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5]  # two groups a step, and the report of an epoch
    assert [r.loss for r in reports] == pytest.approx(
        [np.mean([loss for *_, loss in steps[:3]]), np.mean([loss for *_, loss in steps[3:]])]
    )
    assert one.best == -min(r.val_loss for r in reports)
    assert all(0 <= r.waiting <= 1 for r in reports)
    shipped, now = one.weights_to_save(), one.network.state_dict()
    assert shipped.keys() == now.keys()
    assert any((shipped[k] != now[k]).any() for k in now)
    plain = Trainer(images[:3], images[3:], config.replace(ema_decay=0), tmp_path / "plain", "cpu")
    assert plain.average is None
    assert all((plain.weights_to_save()[k] == v).all() for k, v in plain.network.state_dict().items())
