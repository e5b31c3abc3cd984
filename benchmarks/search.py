"""How many iterations a search needs to come within 1 AP of the best setting there is.

    python -m benchmarks.search [REPEATS]

On a stand-in for training: surfaces through the real runs of benchmarks/rungs.csv, over learning
rate and weight decay, one for every number that a run of the `shapes` space yields on its way, and
around them the residuals of one of those runs, drawn whole so that what is related stays related.

    ours          python -m study.sweep on its own plan, with 4 trials (the default) or 16
    stock ASHA    Ray Tune's AsyncHyperBandScheduler (grace 50, factor 4) over random points whose
                  length is one of their parameters; each run decays at its own end, and rungs
                  compare whatever has come to the same iteration
    random        random points, each trained to the longest length, none stopped
    grid          every point of a grid of as many, every length by itself

An arm's search has come within 1 AP when the setting that has scored highest so far is on the
true surface less than 1 AP below its highest point; length is part of a setting.
"""

from __future__ import annotations

import itertools
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from ray.tune.schedulers import TrialScheduler
from ray.tune.schedulers.async_hyperband import _Bracket
from scipy.interpolate import RBFInterpolator

from analysis.reading.frames import groups
from benchmarks.measured_space import SPACE
from benchmarks.rungs import TABLE
from study.config import Budget, RunConfig
from study.config.arms import parse
from study.config.schedule import Leg
from study.planning.design import Design
from tests.simulated import Simulation

TRIALS = 16  # of the grid
OURS = (4, 16)  # trials for each arm and size
SMOOTHING = 0.5
GRACE, FACTOR = 50, 4  # iterations; Ray Tune's default factor

Point = tuple[float, float]
Seen = tuple[int, Point, int, float]
"""Iterations spent by then, the setting, its length, and the AP that was seen."""


class Surface:
    """What one arm at one size scores: box AP by (weights, iteration) at a point of the space."""

    def __init__(self, runs: pd.DataFrame, size: int) -> None:
        nuisance = SPACE.nuisance.at(size)
        self.schedule = replace(SPACE.fixed.schedule, lengths=nuisance.lengths)
        self.ranges = tuple(nuisance.ranges[name] for name in ("lr", "weight_decay"))
        keys = ["lr", "weight_decay", "seed"]
        wide = runs.pivot_table("AP_box", keys, ["weights", "iteration"]).reset_index()
        self.numbers = [key for key in wide.columns if key[0] in ("tail", "trunk", "average")]
        at, scores = self._unit(wide["lr"], wide["weight_decay"]), wide[self.numbers].to_numpy()
        self._fit = RBFInterpolator(at, scores, kernel="thin_plate_spline", smoothing=SMOOTHING)
        self._residuals = scores - self._fit(at)
        fine = [self.at(unit) for unit in itertools.product(np.linspace(0, 1, 41), repeat=2)]
        truth = self._fit(self._unit(*zip(*fine, strict=True)))
        tails = [i for i, key in enumerate(self.numbers) if key[0] == "tail"]
        self.best = float(truth[:, tails].max())

    def at(self, unit: tuple[float, ...]) -> Point:
        """Learning rate and weight decay at `unit` in [0, 1]^2 of their ranges."""
        lr, weight_decay = (r.at(share) for r, share in zip(self.ranges, unit, strict=True))
        return lr, weight_decay

    def run(self, point: Point, rng: np.random.Generator | None = None) -> dict[Any, float]:
        """All numbers of one run there; without a generator, the true ones."""
        found = self._fit(self._unit(*([x] for x in point)))[0]
        if rng is not None:
            found = np.maximum(found + self._residuals[rng.integers(len(self._residuals))], 0)
        return dict(zip(self.numbers, found, strict=True))

    def short_of_best(self, point: Point, length: int) -> float:
        return self.best - self.run(point)["tail", length]

    def _unit(self, lr: Any, weight_decay: Any) -> np.ndarray:
        return np.stack(
            [
                np.log(np.asarray(value) / r.low) / math.log(r.high / r.low)
                for value, r in zip((lr, weight_decay), self.ranges, strict=True)
            ],
            axis=1,
        )


class OnSurfaces(Simulation):
    """The product's plan, with numbers from the surfaces; keeps what each cell has seen."""

    def __init__(
        self, surfaces: dict[Any, Surface], asked: Design, folder: Path, seed: int
    ) -> None:
        super().__init__(asked, folder, concurrent=2, seed=seed)
        self._surfaces = surfaces
        self._luck = np.random.default_rng(seed)
        self._runs: dict[str, dict[Any, float]] = {}
        self._walked: dict[str, int] = {}  # of each trunk
        self._spent: dict[Any, int] = dict.fromkeys(surfaces, 0)
        self.seen: dict[Any, list[Seen]] = {cell: [] for cell in surfaces}

    def score(self, run: RunConfig, leg: Leg, weights: str) -> float:
        cell = (run.size, run.arm)
        surface, point = self._surfaces[cell], (run.optim.lr, run.optim.weight_decay)
        key = run.trial_id.removesuffix("-audit")
        if key not in self._runs:
            self._runs[key] = surface.run(point, self._luck)
        ap = self._runs[key][weights, leg.stop]
        fork = leg.start if leg.is_tail else leg.stop
        walked, self._walked[key] = self._walked.get(key, 0), fork
        self._spent[cell] += fork - walked + (leg.stop - leg.start if leg.is_tail else 0)
        if leg.length is not None and run.split == "tune":
            self.seen[cell].append((self._spent[cell], point, leg.length, ap))
        return ap


