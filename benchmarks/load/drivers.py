"""Both drivers, each in a process of its own on the same cluster: what it takes to serve trials.

    RAY_ADDRESS=… python -m benchmarks.load.drivers ours|tune FOLDER TRIALS RECORDS AT_ONCE

Prints a line of JSON: seconds of the wall and of the driver's processor, and its memory.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray import tune
from rich.console import Console

from benchmarks.load.stub import PlainTrial, StubTrial
from study.cluster import launch, ray_session
from study.cluster.room import Room
from study.config import (
    Budget,
    LogUniform,
    Nuisance,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
)
from study.config.arms import parse
from study.planning.design import Design
from study.planning.plan import Plan
from study.planning.search.search import Search
from study.storage.run_dir import StudyDir

EACH = 1e-3  # of a core: so many stubs run beside each other as are asked for
PAGE = resource.getpagesize()


def design(trials: int, records: int) -> Design:
    """A study of so many tuning trials, half for each arm, with so many lengths each."""
    space = SearchSpace(
        name="load",
        scientific=Scientific(arms=("scratch", "pretext"), sizes=(64,)),
        nuisance=Nuisance(
            ranges={"lr": LogUniform(low=0.001, high=0.1)},
            lengths=tuple(range(10, 10 * records + 1, 10)),
        ),
        fixed=RunConfig(schedule=ScheduleConfig(tail=(4, 1)), device="cpu"),
    )
    plain = Budget(trials=trials // 2, confirm=0, cross=0, audit=0.0, extend=0)
    arms = tuple(parse(name) for name in space.scientific.arms)
    search = Search(first="sobol", then=None)
    return Design(space=space, arms=arms, budget=plain, search=search, stopping=None)


def ours(folder: Path, trials: int, records: int, at_once: int) -> None:
    """The sweep's own driver: plan, search, scheduler, progress, journal."""
    asked = design(trials, records)
    study = StudyDir(folder)
    study.open({"question": asked.question(data={}), "budget": vars(asked.budget)})
    placed = tune.with_resources(StubTrial, {"cpu": EACH})
    Room.trainable = lambda self: placed  # type: ignore[method-assign]
    with study.lock(), (folder / "progress.txt").open("w") as told:
        launch.run(
            Plan(asked, study), workers=1, max_concurrent=at_once, console=Console(file=told)
        )


def plain(folder: Path, trials: int, records: int, at_once: int) -> None:
    """Ray Tune with random search and reused actors, and nothing else."""
    for name, value in ray_session.SWITCHES.items():
        os.environ.setdefault(name, value)
    ray.init(log_to_driver=False)
    ray_session.quiet()
    tune.Tuner(
        tune.with_resources(PlainTrial, {"cpu": EACH}),
        param_space={"lr": tune.loguniform(1e-3, 1e-1), "records": records},
        tune_config=tune.TuneConfig(
            num_samples=trials, max_concurrent_trials=at_once, reuse_actors=True
        ),
        run_config=tune.RunConfig(name="tune", storage_path=str(folder.resolve()), verbose=0),
    ).fit()


def measured(act: Callable[[], None]) -> dict[str, Any]:
    """What the driver took, and its memory on the way, ten times."""
    seen: list[float] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(5.0):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            seen.append(pages * PAGE / 2**20)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    act()
    ended.set()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    every = seen[:: max(1, len(seen) // 10)]
    return {
        "seconds": wall,
        "cpu": cpu,
        "peak_mib": after.ru_maxrss / 1024,
        "mib": [round(one) for one in every],
    }


def main(which: str, folder: str, *numbers: str) -> None:
    trials, records, at_once = map(int, numbers)
    act = {"ours": ours, "tune": plain}[which]
    found = measured(lambda: act(Path(folder), trials, records, at_once))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
