"""Several processes that train one network, a GPU each, started by torch's own launcher.

    torchrun --nproc-per-node 4 -m bccseg train --data DIR --out RUN

Every process works on its share of each batch; gradients are averaged (Li et al. 2020, doi 10.14778/3415478.3415530),
so the batch size means the same whatever the number of processes. The leader alone writes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from bccseg.errors import SettingsError

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those that train together; alone by default."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def per_process_batch(self, batch: int) -> int:
        """Images of a batch that fall to each process. Raises SettingsError if they cannot be dealt out evenly."""
        if batch % self.size:
            raise SettingsError(f"A batch of {batch} cannot be shared by {self.size} processes. Choose a multiple.")
        return batch // self.size

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network as to be called in training: its gradients are averaged over the team."""
        return network if self.size == 1 else nn.parallel.DistributedDataParallel(network)

    def all_reduce(self, values: Tensor) -> Tensor:
        """Sum over the team, in place."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def broadcast(self, value: T) -> T:
        """What the leader has in `value`; waits for it."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """The main process does what is inside first, then the others."""
        if not self.is_main:
            self.broadcast(None)
        yield
        if self.is_main:
            self.broadcast(None)

    def close(self) -> None:
        """End working together."""
        if self.size > 1:
            distributed.destroy_process_group()


def join_process_group(device: torch.device) -> ProcessGroup:
    """Meet the other processes that the launcher started; on CUDA each takes the GPU of its own number."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ProcessGroup()
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return ProcessGroup(distributed.get_rank(), size)