def ours(surfaces: dict[Any, Surface], seed: int, trials: int) -> dict[Any, list[Seen]]:
    budget = Budget(trials=trials, confirm=0, cross=0, extend=0)
    arms = tuple(parse(name) for name in SPACE.scientific.arms)
    asked = Design(space=SPACE, arms=arms, budget=budget, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        study = OnSurfaces(surfaces, asked, Path(folder), seed)
        study.run()
    return study.seen


def random(surface: Surface, rng: np.random.Generator) -> Iterator[Seen]:
    longest = surface.schedule.lengths[-1]
    for spent in itertools.count(longest, longest):
        point = _point(surface, rng)
        yield spent, point, longest, surface.run(point, rng)["tail", longest]


@dataclass
class _Asha:
    trial_id: str
    point: Point
    length: int
    left: list[tuple[int, float]]  # iteration and AP of the reports to come
    at: int = 0


def stock_asha(surface: Surface, rng: np.random.Generator, workers: int = 2) -> Iterator[Seen]:
    """Runs that report their trunk's raw AP where it was measured, and their tail's at the end."""
    lengths, spent, names = surface.schedule.lengths, 0, itertools.count()
    bracket = _Bracket(GRACE, lengths[-1], FACTOR, 0)
    running: list[_Asha] = []
    decide: Any = bracket.on_result  # it looks at nothing of a trial but its id
    while True:
        while len(running) < workers:
            point, length = _point(surface, rng), int(rng.choice(lengths))
            run = surface.run(point, rng)
            measured = sorted(n for weights, n in run if weights == "trunk" and n < length)
            reports = [(iteration, run["trunk", iteration]) for iteration in measured]
            left = [*reports, (length, run["tail", length])]
            running.append(_Asha(str(next(names)), point, length, left))
        trial = min(running, key=lambda one: one.left[0][0] - one.at)
        (iteration, ap), trial.left = trial.left[0], trial.left[1:]
        spent, trial.at = spent + iteration - trial.at, iteration
        if not trial.left:
            yield spent, trial.point, trial.length, ap
        decision = decide(SimpleNamespace(trial_id=trial.trial_id), iteration, ap)
        if not trial.left or decision == TrialScheduler.STOP:
            running.remove(trial)


def grid_iterations(surface: Surface) -> int:
    return TRIALS * sum(surface.schedule.lengths)


def needed(seen: Iterator[Seen], surface: Surface, most: int) -> float:
    """Iterations until the best seen is within 1 AP of the best there is; inf after `most`."""
    highest = -math.inf
    for spent, point, length, ap in seen:
        if spent > most:
            break
        if ap > highest:
            highest = ap
            if surface.short_of_best(point, length) < 1:
                return spent
    return math.inf


def _point(surface: Surface, rng: np.random.Generator) -> Point:
    return surface.at((rng.random(), rng.random()))


def main(repeats: int) -> None:
    table = pd.read_csv(TABLE)
    surfaces = {
        (int(size), str(arm)): Surface(runs, int(size))
        for (size, arm), runs in groups(table, "size", "arm")
    }
    found: dict[Any, dict[str, list[float]]] = {cell: {} for cell in surfaces}
    for seed in range(repeats):
        seen = {trials: ours(surfaces, seed, trials) for trials in OURS}
        for cell, surface in surfaces.items():
            rng, most = (
                np.random.default_rng((seed, *map(ord, cell[1]))),
                4 * grid_iterations(surface),
            )
            ways = {
                **{f"ours, {trials} trials": iter(seen[trials][cell]) for trials in OURS},
                "stock ASHA": stock_asha(surface, rng),
                "random": random(surface, rng),
            }
            for name, way in ways.items():
                found[cell].setdefault(name, []).append(needed(way, surface, most))
    print(f"{repeats} repeats; iterations until within 1 AP of the best setting (median)")
    for cell, ways in found.items():
        whole = grid_iterations(surfaces[cell])
        first = np.median(ways["stock ASHA"])
        print(f"{cell[1]:8} {cell[0]:5} images: the best is {surfaces[cell].best:.1f} AP")
        for name, counts in ways.items():
            middle, reached = np.median(counts), np.mean(np.isfinite(counts))
            print(f"  {name:15} {middle:8,.0f}  × {middle / first:4.1f}   reached {reached:4.0%}")
        print(f"  {'grid':15} {whole:8,.0f}  × {whole / first:4.1f}   (all of it)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
