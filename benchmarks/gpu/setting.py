"""On what the checks run, and how large they are."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from study.config import R50_FPN, TINY, DataConfig, OptimConfig, RunConfig, ScheduleConfig
from study.config.model import ModelConfig
from study.recipes.scaling import fewer_regions


@dataclass(frozen=True)
class Setting:
    """The device, a folder for runs, and whether everything is small, for a CPU."""

    device: Literal["cpu", "cuda"]
    folder: Path
    tiny: bool = False
    until: float = float("inf")  # of the monotonic clock; what would begin later is left out

    @property
    def over(self) -> bool:
        return time.monotonic() > self.until

    @property
    def on(self) -> torch.device:
        return torch.device(self.device)

    @property
    def threads(self) -> int:
        """Of the CPU; it has the smaller part of the work."""
        return 1 if self.tiny else min(8, len(os.sched_getaffinity(0)))

    @property
    def embedded(self) -> RunConfig:
        """The embedded network on its own data, for a dozen steps."""
        return RunConfig(
            size=12,
            data=DataConfig(tune_size=6, val_size=6),
            optim=OptimConfig(batch_size=4, lr=0.02),
            schedule=ScheduleConfig(lengths=(8, 12), tail=(4, 2), warmup=2),
            checkpoint_every=3,
            keep_weights=True,
            device=self.device,
            threads=self.threads,
        )

    @property
    def small_r50(self) -> ModelConfig:
        """R50-FPN with GroupNorm at its full width, with few regions of small images."""
        return fewer_regions(R50_FPN, 16 if self.tiny else 128)

    @property
    def short_px(self) -> int:
        """Of small images."""
        return 64 if self.tiny else 256

    @property
    def large_maps(self) -> RunConfig:
        """The embedded network on images that are too large for pooling by matrices."""
        return replace(self.embedded, model=replace(TINY, short_px=272, long_px=288))


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Peak:
    """Inside, the most memory that tensors take on a GPU, above what they took before, is found.

    Attributes:
        total: bytes at the peak; None on a CPU, which does not say.
        added: bytes above those at the beginning; None likewise.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.total: int | None = None
        self.added: int | None = None

    def __enter__(self) -> Peak:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
            self._before = torch.cuda.memory_allocated(self.device)
        return self

    def __exit__(self, *_: object) -> None:
        if self.device.type == "cuda":
            self.total = torch.cuda.max_memory_allocated(self.device)
            self.added = self.total - self._before

    def __str__(self) -> str:
        return "memory not known" if self.total is None else f"{self.total / 1e9:.2f} GB"
