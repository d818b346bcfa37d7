"""Batches for the network, cut by worker processes while it computes."""

import os
import time
from collections.abc import Iterator
from itertools import islice

from torch import Tensor
from torch.utils.data import DataLoader

from bccseg.config import TrainConfig
from bccseg.training.crops import CropDataset

MOST_WORKERS = 8
AHEAD = 4  # batches each worker has ready
Batch = tuple[Tensor, Tensor, Tensor]


def worker_count(config: TrainConfig, size: int = 1, *, accelerated: bool) -> int:
    """Processes that cut crops for one of `size` training processes. A GPU leaves all cores to them."""
    if config.workers >= 0:
        return config.workers
    cores = os.cpu_count() or 1
    return max(1, min(MOST_WORKERS, (cores - 1 if accelerated else cores // 4) // size))


class CropLoader:
    """Batches from the epoch of `crops` to the last one; counts the seconds somebody waited for those of an epoch.

    The processes live as long as the loader, and cut the first crops of an epoch while the one before is validated.
    rank, size: this process among those that share each batch: it gets every size-th crop of it.
    accelerated: the network computes on a GPU.
    """

    def __init__(
        self, crops: CropDataset, config: TrainConfig, rank: int = 0, size: int = 1, *, accelerated: bool = False
    ) -> None:
        workers = worker_count(config, size, accelerated=accelerated)
        first = range(0, len(crops) * (config.epochs - crops.epoch), config.batch_size)
        batches = [list(range(k + rank, k + config.batch_size, size)) for k in first]
        self.steps = config.steps_per_epoch
        self.loader = DataLoader(
            crops, batch_sampler=batches, num_workers=workers, pin_memory=accelerated,
            prefetch_factor=AHEAD if workers else None,
        )  # fmt: skip
        self.batches: Iterator[list[Tensor]] | None = None  # the processes start when the first is asked for
        self.data_wait_s = 0.0

    def epoch(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        self.data_wait_s, started = 0.0, time.perf_counter()
        self.batches = self.batches or iter(self.loader)
        for batch in islice(self.batches, self.steps):
            self.data_wait_s += time.perf_counter() - started
            yield tuple(batch)
            started = time.perf_counter()
