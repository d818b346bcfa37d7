"""Batches for the network, cut by worker processes while it computes."""

import os
import time
from collections.abc import Iterator
from itertools import islice

from torch.utils.data import DataLoader, Sampler

from bccseg.config import TrainConfig
from bccseg.training.crops import Batch, CropDataset

MOST_WORKERS = 24  # a GPU takes no more crops a second than so many give
AHEAD = 4  # batches each worker has ready


def worker_count(config: TrainConfig, size: int = 1, *, accelerated: bool) -> int:
    """Processes that cut crops for one of `size` training processes. A GPU leaves all cores to them."""
    if config.workers >= 0:
        return config.workers
    cores = available_cores()
    return max(1, min(MOST_WORKERS, (cores - 1 if accelerated else cores // 4) // size))


def available_cores() -> int:
    """Cores that this process may use; a container or a scheduler may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class EpochSampler(Sampler[list[tuple[int, int]]]):
    """Keys (epoch, index) of the crops of each batch, from epoch `first` to the last one.

    rank, size: this process among those that share each batch: it gets every size-th crop of it.
    """

    def __init__(self, config: TrainConfig, first: int = 0, rank: int = 0, size: int = 1) -> None:
        self.config, self.first, self.rank, self.size = config, first, rank, size

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        batch = self.config.batch_size
        for epoch in range(self.first, self.config.epochs):
            for step in range(self.config.steps_per_epoch):
                start = step * batch
                yield [(epoch, index) for index in range(start + self.rank, start + batch, self.size)]


class CropLoader:
    """Batches epoch by epoch, from epoch `first` on; counts the seconds somebody waited for those of an epoch.

    The processes live as long as the loader, and cut the first crops of an epoch while the one before is validated.
    rank, size: see `EpochSampler`. accelerated: the network computes on a GPU.
    """

    def __init__(
        self, crops: CropDataset, first: int = 0, rank: int = 0, size: int = 1, *, accelerated: bool = False
    ) -> None:
        config = crops.config
        workers = worker_count(config, size, accelerated=accelerated)
        self.steps = config.steps_per_epoch
        self.loader = DataLoader(
            crops, batch_sampler=EpochSampler(config, first, rank, size), num_workers=workers,
            pin_memory=accelerated, prefetch_factor=AHEAD if workers else None,
        )  # fmt: skip
        self.batches: Iterator[Batch] | None = None  # the processes start when the first is asked for
        self.data_wait_s = 0.0

    def epoch(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        self.data_wait_s, started = 0.0, time.perf_counter()
        if self.batches is None:
            self.batches = iter(self.loader)
        for batch in islice(self.batches, self.steps):
            self.data_wait_s += time.perf_counter() - started
            yield batch
            started = time.perf_counter()
