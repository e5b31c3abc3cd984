"""Which early number tells best how a setting will do at the full length: a table of real runs.

    python -m benchmarks.rungs measure FOLDER    # hours on two cores; goes on where it was left
    python -m benchmarks.rungs write FOLDER      # what is there so far, to benchmarks/rungs.csv
    python -m benchmarks.rungs judge             # from benchmarks/rungs.csv: seconds

Scrambled Sobol points of the `shapes` space, the same for both arms, at 64 and 1,024 images, with
several seeds. Of each run: the trunk's own weights and their moving average at every fork, and the
AP after every tail. At the smaller size also 15 iterations before each fork, for means of the last
two evaluations.

`judge` prints, for each number that trials might be compared by, how well it ranks settings
(Kendall's tau to the final AP of the same runs) and what halving by it costs: the final AP of the
best of n trials minus that of the best one kept, over many draws of n of the points.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.frames import groups
from benchmarks.measured_space import SPACE
from study.config import RunConfig, ScheduleConfig, to_dict
from study.planning.search.strategies.sobol import point as sobol
from study.storage.run_dir import StudyDir
from study.training import engine

POINTS, SEEDS = 16, 3
TABLE = Path(__file__).with_suffix(".csv")
LADDERS = {64: (100, 300), 1024: (100, 250, 700)}  # lengths by size
BEFORE = 15  # iterations between the last two evaluations of a trunk


def runs() -> list[RunConfig]:
    """All runs; seeds last, so that an unfinished table has whole ones."""
    wanted = itertools.product(range(SEEDS), LADDERS, range(POINTS), SPACE.scientific.arms)
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
    unit = dict(zip(("lr", "weight_decay"), sobol(0, point), strict=True))
    schedule: ScheduleConfig = replace(fixed.schedule, lengths=LADDERS[size])
    forks = [schedule.fork(length) for length in schedule.lengths]
    before = [fork - BEFORE for fork in forks] if size == min(LADDERS) else []
    return replace(
        fixed,
        trial_id=f"{arm}-{size}-s{seed}-p{point:02d}",
        arm=arm,
        init=None if arm == "scratch" else arm,
        size=size,
        draw=seed,
        seed=seed,
        optim=fixed.optim.at({name: nuisance.ranges[name].at(u) for name, u in unit.items()}),
        schedule=replace(
            schedule, watch=tuple(sorted(forks + before)), watched=("trunk", "average")
        ),
        checkpoint_every=1000,
        device="cpu",
    )


def numbers(runs: pd.DataFrame) -> pd.DataFrame:
    """The evaluations of one size and arm by (seed, point): a column for each kind of number.

    Columns are (kind, length), where the kind says what is compared at that length's fork: tail,
    trunk, average, or the mean of the trunk's last two evaluations.
    """
    ladder = LADDERS[int(runs["size"].iloc[0])]
    schedule = replace(SPACE.fixed.schedule, lengths=ladder)
    wide = runs.pivot_table("AP_box", ["seed", "point"], ["weights", "iteration"])
    found: dict[tuple[str, int], Any] = {}
    for length in ladder:
        fork = schedule.fork(length)
        found["tail", length] = wide["tail", length]
        for weights in ("trunk", "average"):
            found[weights, length] = wide[weights, fork]
        if ("trunk", fork - BEFORE) in wide:
            last = [("trunk", fork - BEFORE), ("trunk", fork)]
            found["mean of 2", length] = wide[last].mean(axis=1)
    return pd.DataFrame(found)


def loss(early: np.ndarray, final: np.ndarray, kept: int) -> float:
    """Final AP of the best trial minus that of the best among the `kept` best early ones."""
    survivors = np.argsort(-early, kind="stable")[:kept]
    return float(final.max() - final[survivors].max())


def judge(draws: int = 2000) -> pd.DataFrame:
    """One row per size, arm, kind of number and rung."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for (size, arm), runs in groups(pd.read_csv(TABLE), "size", "arm"):
        wide = numbers(runs)
        lengths = sorted({length for _, length in wide.columns})
        final = wide["tail", lengths[-1]]
        for kind, length in wide.columns:
            early, at_end = wide[kind, length], (kind, length) == ("tail", lengths[-1])
            if at_end:
                continue
            row = {"size": size, "arm": arm, "kind": kind, "length": length}
            by_seed = [
                (early.xs(seed).to_numpy(), final.xs(seed).to_numpy())
                for seed in wide.index.unique("seed")
            ]
            taus = [pd.Series(a).corr(pd.Series(b), method="kendall") for a, b in by_seed]
            row |= {"runs": len(wide), "tau": np.mean(taus)}
            for trials in (4, 8, 16) if length < lengths[-1] else ():
                losses = []
                for draw in range(draws):
                    first, last = by_seed[draw % len(by_seed)]
                    some = rng.permutation(len(first))[:trials]
                    losses.append(loss(first[some], last[some], math.ceil(trials / 2)))
                row |= {f"loss of {trials}": np.mean(losses)}
                row |= {f"1 AP lost of {trials}": np.mean(np.array(losses) > 1)}
            rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    action, place = sys.argv[1], sys.argv[-1]
    if action == "measure":
        with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for name in pool.map(measure, wanted := runs(), itertools.repeat(place)):
                print(name, f"of {len(wanted)}", flush=True)
    elif action == "write":
        table(place).round({"AP_box": 3, "AP_mask": 3}).to_csv(TABLE, index=False)
        print(f"{TABLE}: {len(pd.read_csv(TABLE))} evaluations")
    else:
        print(judge().round(2).to_string(index=False))
