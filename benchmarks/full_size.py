"""Mask R-CNN R50-FPN with GroupNorm on generated images of full size, without a study."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from study.config import R50_FPN, DataConfig, OptimConfig, RunConfig, schedule, to_dict
from study.config.model import ModelConfig
from study.config.run import Compute
from study.data.batches.loader import Batch
from study.storage.run_dir import TrialDir
from study.training.engine import Session
from study.training.gradients import Seeds
from study.training.workers import World

CLASSES = 80


def run_of(
    folder: Path,
    size: tuple[int, int],
    images: int,
    model: ModelConfig = R50_FPN,
    compute: Compute = "float32",
) -> RunConfig:
    """A run of `images` an iteration, of height and width px, which are drawn once.

    Args:
        folder: where it is written what is to be drawn; the images lie in the cache.
    """
    height, width = size
    counts = {"train": images, "val": 1}
    asked = {"height": height, "width": width, "classes": CLASSES, "counts": counts}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shapes.json").write_text(json.dumps(asked))
    return RunConfig(
        size=images,
        split="report",
        data=DataConfig(name="generated", folder=str(folder), tune_size=0),
        model=replace(model, short_px=min(size), long_px=max(size)),
        optim=OptimConfig(batch_size=images, lr=1e-3, clip_norm=None),
        compute=compute,
    )


class Steps:
    """A run's steps one by one, each as in training.

    Attributes:
        batch: of the last step.
    """

    def __init__(self, config: RunConfig, folder: Path) -> None:
        trial = TrialDir(folder)
        trial.write_config({"run": to_dict(config)})
        self.config = config
        self.session = Session(config, trial, World())
        self.leg = schedule.legs(config.schedule)[0]
        self.done = 0
        self.batch: Batch | None = None
        add = self.session.gradients.add

        def seen(batch: Batch, seeds: Seeds, iteration: int) -> dict[str, float]:
            self.batch = batch
            return add(batch, seeds, iteration)

        self.session.gradients.add = seen

    def step(self) -> dict[str, float]:
        """One step; the mean of each loss so far."""
        self.session.step(self.leg, self.done)
        self.done += 1
        return self.session.state.mean_losses()
