"""How fast a worker trains on this machine, and in how much memory: from a few real iterations."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace

from study.config import RunConfig, schedule, to_dict
from study.config.require import require
from study.storage.run_dir import TrialDir
from study.training import memory
from study.training.engine import Session
from study.training.workers import World


@dataclass(frozen=True)
class Speed:
    """Of one worker."""

    images_per_second: float
    peak_bytes: int  # of the whole process, or of its GPU
    at_once: int  # images, of its share of a batch
    share: int


def measure(config: RunConfig, workers: int = 1, iterations: int = 6) -> Speed:
    """What one of a run's workers does, which has its share of each batch.

    Images are stored for these iterations alone.

    Raises:
        ValueError: the batch does not divide among the workers, or does not fit the memory.
    """
    batch = config.optim.batch_size
    require(batch % workers == 0, "workers", workers, f"must divide the batch of {batch}")
    share = batch // workers
    own = replace(config, optim=replace(config.optim, batch_size=share))
    with tempfile.TemporaryDirectory() as folder:
        trial = TrialDir(folder)
        trial.write_config({"run": to_dict(own)})
        ahead = iterations + 1  # the batch after the last one is begun too
        session = Session(own, trial, World(), only=range(ahead))
        leg = schedule.legs(own.schedule)[0]
        session.step(leg, 0)  # the first one is slower
        session.meter.begin_leg()
        for iteration in range(1, iterations):
            session.step(leg, iteration)
        return Speed(
            session.meter.images_per_second,
            memory.peak_bytes(session.device),
            session.gradients.at_once,
            share,
        )
