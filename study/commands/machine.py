"""What a study's trainings take on this machine, and how many of them it runs at once."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from study.planning.design import Design
from study.planning.pricing.price import Pace

if TYPE_CHECKING:
    from study.training.speed import Speed


def gpu(asked: Design) -> bool:
    """Whether trials train on GPUs, as far as this machine can tell."""
    import torch  # here: it takes seconds

    return asked.space.fixed.device != "cpu" and torch.cuda.is_available()


def places(asked: Design, workers: int, gpus: float | None, most: int | None) -> int:
    """Trainings that this machine runs at once.

    Args:
        asked: the study.
        workers: of each training.
        gpus: that one worker takes; None: one, where there are any.
        most: trainings at once; None: as many as fit.
    """
    import torch  # here: only a dry run needs it in this process

    cores = len(os.sched_getaffinity(0))
    devices = float(torch.cuda.device_count() if gpu(asked) else cores)
    if gpu(asked) and gpus is not None:
        devices = min(devices / gpus, cores) if gpus else cores
    fitting = max(1, int(devices / workers))
    return min(fitting, most or fitting)


def worker_speed(
    asked: Design, workers: int, at_once: int = 1, gpus: float | None = None
) -> Speed:
    """What one worker of a training does on this machine, beside those that it shares it with.

    On CPUs that is all of them; a GPU is shared where a worker takes a part of it (`gpus`).
    """
    from study.training import speed  # here: it imports torch, most sweeps need none

    beside = workers * at_once
    if gpu(asked):
        beside = min(beside, int(1 / gpus)) if gpus else beside if gpus == 0 else 1
    cell, fixed = asked.cells[-1], asked.space.fixed
    run = replace(fixed, arm=cell.arm.name, init=cell.arm.init, size=cell.size)
    return speed.measure(run, workers, max(1, beside))


def pace(found: Speed, workers: int) -> Pace:
    """What trainings take whose workers are so fast; each evaluates its share of the images."""
    return Pace(
        image=1 / (found.images_per_second * workers),
        tuning_evaluation=found.tuning_s / workers,
        report_evaluation=found.report_s / workers,
        start=found.start_s,
    )
