"""Train the shipped weights: several networks learn from one stream of crops, for a given time on one graphics card.

    python benchmarks/shipped_weights.py --data BBBC=0.5 --data TXL=0.42 --data BCISC=0.08
        --config weights/unet-bbbc041seg/training.json --init unet-bbbc041seg --init resunet-bbbc041seg
        --minutes 9.3 --out OUT

Each DIR=SHARE is a folder of original/ and labels/ (and unknown/), and the share of the crops that it gives. A network
takes a few milliseconds for a batch; cutting it takes sixteen cores a hundred. So they share the crops. The rate falls
by a cosine over the time, however fast the machine is. What comes out is the running average of each network, as
`<name>.safetensors`, without thresholds or calibration.
"""

import argparse
import math
import os
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset

from bccseg.config import TrainConfig
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights
from bccseg.training.crop_loader import available_cores
from bccseg.training.crops import Batch, CropDataset
from bccseg.training.initial_weights import initial_network
from bccseg.training.losses import segmentation_loss
from bccseg.training.optimiser import average_weights, make_optimizer
from bccseg.training.pairs import find_pairs, split_pairs
from bccseg.training.training_image import TrainingImage, load_training_image

EVERY_S = 20  # seconds between lines of the log


class Learner(NamedTuple):
    """A network that learns."""

    config: TrainConfig
    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedModel
    total: torch.Tensor  # of the losses since the last line of the log


class MixedCrops(Dataset):
    """Crops of several sets by their shares, in half precision: the way to the graphics card is the narrowest place."""

    def __init__(self, sets: list[CropDataset], shares: list[float], seed: int) -> None:
        self.sets, self.seed = sets, seed
        self.shares = np.array(shares) / sum(shares)

    def __getitem__(self, index: int) -> Batch:
        """One crop."""
        rng = np.random.default_rng([self.seed, index])
        crops = self.sets[rng.choice(len(self.sets), p=self.shares)]
        return Batch(*(values.half() for values in crops[self.seed, index]))


def load(job: tuple[Path, Path, TrainConfig]) -> TrainingImage:
    """One image, in a process of its own."""
    cv2.setNumThreads(1)
    return load_training_image(*job)


def crops_of(folder: Path, config: TrainConfig) -> CropDataset:
    """Crops of the images of a folder that are not held out."""
    jobs = [(*pair, config) for pair in split_pairs(find_pairs(folder), config.validation_share)[0]]
    with get_context("fork").Pool(available_cores()) as pool:
        return CropDataset(pool.map(load, jobs, chunksize=4), config)


def new_learner(config: TrainConfig, init: str, device: torch.device) -> Learner:
    """A network that goes on from weights, with the head of `config`."""
    network = load_weights(*locate(init)).config.network.replace(
        head=config.network.head, classes=config.network.classes, class_width=config.network.class_width
    )
    config = config.replace(network=network, base_weights=init)
    learning = initial_network(config).to(device, memory_format=torch.channels_last)
    total = torch.zeros((), device=device)
    return Learner(
        config, learning, make_optimizer(learning, config), average_weights(learning, config.ema_decay), total
    )


def step(learner: Learner, batch: Batch, rate: float) -> None:
    """One step at a learning rate."""
    for params in learner.optimizer.param_groups:
        params["lr"] = rate
    with torch.autocast(batch.image.device.type, torch.bfloat16, enabled=batch.image.is_cuda):
        logits = learner.network(batch.image)
    loss = segmentation_loss(logits.float(), batch.target, batch.weight, learner.config)
    learner.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(learner.network.parameters(), learner.config.clip_norm)
    learner.optimizer.step()
    learner.average.update_parameters(learner.network)
    learner.total.add_(loss.detach())


def write_averages(learners: dict[str, Learner], out: Path) -> None:
    """The weights as they are, in a file for each network."""
    for name, learner in learners.items():
        state = {key: values.detach().contiguous().cpu() for key, values in learner.average.module.state_dict().items()}
        save_file(state, out / f"{Path(name).name}.safetensors")


def main() -> None:
    """Train, and write the averages."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, action="append", metavar="DIR=SHARE")
    ap.add_argument("--config", required=True, type=Path)
    ap.add_argument("--init", required=True, action="append", metavar="WEIGHTS")
    ap.add_argument("--minutes", required=True, type=float)
    ap.add_argument("--out", required=True, type=Path)
    args = ap.parse_args()
    config = TrainConfig.from_json(args.config.read_bytes())
    folders, shares = zip(*(entry.rsplit("=", 1) for entry in args.data), strict=True)
    sets = [crops_of(Path(folder), config) for folder in folders]
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    loader = DataLoader(
        MixedCrops(sets, [float(share) for share in shares], config.seed),
        batch_size=config.batch_size, sampler=range(10**8), num_workers=max(1, available_cores() - 1),
        pin_memory=cuda, prefetch_factor=4, worker_init_fn=lambda _: cv2.setNumThreads(1),
    )  # fmt: skip
    torch.manual_seed(config.seed)
    learners = {name: new_learner(config, name, device) for name in args.init}
    args.out.mkdir(parents=True, exist_ok=True)
    start = said = time.monotonic()
    steps = since = 0
    for batch in loader:
        share = (time.monotonic() - start) / (60 * args.minutes)
        if share >= 1:
            break
        image, target, weight = (values.to(device, non_blocking=True).float() for values in batch)
        moved = Batch(image.contiguous(memory_format=torch.channels_last), target, weight)
        warm = min(1.0, (steps + 1) / max(1, config.warmup_steps))
        for learner in learners.values():
            step(learner, moved, config.learning_rate * warm * (0.005 + 0.995 * (1 + math.cos(math.pi * share)) / 2))
        steps += 1
        if time.monotonic() - said > EVERY_S:
            losses = {name: round(float(learner.total) / (steps - since), 4) for name, learner in learners.items()}
            rate = config.batch_size * (steps - since) / (time.monotonic() - said)
            print(f"{share:4.0%}  step {steps}  {rate:.0f} crops a second  loss {losses}", flush=True)
            for learner in learners.values():
                learner.total.zero_()
            since, said = steps, time.monotonic()
            write_averages(learners, args.out)
    write_averages(learners, args.out)
    print(f"{steps} steps of {config.batch_size} crops")
    os._exit(0)  # the loader's processes have crops on their way that nobody wants


if __name__ == "__main__":
    main()
