"""A study without training: the plan's trials advance one tail at a time in a drawn order.

It stands in for Tune and the engine where a test is about the plan, the search or the stopping:
hundreds of trials in seconds, killed wherever a test likes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from study.config import (
    Budget,
    LogUniform,
    Nuisance,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
    from_dict,
    schedule,
)
from study.config.arms import parse
from study.config.schedule import Leg
from study.planning.design import Design
from study.planning.plan import Plan
from study.planning.search.search import Search
from study.planning.stopping import Decision
from study.storage.record import record
from study.storage.run_dir import Record, State, StudyDir, TrialDir

Objective = Callable[[RunConfig, int], float]  # (run, length) -> box AP

SPACE = SearchSpace(
    name="simulated",
    scientific=Scientific(arms=("scratch", "pretext"), sizes=(8, 16)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.001, high=0.1),
            "weight_decay": LogUniform(low=1e-5, high=1e-3),
        },
        lengths=(60, 80, 120),
    ),
    fixed=RunConfig(schedule=ScheduleConfig(tail=(40, 10))),
)


def design(**changes: Any) -> Design:
    """The simulated study: nothing but tuning and confirmation, unless asked for."""
    arms = tuple(parse(name) for name in SPACE.scientific.arms)
    plain = Budget(trials=6, confirm=2, cross=0, audit=0.0, extend=0)
    names = {name: changes.pop(name) for name in vars(plain) if name in changes}
    search = Search(first="sobol", then=None)
    asked = Design(space=SPACE, arms=arms, budget=plain, search=search)
    return replace(asked, budget=replace(plain, **names), **changes)


def open_study(path: Path | str, asked: Design) -> StudyDir:
    study = StudyDir(path)
    study.open({"question": asked.question(data={}), "budget": asdict(asked.budget)})
    return study


def bowl(run: RunConfig, length: int) -> float:
    """Best at a learning rate of 0.03 and a weight decay of 1e-4; longer is better."""
    away = np.log10(run.optim.lr / 0.03) ** 2 + np.log10(run.optim.weight_decay / 1e-4) ** 2
    head_start = 10.0 if run.arm == "pretext" else 0.0
    return float(40 * np.exp(-away) * (1 - np.exp(-length / 60)) + head_start)


class Simulation:
    """Drives a plan like Tune does, `concurrent` trials at a time."""

    def __init__(
        self,
        asked: Design,
        path: Path | str,
        objective: Objective = bowl,
        concurrent: int = 3,
        seed: int = 0,
    ) -> None:
        self.study = open_study(path, asked)
        self.plan = Plan(asked, self.study)
        self.started: list[str] = []  # in order, as often as handed out
        self._objective = objective
        self._concurrent = concurrent
        self._rng = np.random.default_rng(seed)
        self._active: set[str] = set()

    def run(self, steps: int | None = None) -> Simulation:
        """Until the plan is done, or killed after so many steps."""
        while steps is None or steps > 0:
            self._fill()
            if self.plan.done:
                return self
            trial = self.study.trial(self._rng.choice(sorted(self._active)))
            self._advance(trial)
            steps = None if steps is None else steps - 1
        return self

    def _fill(self) -> None:
        while len(self._active) < self._concurrent:
            found = self.plan.next(set(self._active))
            if found is None:
                return
            self._active.add(found[0])
            self.started.append(found[0])
            self.study.trial(found[0]).mark(State.RUNNING)

    def score(self, run: RunConfig, leg: Leg, weights: str) -> float:
        """What an evaluation at the end of the leg finds."""
        return self._objective(run, leg.stop)

    def _advance(self, trial: TrialDir) -> None:
        run = from_dict(RunConfig, trial.config()["run"])
        recorded = {(r["leg"], r["weights"]) for r in trial.records()}
        walk = schedule.legs(run.schedule)
        pending = [(leg, weights) for leg in walk for weights in leg.pending(recorded)]
        if pending:
            leg, weights = pending[0]
            trial.append(scored(run, leg, weights, self.score(run, leg, weights)))
            trial.save("trunk", str(leg.stop).encode())
        if len(pending) <= 1:
            trial.mark(State.FINISHED)
            if not run.keep_trunk:
                trial.remove("trunk")
        heard = self.plan.heard_from(trial.id)
        if len(pending) <= 1 or heard is not Decision.GO:
            self._active.remove(trial.id)


def scored(run: RunConfig, leg: Leg, weights: str, ap: float) -> Record:
    """The record of an evaluation that found this box AP and cost nothing."""
    return record(
        run,
        leg,
        weights,
        scores={"AP_box": ap},
        losses={},
        eval_seconds=0.0,
        costs={},
        time=time.time(),
        done=False,
    )


def tail(length: int, ap: float) -> Record:
    """The record of a tail."""
    return scored(RunConfig(), Leg(0, length, length, 0.1), "tail", ap)


def outcome(study: StudyDir) -> dict[str, Any]:
    """All trials: role, point, state and AP by length; what two studies are compared by."""
    found = {}
    for trial in study.trials():
        config = trial.config()
        rows = [(record["leg"], record["AP_box"]) for record in trial.records()]
        found[trial.id] = (config["role"], config["run"], trial.state, rows)
    return found
