"""Simulated sweeps whose scores are drawn from a truth, whatever the plan asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np

from benchmarks.calibration.truth import REFERENCE, Scenario, Surface
from study.config import RunConfig
from study.config.schedule import Leg
from study.planning.design import Design
from tests.simulated import Simulation

CONCURRENT = 3  # trainings at once


@dataclass(frozen=True)
class Truth:
    """What every run of one study would score: a surface, and luck that follows from its key."""

    scenario: Scenario
    seed: int

    def surface(self, arm: str, size: int) -> Surface:
        """That of the sizes of the scenario; between them the peak lies on the logarithm."""
        ends, near = (
            np.log(self.scenario.sizes),
            [self.scenario.surfaces(arm, place) for place in range(len(self.scenario.sizes))],
        )
        peak = float(np.interp(math.log(size), ends, [one.peak for one in near]))
        return replace(near[0], peak=peak)

    def expected(self, arm: str, size: int, lr: float, weight_decay: float, length: int) -> float:
        if self.scenario.pinned is not None and arm != REFERENCE:
            own = self.expected(REFERENCE, size, lr, weight_decay, length)
            return own + self.scenario.pinned
        return self.surface(arm, size).ap(lr, weight_decay, length)

    def score(self, run: RunConfig, length: int) -> float:
        """With the luck of seed and draw, of both arms and of this one, and of the run itself."""
        optim, noise = run.optim, self.scenario.noise
        if run.split == "report" and self.scenario.pinned is not None:
            ap = 30.0 + self.scenario.pinned * (run.arm != REFERENCE)  # whatever was chosen
        else:
            ap = self.expected(run.arm, run.size, optim.lr, optim.weight_decay, length)
        repeat = (run.split, run.seed, run.draw)
        luck = math.sqrt(noise.shared) * self._drawn(*repeat, run.size)
        luck += math.sqrt(noise.arm) * self._drawn(*repeat, run.size, run.arm)
        own = 1 - noise.shared - noise.arm
        luck += math.sqrt(own) * self._drawn(run.trial_id)
        return min(100.0, max(0.0, ap + self._spread(run.size) * luck))

    def _spread(self, size: int) -> float:
        sizes = self.scenario.sizes
        spread = self.scenario.noise.spread[: len(sizes)]
        return float(np.interp(math.log(size), np.log(sizes), spread))

    def _drawn(self, *key: object) -> float:
        return float(np.random.default_rng([self.seed, crc32(repr(key).encode())]).normal())


class Sweep(Simulation):
    """A simulated sweep whose scores are those of a truth."""

    def __init__(self, truth: Truth, asked: Design, path: Path) -> None:
        super().__init__(asked, path, concurrent=CONCURRENT, seed=truth.seed)
        self._truth = truth

    def score(self, run: RunConfig, leg: Leg, weights: str) -> float:
        return self._truth.score(run, leg.stop)
