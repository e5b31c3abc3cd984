"""The workers of one run, through torch.distributed if it is initialised, else this process alone.

A batch is a sequence of slots and each worker takes an equal run of them; sums over workers are
exact means over the batch. So the number of workers changes rounding and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """This worker's rank among `size` workers."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> World:
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def is_main(self) -> bool:
        """Whether this worker writes the run directory."""
        return self.rank == 0

    def slots(self, batch_size: int) -> range:
        """The slots of each batch that are this worker's.

        Raises:
            ValueError: the batch does not divide.
        """
        if batch_size % self.size:
            raise ValueError(
                f"optim.batch_size = {batch_size}: must be a multiple of the {self.size} workers"
            )
        share = batch_size // self.size
        return range(self.rank * share, (self.rank + 1) * share)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of the workers' tensors, the same on every worker."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, rows: list[T]) -> list[T]:
        """The workers' rows one after another, by rank, on every worker."""
        if self.size == 1:
            return rows
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, rows)
        return [row for part in parts for row in part]

    def from_main(self, value: T) -> T:
        """The main worker's value, on every worker."""
        if self.size == 1:
            return value
        box: list[Any] = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu") if _gloo() else None)
        return box[0]


def _gloo() -> bool:
    return dist.get_backend() == "gloo"
