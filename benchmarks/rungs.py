"""Which early number tells best how a setting will do at the full length: a table of real runs.

    python -m benchmarks.rungs measure FOLDER    # hours on two cores; goes on where it was left
    python -m benchmarks.rungs write FOLDER      # what is there so far, to benchmarks/rungs.csv

Scrambled Sobol points of the `shapes` space, the same for both arms, at both of its sizes, with
several seeds. Of each run: the trunk's own weights and their moving average at every fork, and the
AP after every tail. At the smaller size also 15 iterations before each fork, for means of the last
two evaluations.
"""

from __future__ import annotations

import itertools
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd

from search_spaces.shapes import SPACE
from study import engine
from study.config import RunConfig, ScheduleConfig, to_dict
from study.rundir import StudyDir
from study.search import sobol

POINTS, SEEDS = 16, 3
TABLE = Path(__file__).with_suffix(".csv")
BEFORE = 15  # iterations between the last two evaluations of a trunk


def runs() -> list[RunConfig]:
    """All runs; seeds last, so that an unfinished table has whole ones."""
    sizes, arms = SPACE.scientific.sizes, SPACE.scientific.arms
    wanted = itertools.product(range(SEEDS), sizes, range(POINTS), arms)
    return [_run(size, arm, point, seed) for seed, size, point, arm in wanted]


def measure(run: RunConfig, folder: str) -> str:
    """Do one run, or what is left of it."""
    os.nice(10)
    trial = StudyDir(folder).trial(run.trial_id)
    point = int(run.trial_id.rpartition("-p")[2])
    trial.write_config({"role": "tune", "index": point, "strategy": "sobol", "run": to_dict(run)})
    for _ in engine.run(run, trial):
        pass
    return run.trial_id


def table(folder: str) -> pd.DataFrame:
    """One row per evaluation of the finished runs."""
    rows = []
    for trial in StudyDir(folder).trials():
        records = trial.records()
        if records and records[-1]["done"]:
            point = trial.config()["index"]
            rows += [{"point": point} | record for record in records]
    columns = ["size", "seed", "point", "arm", "lr", "weight_decay", "iteration", "weights"]
    frame = pd.DataFrame(rows, columns=[*columns, "length", "AP_box", "AP_mask"])
    frame["length"] = frame["length"].astype("Int64")
    return frame.sort_values(by=columns).reset_index(drop=True)


def _run(size: int, arm: str, point: int, seed: int) -> RunConfig:
    nuisance, fixed = SPACE.nuisance.at(size), SPACE.fixed
    x, y = sobol(0, point)[:2]
    schedule: ScheduleConfig = replace(fixed.schedule, lengths=nuisance.lengths)
    forks = [schedule.fork(length) for length in nuisance.lengths]
    before = [fork - BEFORE for fork in forks] if size == min(SPACE.scientific.sizes) else []
    return replace(
        fixed,
        trial_id=f"{arm}-{size}-s{seed}-p{point:02d}",
        arm=arm,
        init=None if arm == "scratch" else arm,
        size=size,
        draw=seed,
        seed=seed,
        optim=replace(fixed.optim, lr=nuisance.lr.at(x), weight_decay=nuisance.weight_decay.at(y)),
        schedule=replace(
            schedule, watch=tuple(sorted(forks + before)), watched=("trunk", "average")
        ),
        checkpoint_every=1000,
        device="cpu",
    )


if __name__ == "__main__":
    _, action, place = sys.argv
    if action == "measure":
        with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for name in pool.map(measure, wanted := runs(), itertools.repeat(place)):
                print(name, f"of {len(wanted)}", flush=True)
    else:
        table(place).round(4).to_csv(TABLE, index=False)
        print(f"{TABLE}: {len(pd.read_csv(TABLE))} evaluations")
