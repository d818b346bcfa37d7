"""Two processes that train together, started by torch's own launcher, on the CPU."""

import json
import os
import subprocess
import sys

import pytest
import torch

from bccseg.config import NetworkConfig, TrainConfig
from bccseg.errors import SettingsError
from bccseg.model.weights import load_weights
from bccseg.training import crop_loader
from bccseg.training.crop_loader import CropLoader, worker_count
from bccseg.training.crops import CropDataset
from bccseg.training.distributed import ProcessGroup
from bccseg.training.pairs import find_pairs
from bccseg.training.training_image import load_training_image
from tests.paths import ROOT

SMALL = TrainConfig(
    network=NetworkConfig(width=4, depth=2), epochs=2, steps_per_epoch=10, batch_size=4, crop_px=64, warmup_steps=4,
    workers=0, mixed_precision=False, ema_decay=0.5,
)  # fmt: skip


def train(launcher, drawn_dataset, config, out):
    out.parent.mkdir(exist_ok=True)
    (out.parent / "config.json").write_text(json.dumps(config.to_dict()))
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "bccseg", "train", "--data", str(drawn_dataset), "--out", str(out),
         "--config", str(out.parent / "config.json"), "--device", "cpu"],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()], done.stderr


def test_two_processes_learn_what_one_learns_and_one_goes_on(tmp_path, drawn_dataset):
    pair = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    alone, _ = train([], drawn_dataset, SMALL, tmp_path / "alone" / "run")
    both, said = train(pair, drawn_dataset, SMALL, tmp_path / "both" / "run")
    assert said.count("epoch 2/2") == 1  # only the leader talks
    # The same crops in the same batches. Batch norm sees half of each batch, so the curves are alike, not equal.
    for one, two in zip(alone, both, strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=0.1)
    assert both[1]["loss"] < both[0]["loss"]
    assert load_weights(tmp_path / "both/run/weights").config.network == SMALL.network
    longer, _ = train([], drawn_dataset, SMALL.replace(epochs=3), tmp_path / "both" / "run")
    assert longer[:2] == both
    assert len(longer) == 3


def test_processes_share_out_each_batch(drawn_dataset):
    config = SMALL.replace(steps_per_epoch=3)
    crops = CropDataset([load_training_image(*pair, config) for pair in find_pairs(drawn_dataset)[:2]], config)
    whole = [batch[0] for batch in CropLoader(crops).epoch()]
    parts = [[batch[0] for batch in CropLoader(crops, 0, rank, 2).epoch()] for rank in (0, 1)]
    assert len(whole) == len(parts[0]) == len(parts[1]) == 3
    for batch, even, odd in zip(whole, *parts, strict=True):
        assert torch.equal(batch[::2], even)
        assert torch.equal(batch[1::2], odd)
    with pytest.raises(SettingsError, match="multiple"):
        ProcessGroup(0, 3).per_process_batch(4)
    assert ProcessGroup().per_process_batch(5) == 5


def test_a_feed_goes_on_with_the_crops_of_the_next_epoch(drawn_dataset):
    config = SMALL.replace(steps_per_epoch=2, epochs=2, workers=1)
    images = [load_training_image(*pair, config) for pair in find_pairs(drawn_dataset)[:2]]
    loader = CropLoader(CropDataset(images, config))
    first, second = ([batch[0] for batch in loader.epoch()] for _ in range(2))
    assert list(loader.epoch()) == []
    fresh = [batch[0] for batch in CropLoader(CropDataset(images, config), 1).epoch()]
    assert len(first) == len(second) == len(fresh) == 2
    assert all(torch.equal(a, b) for a, b in zip(second, fresh, strict=True))
    assert not torch.equal(first[0], second[0])


def test_a_gpu_gets_more_processes_that_cut_crops(monkeypatch):
    monkeypatch.setattr(crop_loader, "available_cores", lambda: 16)
    automatic = SMALL.replace(workers=-1)
    assert worker_count(automatic, accelerated=False) == 4
    assert worker_count(automatic, accelerated=True) == 15
    assert worker_count(automatic, 4, accelerated=True) == 3
    assert worker_count(SMALL, accelerated=True) == 0
    monkeypatch.setattr(crop_loader, "available_cores", lambda: 1)
    assert worker_count(automatic, accelerated=True) == 1
