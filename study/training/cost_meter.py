"""What a trial has cost so far, over all its sessions, work repeated after a kill included.

What a killed session did after its last sign of life, a checkpoint or a record, is not known.
"""

from __future__ import annotations

import time
from typing import Any

from study.storage.run_dir import TrialDir


class Meter:
    """Counts images and device-seconds; takes up where the trial's files end."""

    def __init__(self, trial: TrialDir, workers: int) -> None:
        rows = [*trial.events(), *trial.records()]
        self.workers = workers
        self.images = max((row.get("images_spent", 0) for row in rows), default=0)
        self._before = max((row.get("device_seconds", 0.0) for row in rows), default=0.0)
        self._start = time.monotonic()
        self._leg_start = self._start
        self._leg_images = 0

    @property
    def device_seconds(self) -> float:
        """Wall seconds × workers: training, evaluation, start-up."""
        return self._before + (time.monotonic() - self._start) * self.workers

    def begin_leg(self) -> None:
        self._leg_start, self._leg_images = time.monotonic(), 0

    def count(self, images: int) -> None:
        self.images += images
        self._leg_images += images

    @property
    def images_per_second(self) -> float:
        """Training images per second in the current leg."""
        elapsed = time.monotonic() - self._leg_start
        return self._leg_images / elapsed if elapsed > 0 else 0.0

    def costs(self) -> dict[str, Any]:
        """The columns that events and records share."""
        return {
            "images_spent": self.images,
            "device_seconds": round(self.device_seconds, 3),
            "images_per_second": round(self.images_per_second, 2),
        }
