"""How fast training goes, how long the network waits for images, and what care buys over a plain loop.

    python benchmarks/training.py [--steps 30] [--rounds 5] [--network resunet] [--device cpu]

On drawn smears, with the recommended set-up. The plain loop trains the same network on the same crops with the same
loss and optimiser, as a tutorial would write it: float32, PyTorch's default layout, crops cut between the steps. Both
take turns, so that what else the machine does meets both; the numbers are medians of the rounds after a warm-up.
"""

import argparse
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import torch
from torch.utils.data import DataLoader

from bccseg import __version__
from bccseg.config import NetworkConfig, TrainConfig
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear
from bccseg.model.build import build_network
from bccseg.model.device import choose_device, describe_device, inference_dtype
from bccseg.training.crops import CropDataset
from bccseg.training.losses import segmentation_loss
from bccseg.training.optimiser import make_optimizer
from bccseg.training.trainer import Trainer
from bccseg.training.training_image import TrainingImage, load_training_image

FIELDS = 8


def drawn_fields(folder: Path, config: TrainConfig) -> list[TrainingImage]:
    """Smears of the usual size with their masks, read back like any others."""
    images = []
    for k in range(FIELDS):
        image, labels = draw_smear((1200, 1600), cells=90, diameter_px=105, seed=k)
        paths = folder / f"{k}.png", folder / f"{k}_mask.png"
        cv2.imwrite(str(paths[0]), image[..., ::-1])
        cv2.imwrite(str(paths[1]), separated_mask(labels))
        images.append(load_training_image(*paths, config))
    return images


class PlainLoop:
    """Training as a tutorial writes it."""

    def __init__(self, images: list[TrainingImage], config: TrainConfig, device: torch.device) -> None:
        self.images, self.config, self.device = images, config, device
        self.network = build_network(config.network).to(device).train()
        self.optimizer = make_optimizer(self.network, config)

    def epoch(self, number: int) -> float:
        """Seconds of one epoch."""
        config, started = self.config, time.perf_counter()
        keys = [(number, k) for k in range(config.steps_per_epoch * config.batch_size)]
        for batch in DataLoader(CropDataset(self.images, config), sampler=keys, batch_size=config.batch_size):
            image, target, weight = (tensor.to(self.device) for tensor in batch)
            self.optimizer.zero_grad()
            loss = segmentation_loss(self.network(image), target, weight, config)
            loss.backward()
            self.optimizer.step()
            loss.item()
        return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--steps", type=int, default=30)
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--network", default="unet", choices=("unet", "resunet"))
    ask.add_argument("--device", default="auto")
    args = ask.parse_args()
    usual = TrainConfig(network=NetworkConfig(architecture=args.network))
    config = usual.replace(steps_per_epoch=args.steps, epochs=args.rounds + 1)
    device = choose_device(args.device)
    with tempfile.TemporaryDirectory() as folder:
        images = drawn_fields(Path(folder), config)
        careful = Trainer(images, images[:1], config, Path(folder) / "run", args.device).run()
        plain = PlainLoop(images, config, device)
        next(careful), plain.epoch(0)  # warm-up
        rounds = [(next(careful), plain.epoch(k)) for k in range(1, args.rounds + 1)]
    seconds = statistics.median(report.seconds for report, _ in rounds)
    slow = statistics.median(plain_seconds for _, plain_seconds in rounds)
    ratio = statistics.median(plain_seconds / report.seconds for report, plain_seconds in rounds)
    waiting = statistics.median(report.waiting for report, _ in rounds)
    images = args.steps * config.batch_size
    print(f"bccseg {__version__}, {args.network} of width {config.network.width}, {config.batch_size} crops of "
          f"{config.crop_px} px a step, {args.steps} steps x {args.rounds}, medians; torch {torch.__version__}, Python "
          f"{platform.python_version()}, {describe_device(device, inference_dtype(device))}, {torch.get_num_threads()} "
          f"cores, {platform.machine()}")  # fmt: skip
    print(f"  bccseg  {images / seconds:7.1f} crops a second, validation and checkpoint included")
    print(f"  plain   {images / slow:7.1f} crops a second; bccseg is {ratio:.2f} times as fast (median of the pairs)")
    print(f"  the network waits for crops {100 * waiting:.1f} % of the time")
    epoch = seconds * usual.steps_per_epoch / args.steps
    print(f"  an epoch of {usual.steps_per_epoch} steps takes {epoch:.1f} s: {60 / epoch:.2f} epochs a minute")


if __name__ == "__main__":
    main()
