"""Timing two ways of doing the same thing against each other, in turns, in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def compare(ways: Mapping[str, Callable[[], object]], rounds: int = 30, warmup: int = 3) -> None:
    """Print the median and the fastest milliseconds of each way, and its ratio to the last one.

    The ways take turns, so that what else the machine does falls on all of them.
    """
    for _ in range(warmup):
        for way in ways.values():
            way()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(1000 * (time.perf_counter() - began))
    peer = statistics.median(taken[list(ways)[-1]])
    for name, times in taken.items():
        middle = statistics.median(times)
        print(f"  {name:34} {middle:8.1f} ms ({min(times):.1f} fastest)  × {middle / peer:.2f}")
