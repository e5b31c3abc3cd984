"""How fast workers train and evaluate on this machine, and in how much memory: from a few real
iterations, by as many of them at once as will run.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from statistics import mean
from threading import BrokenBarrierError
from typing import Literal

from study.config import RunConfig, schedule, to_dict
from study.config.checks.require import require
from study.storage.run_dir import TrialDir
from study.training import memory
from study.training.engine import Session
from study.training.evaluation.scores import EVALUATION_BATCH, score
from study.training.workers import World

ITERATIONS = 16  # at most
SECONDS = 6.0  # of training after which no further iteration begins
LEAST = 6  # iterations, however long they take
EVALUATING_S = 2.0  # in which a few images of a split are evaluated again
MOST_EVALUATIONS = 4
SHORT_S = 10.0  # a start that takes less is measured twice: what is done once is then left out
TOGETHER_S = 600.0  # in which all workers must have come so far

Meet = Callable[[], object]


@dataclass(frozen=True)
class Speed:
    """Of one worker, while others run beside it."""

    images_per_second: float
    peak_bytes: int  # of the whole process, or of its GPU
    at_once: int  # images, of its share of a batch
    share: int
    start_s: float  # from a trial's beginning to its first steady iteration, in a warm process
    tuning_s: float  # of an evaluation on the whole tuning split
    report_s: float  # the same on the report split
    tuning_images: int
    report_images: int


def measure(
    config: RunConfig,
    workers: int = 1,
    beside: int = 1,
    iterations: int = ITERATIONS,
    evaluates: bool = True,
) -> Speed:
    """What one of a run's workers does, which has its share of each batch.

    Images are stored for these iterations alone.

    Args:
        config: of the run.
        workers: that share its batches.
        beside: workers of this and other runs that are at work at once; each gets a process.
        iterations: at most.
        evaluates: whether evaluations are measured too; otherwise they are said to take no time.

    Raises:
        ValueError: the batch does not divide among the workers, or does not fit the memory.
    """
    batch = config.optim.batch_size
    require(batch % workers == 0, "workers", workers, f"must divide the batch of {batch}")
    share = batch // workers
    own = replace(config, optim=replace(config.optim, batch_size=share))
    if beside == 1:
        return _measure(own, iterations, lambda: None, evaluates)
    return _mean(_together(own, iterations, beside, evaluates))


def _measure(config: RunConfig, iterations: int, meet: Meet, evaluates: bool) -> Speed:
    """One worker's own; it waits for the others by `meet`."""
    with tempfile.TemporaryDirectory() as folder:
        session, start_s = _session(config, folder, iterations)
        leg = schedule.legs(config.schedule)[0]
        began = time.monotonic()
        session.step(leg, 0)  # the first one is slower
        first_s = time.monotonic() - began
        meet()
        session.meter.begin_leg()
        began, iteration = time.monotonic(), 1
        while iteration < iterations:
            session.step(leg, iteration)
            iteration += 1
            if iteration >= LEAST and time.monotonic() - began > SECONDS:
                break
        speed = session.meter.images_per_second
        meet()
        tuning, report = (0.0, 0), (0.0, 0)
        if evaluates:
            tuning, report = _evaluation(session, "tune"), _evaluation(session, "report")
        share = config.optim.batch_size
        return Speed(
            images_per_second=speed,
            peak_bytes=memory.peak_bytes(session.device),
            at_once=session.gradients.at_once,
            share=share,
            start_s=start_s + max(0.0, first_s - share / speed),
            tuning_s=tuning[0],
            report_s=report[0],
            tuning_images=tuning[1],
            report_images=report[1],
        )


def _session(config: RunConfig, folder: str, iterations: int) -> tuple[Session, float]:
    """A trial's session, and the seconds in which one begins."""
    trial = TrialDir(folder)
    trial.write_config({"run": to_dict(config)})
    ahead = range(iterations + 1)  # the batch after the last one is begun too
    while True:
        began = time.monotonic()
        session = Session(config, trial, World(), only=ahead)
        took = time.monotonic() - began
        if took > SHORT_S or len(trial.events()) > 1:
            return session, took


def _evaluation(session: Session, split: Literal["tune", "report"]) -> tuple[float, int]:
    """Seconds of an evaluation on the whole split, from a few of its images, and their number."""
    index, ids = session.splits.images(split)
    if not len(ids):
        return 0.0, 0
    few = ids[:EVALUATION_BATCH]
    score(session.state.detector, index, few[:1], session.config, session.world)  # warms up
    began, times = time.monotonic(), 0
    while times < MOST_EVALUATIONS and (not times or time.monotonic() - began < EVALUATING_S):
        score(session.state.detector, index, few, session.config, session.world)
        times += 1
    return (time.monotonic() - began) / times * len(ids) / len(few), len(ids)


def _together(config: RunConfig, iterations: int, number: int, evaluates: bool) -> list[Speed]:
    """Of workers that step and evaluate at the same time."""
    context = multiprocessing.get_context("spawn")
    shared = context.Barrier(number, timeout=TOGETHER_S)
    with ProcessPoolExecutor(number, context, _share, (shared,)) as pool:
        found = [pool.submit(_one_of_them, config, iterations, evaluates) for _ in range(number)]
        errors = [error for each in found if (error := each.exception())]
    for error in errors:
        if not isinstance(error, BrokenBarrierError):  # which another one's end has caused
            raise error
    return [each.result() for each in found]


_shared: Barrier | None = None  # of a process that measures beside others


def _share(barrier: Barrier) -> None:
    global _shared
    _shared = barrier


def _one_of_them(config: RunConfig, iterations: int, evaluates: bool) -> Speed:
    assert _shared is not None
    try:
        return _measure(config, iterations, _shared.wait, evaluates)
    except BaseException:
        _shared.abort()
        raise


def _mean(found: Sequence[Speed]) -> Speed:
    """Their means; of memory the most."""
    return replace(
        found[0],
        images_per_second=len(found) / sum(1 / one.images_per_second for one in found),
        peak_bytes=max(one.peak_bytes for one in found),
        start_s=mean(one.start_s for one in found),
        tuning_s=mean(one.tuning_s for one in found),
        report_s=mean(one.report_s for one in found),
    )
