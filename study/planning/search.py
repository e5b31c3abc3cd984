"""Where the next trial of an arm and size lies in the search space.

Six strategies, each the same for every arm:

    grid        evenly spaced in the logarithm, as near to square as the number of trials allows
    random      independent points: what statistics of the search itself need
    sobol       scrambled Sobol points
    tpe         Optuna's TPE after its own random start
    gp          Optuna's Gaussian process after its own random start
    sobol+tpe   Sobol points first, then TPE that has learnt from them

Grid, random and Sobol points are functions of (seed, index): all arms are tried at the same
points, and the same command gives the same records on any machine, in any order, however often it
is killed.
The proposals of tpe and gp are functions of (seed, index, what is recorded of that arm and size by
then): with more than one trial at a time they depend on which trial ended first, and two runs of a
study differ. `--max-concurrent 1` makes them repeatable.

No sampler lives longer than one proposal: it is built anew from the records, which are all that
a restart finds.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import qmc

from study.config import LogUniform, Nuisance
from study.planning.range_extension import grid_shape
from study.storage.run_dir import State

Strategy = Literal["grid", "random", "sobol", "tpe", "gp", "sobol+tpe"]
RANDOM_START = 4  # of tpe and gp: points that are drawn before there is anything to learn from

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Proposal:
    """A point of the search space, and what proposed it."""

    lr: float
    weight_decay: float
    strategy: str


@dataclass(frozen=True)
class Outcome:
    """What is known of a proposal: box AP in points by length, and what became of the trial."""

    proposal: Proposal
    state: State | None
    AP_box: dict[int, float]


@dataclass(frozen=True, kw_only=True)
class Search:
    """How an arm and size are searched; the same for all of them."""

    nuisance: Nuisance
    strategy: Strategy
    num_trials: int  # per arm and size; only a grid depends on it
    paired: int  # of sobol+tpe: points that are the same for every arm
    seed: int

    def propose(self, index: int, outcomes: Sequence[Outcome]) -> Proposal:
        """Proposal `index` (from 0).

        Args:
            index: of the trial within its arm and size.
            outcomes: of that arm's and size's earlier trials, those under way included.
        """
        if self.strategy == "grid":
            return self.at(self._grid(index), "grid")
        if self.strategy == "sobol" or (self.strategy == "sobol+tpe" and index < self.paired):
            return self.at(sobol(self.seed, index), "sobol")
        if self.strategy == "random":
            x, y = np.random.default_rng((self.seed, index)).random(2)
            return self.at((float(x), float(y)), "random")
        return self._learnt(index, outcomes)

    def at(self, unit: tuple[float, float], strategy: str) -> Proposal:
        """The point at `unit` in [0, 1]^2 of the ranges of rate and decay."""
        lr, weight_decay = self.nuisance.lr, self.nuisance.weight_decay
        return Proposal(lr.at(unit[0]), weight_decay.at(unit[1]), strategy)

    def distributions(self) -> dict[str, BaseDistribution]:
        """The search space in Optuna's terms."""
        ranges = {"lr": self.nuisance.lr, "weight_decay": self.nuisance.weight_decay}
        return {name: _distribution(values) for name, values in ranges.items()}

    def _grid(self, index: int) -> tuple[float, float]:
        columns, rows = grid_shape(self.num_trials)
        row, column = divmod(index, columns)
        in_row = min(columns, self.num_trials - row * columns)
        # cell centres: with few points the ends of a wide range would be wasted
        return (column + 0.5) / in_row, (row + 0.5) / rows

    def _learnt(self, index: int, outcomes: Sequence[Outcome]) -> Proposal:
        """A sampler's proposal; its random start is the same for every arm."""
        name = "gp" if self.strategy == "gp" else "tpe"
        seed = int.from_bytes(hashlib.sha256(f"{self.seed} {index}".encode()).digest()[:4])
        start = 0 if self.strategy == "sobol+tpe" else RANDOM_START
        told = comparable(outcomes) if name == "gp" else [for_tpe(one) for one in outcomes]
        study = optuna.create_study(direction="maximize", sampler=_sampler(name, seed, start))
        for outcome, (state, value) in zip(outcomes, told, strict=True):
            if state is not None:
                study.add_trial(self.as_optuna(outcome, state, value))
        found = study.ask(self.distributions()).params
        return Proposal(found["lr"], found["weight_decay"], name)

    def as_optuna(self, outcome: Outcome, state: TrialState, value: float | None) -> FrozenTrial:
        """The outcome in a form that Optuna's samplers understand."""
        return optuna.trial.create_trial(
            state=state,
            value=value,
            params=params(outcome.proposal),
            distributions=self.distributions(),
            intermediate_values=dict(outcome.AP_box),
        )


def params(proposal: Proposal) -> dict[str, float]:
    """The proposal as Optuna's parameters."""
    return {"lr": proposal.lr, "weight_decay": proposal.weight_decay}


def sobol(seed: int, index: int) -> tuple[float, float]:
    """Point `index` of the scrambled Sobol sequence of `seed`, in [0, 1)^2."""
    sequence = qmc.Sobol(2, scramble=True, rng=seed)
    x, y = sequence.random_base2(index.bit_length())[index]
    return float(x), float(y)


def optuna_state(state: State | None) -> TrialState:
    """Stopped trials are pruned and diverged ones failed; all that may go on is running."""
    return {
        State.FINISHED: TrialState.COMPLETE,
        State.STOPPED: TrialState.PRUNED,
        State.DIVERGED: TrialState.FAIL,
    }.get(state or State.RUNNING, TrialState.RUNNING)


def for_tpe(outcome: Outcome) -> tuple[TrialState, float | None]:
    """What TPE is told: it ranks finished trials by value and others by how far they came.

    A trial that shows something counts by that, under way or set aside. A diverged one ranks
    behind all others: forgotten, as Optuna forgets failures, its place would be tried again.
    """
    if outcome.state is State.FINISHED and outcome.AP_box:
        return TrialState.COMPLETE, max(outcome.AP_box.values())
    if outcome.AP_box or (outcome.state and outcome.state.is_final):
        return TrialState.PRUNED, None
    return TrialState.RUNNING, None


def comparable(outcomes: Sequence[Outcome]) -> list[tuple[TrialState | None, float | None]]:
    """What a Gaussian process is told: values at one length, which alone can be compared.

    It is the longest length that enough trials have reached, as in BOHB (Falkner et al., ICML
    2018, Sec. 3.2). Diverged trials are as bad as
    the worst. Trials without a value there are left out.
    """
    reached = sorted({length for one in outcomes for length in one.AP_box}, reverse=True)
    counts = {n: sum(n in one.AP_box for one in outcomes) for n in reached}
    length = next((n for n in reached if counts[n] >= RANDOM_START), reached[-1] if reached else 0)
    values = [one.AP_box.get(length) for one in outcomes]
    worst = min((value for value in values if value is not None), default=0.0)
    return [
        (TrialState.COMPLETE, worst if value is None else value)
        if value is not None or one.state is State.DIVERGED
        else (None, None)
        for one, value in zip(outcomes, values, strict=True)
    ]


def _sampler(name: str, seed: int, start: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "gp":
            return GPSampler(seed=seed, n_startup_trials=start)
        return TPESampler(seed=seed, n_startup_trials=start, multivariate=True, constant_liar=True)


def _distribution(values: LogUniform) -> FloatDistribution:
    return FloatDistribution(values.low, values.high, log=True)
