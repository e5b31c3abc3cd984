"""Counts a step's operations, and those for which a host waits for its device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero", "equal")


class Counting(TorchDispatchMode):
    """Counts operations by name; a boolean index, of which the result's size is data, apart.

    What it sees does not depend on the device, so that a CPU tells where a GPU would be waited
    for. On CUDA, suppression is one more: its kernel says how many boxes it has left. Copies to
    the host, and to the device unless they are sent ahead, wait too; those it does not see.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__
        places = args[1] if name in ("index", "index_put", "index_put_") else ()
        if any(at is not None and at.dtype == torch.bool for at in places):
            name = "boolean index"
        self.seen[name] += 1
        return func(*args, **(kwargs or {}))

    @property
    def operations(self) -> int:
        return sum(self.seen.values())

    @property
    def waits(self) -> int:
        return sum(self.seen[name] for name in (*WAITS, "boolean index"))
