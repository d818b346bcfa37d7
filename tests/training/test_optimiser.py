"""Learning rate, decay groups, clipping, the average of weights and the steps of a run, with known numbers."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from bccseg.config import NetworkConfig, TrainConfig
from bccseg.errors import SettingsError, TrainingError
from bccseg.model.build import build_network
from bccseg.training import crop_loader, trainer
from bccseg.training.crops import CropDataset, validation_batches
from bccseg.training.distributed import ProcessGroup
from bccseg.training.losses import dice_iou, overlap_counts, segmentation_loss
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


@pytest.mark.parametrize(
    ("warmup", "total", "rates"),
    [
        (0, 1, {0: 1.0, 1: 0.01, 2: 0.01}),
        (1, 3, {0: 1.0, 1: 1.0, 2: 0.505, 3: 0.01}),
        (2, 6, {0: 0.5, 1: 1.0, 2: 1.0, 3: 0.505 + 0.495 * math.sqrt(0.5), 4: 0.505, 6: 0.01, 7: 0.01}),
        (4, 5, {0: 0.25, 1: 0.5, 2: 0.75, 3: 1.0, 4: 1.0, 5: 0.01}),
        (4, 4, {3: 1.0, 4: 1.0, 5: 0.01}),  # nothing left to fall over: in a step
        (9, 4, {0: 1 / 9, 3: 4 / 9, 8: 1.0, 9: 1.0, 10: 0.01}),
    ],
)
def test_the_rate_of_every_step_by_hand(warmup, total, rates):
    config = TrainConfig(epochs=total, steps_per_epoch=1, warmup_steps=warmup, learning_rate=0.2)
    assert {step: learning_rate(config, step) for step in rates} == pytest.approx(
        {k: 0.2 * r for k, r in rates.items()}
    )
    folded = config.replace(epochs=1, steps_per_epoch=total)  # only the product counts
    assert [learning_rate(folded, step) for step in rates] == [learning_rate(config, step) for step in rates]
    constant = config.replace(schedule="constant")
    assert all(learning_rate(constant, step) == 0.2 for step in range(warmup, warmup + 9))


def test_what_is_decayed_goes_by_the_number_of_axes():
    network = nn.ParameterDict({str(n): nn.Parameter(torch.ones([2] * n)) for n in range(5)})
    decayed, plain = make_optimizer(network, TrainConfig(weight_decay=0.07)).param_groups
    assert sorted(p.ndim for p in decayed["params"]) == [2, 3, 4]
    assert sorted(p.ndim for p in plain["params"]) == [0, 1]
    for p in network.values():
        p.grad = torch.zeros_like(p)
    make_optimizer(network, TrainConfig(weight_decay=0.07, learning_rate=0.1)).step()
    assert [float(network[str(n)].detach().max()) for n in range(5)] == pytest.approx([1, 1, *[1 - 0.1 * 0.07] * 3])
    make_optimizer(network, TrainConfig(optimizer="adam", weight_decay=0.07, learning_rate=0.1)).step()
    assert [float(network[str(n)].detach().max()) for n in range(5)] == pytest.approx([1, 1, *[1 - 0.1 * 0.07] * 3])


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


def test_after_many_steps_the_average_forgets_by_its_decay():
    network = nn.Linear(2, 1)
    average = average_weights(network, 0.75)
    assert torch.equal(average.module.weight, network.weight)
    assert average.module.weight is not network.weight
    start = network.weight.detach().clone()
    with torch.no_grad():
        network.weight += 1
    for step, decay in ((0, 0.1), (1, 2 / 11), (25, 26 / 35), (26, 0.75), (10_000, 0.75)):
        with torch.no_grad():
            average.module.weight.copy_(start)
        average.n_averaged.fill_(step + 1)
        average.update_parameters(network)
        assert average.module.weight.tolist()[0] == pytest.approx((start + 1 - decay).tolist()[0], abs=1e-6)
        assert int(average.n_averaged) == step + 2


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


def test_a_run_takes_the_steps_that_are_written_out_here(drawn_dataset, tmp_path):
    config = SMALL.replace(
        steps_per_epoch=3, warmup_steps=2, ema_decay=0.15, clip_norm=0.5, dice_weight=0.7, distance_weight=0.4, seed=5
    )
    images = images_of(drawn_dataset)
    one = Trainer(images[:3], images[3:], config, tmp_path / "run", "cpu")
    (report,) = one.run()

    torch.manual_seed(5)
    network, averaged = build_network(config.network), build_network(config.network)
    averaged.load_state_dict(network.state_dict())
    groups = [[p for p in network.parameters() if (p.ndim > 1) == kernels] for kernels in (True, False)]
    optimizer = torch.optim.AdamW(
        [{"params": groups[0], "weight_decay": 0.01}, {"params": groups[1], "weight_decay": 0}]
    )
    losses, counts, crops = [], torch.zeros(3), CropDataset(images[:3], config)
    for step, (rate, decay) in enumerate([(1e-3, 0.1), (2e-3, 0.15), (2e-3, 0.15)]):
        image, target, weight = (torch.stack(t) for t in zip(crops[0, 2 * step], crops[0, 2 * step + 1], strict=True))
        logits = network(image)
        loss = segmentation_loss(logits, target, weight, config)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.stack([p.grad.norm() for p in network.parameters()]).norm()
        for p in network.parameters():
            p.grad *= min(1.0, 0.5 / float(norm))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        for name, values in network.state_dict().items():
            mean = averaged.state_dict()[name]
            mean.copy_(decay * mean + (1 - decay) * values if values.is_floating_point() else values)
        losses.append(loss.item())
        counts += overlap_counts(logits, target, weight)
    for found, expected in ((one.network.state_dict(), network), (one.weights_to_save(), averaged)):
        for name, values in expected.state_dict().items():
            assert found[name].flatten().tolist() == pytest.approx(values.flatten().tolist(), rel=1e-3, abs=1e-5)
    assert report.loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert (report.dice, report.iou) == pytest.approx(dice_iou(counts), abs=0.01)
    assert report.epoch == 1
    assert report.learning_rate == pytest.approx(2e-3)

    averaged.eval()
    losses, counts = [], torch.zeros(3)
    with torch.no_grad():
        for image, target, weight in validation_batches(images[3:], config):
            logits = averaged(image)
            losses.append(segmentation_loss(logits, target, weight, config).item())
            counts += overlap_counts(logits, target, weight)
    assert report.val_loss == pytest.approx(np.mean(losses), rel=1e-3)
    assert (report.val_dice, report.val_iou) == pytest.approx(dice_iou(counts), abs=0.01)


def test_dice_and_iou_are_of_the_pixels_of_all_batches(drawn_dataset, tmp_path, monkeypatch):
    images = images_of(drawn_dataset)
    given = iter([[1, 2, 4], [5, 6, 5], [2, 3, 3], [0, 1, 1]])  # two steps, then two images to check on
    monkeypatch.setattr(trainer, "overlap_counts", lambda *_: torch.tensor(next(given)))
    (report,) = Trainer(images[:2], images[2:], SMALL, tmp_path / "run", "cpu").run()
    assert (report.dice, report.iou) == pytest.approx((12 / 17, 6 / 11))
    assert (report.val_dice, report.val_iou) == pytest.approx((4 / 8, 2 / 6))


def test_the_time_of_an_epoch_and_the_share_that_was_waited(drawn_dataset, tmp_path, monkeypatch):
    images = images_of(drawn_dataset)
    clock, training, loading = iter([10.0, 17.5]), iter([100.0, 108.0]), iter([0, 1, 5, 8, 9])
    monkeypatch.setattr(
        trainer, "time", SimpleNamespace(monotonic=lambda: next(clock), perf_counter=lambda: next(training))
    )
    monkeypatch.setattr(crop_loader, "time", SimpleNamespace(perf_counter=lambda: next(loading)))
    (report,) = Trainer(images[:3], images[3:], SMALL, tmp_path / "run", "cpu").run()
    assert (report.seconds, report.waiting) == (7.5, 0.5)


def scripted_run(images, config, folder, monkeypatch, losses):
    given = iter(losses)
    monkeypatch.setattr(Trainer, "_validate", lambda self: (next(given), 0.5, 0.4, ()))
    one = Trainer(images[:3], images[3:], config, folder, "cpu")
    return one, list(one.run())


@pytest.mark.parametrize(
    ("patience", "losses", "epochs"),
    [(2, [3.0, 2.0, 2.0, 4.0, 1.0], 4), (1, [3.0, 2.0, 2.0, 1.0], 3), (0, [1.0, 2.0, 3.0, 4.0, 5.0], 5)],
)
def test_the_first_of_the_lowest_epochs_is_kept_and_patience_ends_a_run(
    drawn_dataset, tmp_path, monkeypatch, patience, losses, epochs
):
    config = SMALL.replace(epochs=5, steps_per_epoch=1, patience=patience)
    one, reports = scripted_run(images_of(drawn_dataset), config, tmp_path / "run", monkeypatch, losses)
    assert [r.val_loss for r in reports] == losses[:epochs]
    assert one.best == -min(losses[:epochs])
    with safe_open(tmp_path / "run/best.safetensors", "pt") as best:
        assert best.metadata() == {"epoch": str(1 + losses.index(min(losses[:epochs])))}
    saved = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    assert saved.keys() == {"epoch", "best", "network", "optimizer", "average"}
    assert (saved["epoch"], saved["best"]) == (epochs, one.best)
    for kept, now in ((saved["network"], one.network), (saved["average"], one.average.module)):
        assert all(torch.equal(kept[name], values) for name, values in now.state_dict().items())
    assert {int(state["step"]) for state in saved["optimizer"]["state"].values()} == {epochs}


def test_a_run_that_goes_on_has_its_average_its_optimizer_and_its_best(drawn_dataset, tmp_path, monkeypatch):
    images, config = images_of(drawn_dataset), SMALL.replace(epochs=2, steps_per_epoch=3)
    first, _ = scripted_run(images, config, tmp_path / "run", monkeypatch, [2.0, 3.0])
    onward = Trainer(images[:3], images[3:], config.replace(epochs=3), tmp_path / "run", "cpu")
    assert (onward.epoch, onward.best) == (2, -2.0)
    assert int(onward.average.n_averaged) == int(first.average.n_averaged) == 1 + 6
    for one, other in ((first.network, onward.network), (first.average.module, onward.average.module)):
        assert all(torch.equal(one.state_dict()[name], values) for name, values in other.state_dict().items())
    assert {int(s["step"]) for s in onward.optimizer.state_dict()["state"].values()} == {6}


def test_a_loss_that_is_no_number_ends_the_run_before_the_step(drawn_dataset, tmp_path, monkeypatch):
    images, real = images_of(drawn_dataset), segmentation_loss
    monkeypatch.setattr(trainer, "segmentation_loss", lambda *args: real(*args) * math.inf)
    one = Trainer(images[:3], images[3:], SMALL, tmp_path / "run", "cpu")
    before = {name: values.clone() for name, values in one.network.named_parameters()}
    with pytest.raises(TrainingError) as told:
        list(one.run())
    assert str(told.value) == (
        "The loss is no longer a number: the steps were too large. Train again with a lower learning rate."
    )
    assert all(torch.equal(before[name], values) for name, values in one.network.named_parameters())
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["config.json"]


@pytest.mark.parametrize(("kind", "accelerated"), [("cpu", False), ("cuda", True), ("mps", False)])
def test_crops_are_cut_for_the_device_and_the_place_in_the_group(
    drawn_dataset, tmp_path, monkeypatch, kind, accelerated
):
    class Asked(Exception):
        """With what."""

    def loader(*args, **named):
        raise Asked(args, named)

    images = images_of(drawn_dataset)
    monkeypatch.setattr(trainer, "CropLoader", loader)
    one = Trainer(images[:2], images[3:], SMALL, tmp_path / "run", "cpu", base=images[2:3])
    one.device, one.group, one.epoch = torch.device(kind), ProcessGroup(1, 2), 0
    with pytest.raises(Asked) as told:
        list(one.run())
    (crops, *place), named = told.value.args
    assert (place, named) == ([0, 1, 2], {"accelerated": accelerated})
    assert (crops.images, crops.base, crops.config) == (images[:2], images[2:3], SMALL)


def test_a_batch_must_fit_the_group_before_anything_is_written(drawn_dataset, tmp_path):
    images = images_of(drawn_dataset)
    with pytest.raises(SettingsError, match="A batch of 2 cannot be shared by 3 processes"):
        Trainer(images[:3], images[3:], SMALL, tmp_path / "run", "cpu", group=ProcessGroup(0, 3))
    assert not (tmp_path / "run").exists()
