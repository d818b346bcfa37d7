"""Batches for the network, cut by worker processes while it computes."""

import os
import time
from collections.abc import Iterator

from torch import Tensor
from torch.utils.data import DataLoader

from bccseg.config import TrainConfig
from bccseg.train.data import Crops

MOST_WORKERS = 8
AHEAD = 4  # batches each worker has ready
Batch = tuple[Tensor, Tensor, Tensor]


def worker_count(config: TrainConfig, size: int = 1, *, accelerated: bool) -> int:
    """Processes that cut crops for one of `size` training processes. A GPU leaves all cores to them."""
    if config.workers >= 0:
        return config.workers
    cores = os.cpu_count() or 1
    return max(1, min(MOST_WORKERS, (cores - 1 if accelerated else cores // 4) // size))


class Feed:
    """One epoch of batches; counts the seconds somebody waited for them.

    rank, size: this process among those that share each batch: it gets every size-th crop of it.
    accelerated: the network computes on a GPU.
    """

    def __init__(
        self, crops: Crops, config: TrainConfig, rank: int = 0, size: int = 1, *, accelerated: bool = False
    ) -> None:
        workers = worker_count(config, size, accelerated=accelerated)
        first = range(0, len(crops), config.batch_size)
        batches = [list(range(k + rank, k + config.batch_size, size)) for k in first]
        self.loader = DataLoader(
            crops, batch_sampler=batches, num_workers=workers, pin_memory=accelerated,
            prefetch_factor=AHEAD if workers else None,
        )  # fmt: skip
        self.waited = 0.0

    def __iter__(self) -> Iterator[Batch]:
        started = time.perf_counter()
        for batch in self.loader:
            self.waited += time.perf_counter() - started
            yield tuple(batch)
            started = time.perf_counter()
