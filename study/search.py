"""Where the next trial of an arm and size lies in the search space.

Three strategies, all of them the same for every arm:

    grid    evenly spaced in the logarithm, as near to square as the number of trials allows
    sobol   scrambled Sobol points: point k is a function of (seed, k), so arms are paired
    tpe     the same Sobol points first, then Optuna's TPE, a function of (seed, k, the records
            so far of that arm and size); reproducible only if trials finish in the same order

No sampler lives longer than one proposal: it is built anew from the records, which are all that
a restart finds.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import qmc

from study.config import LogUniform, Nuisance
from study.rundir import State

Strategy = Literal["grid", "sobol", "tpe"]
PAIRED_POINTS = 4  # of tpe: 2^2, so that each quarter of the plane holds one

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Proposal:
    """A point of the search space. `length` is None where a trial runs through all lengths."""

    lr: float
    weight_decay: float
    length: int | None
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
    strategy: str
    num_trials: int  # per arm and size; only a grid depends on it
    seed: int
    separate_lengths: bool = False  # one length per trial, proposed like the rest

    def propose(self, index: int, cell: str, outcomes: Sequence[Outcome]) -> Proposal:
        """Proposal `index` (from 0).

        Args:
            index: of the trial within its arm and size.
            cell: name of the arm and size; only `tpe` looks at it and at `outcomes`.
            outcomes: of that cell's earlier trials, running ones included.
        """
        if self.strategy == "tpe" and index >= PAIRED_POINTS:
            return self._tpe(index, cell, outcomes)
        if self.strategy == "grid":
            unit, length = self._grid(index)
            return self._at(unit, length, "grid")
        unit = sobol(self.seed, index)
        lengths = self.nuisance.lengths
        return self._at(unit[:2], lengths[int(unit[2] * len(lengths))], "sobol")

    def distributions(self) -> dict[str, BaseDistribution]:
        """The search space in Optuna's terms."""
        space: dict[str, BaseDistribution] = {
            "lr": _distribution(self.nuisance.lr),
            "weight_decay": _distribution(self.nuisance.weight_decay),
        }
        if self.separate_lengths:
            space["length"] = CategoricalDistribution(self.nuisance.lengths)
        return space

    def grid_shape(self) -> tuple[int, int]:
        """Learning rates a row, and rows of weight decay; the last row may be shorter."""
        lengths = len(self.nuisance.lengths) if self.separate_lengths else 1
        points = math.ceil(self.num_trials / lengths)
        columns = math.ceil(math.sqrt(points))
        return columns, math.ceil(points / columns)

    def _grid(self, index: int) -> tuple[tuple[float, float], int]:
        lengths = self.nuisance.lengths if self.separate_lengths else self.nuisance.lengths[-1:]
        point, which = divmod(index, len(lengths))
        columns, rows = self.grid_shape()
        row, column = divmod(point, columns)
        in_row = min(columns, math.ceil(self.num_trials / len(lengths)) - row * columns)
        # cell centres: with few points the ends of a wide range would be wasted
        return ((column + 0.5) / in_row, (row + 0.5) / rows), lengths[which]

    def _tpe(self, index: int, cell: str, outcomes: Sequence[Outcome]) -> Proposal:
        seed = int.from_bytes(hashlib.sha256(f"{self.seed} {cell} {index}".encode()).digest()[:4])
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=0, multivariate=True, constant_liar=True, seed=seed
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials([self.as_optuna(outcome) for outcome in outcomes])
        found = study.ask(self.distributions()).params
        return Proposal(found["lr"], found["weight_decay"], found.get("length"), "tpe")

    def as_optuna(self, outcome: Outcome) -> FrozenTrial:
        """The outcome as Optuna's samplers and dashboard understand it."""
        state = optuna_state(outcome.state)
        if state is TrialState.RUNNING and outcome.AP_box:
            state = TrialState.PRUNED  # what it has shown so far counts, under way or set aside
        complete = state == TrialState.COMPLETE
        return optuna.trial.create_trial(
            state=state,
            value=max(outcome.AP_box.values()) if complete else None,
            params=self.params(outcome.proposal),
            distributions=self.distributions(),
            intermediate_values=dict(outcome.AP_box),
        )

    def params(self, proposal: Proposal) -> dict[str, float | int | None]:
        """The proposal as Optuna's parameters."""
        params: dict[str, float | int | None] = {
            "lr": proposal.lr,
            "weight_decay": proposal.weight_decay,
        }
        return params | {"length": proposal.length} if self.separate_lengths else params

    def _at(self, unit: tuple[float, float], length: int, strategy: Strategy) -> Proposal:
        lr, weight_decay = self.nuisance.lr.at(unit[0]), self.nuisance.weight_decay.at(unit[1])
        return Proposal(lr, weight_decay, length if self.separate_lengths else None, strategy)


def sobol(seed: int, index: int) -> tuple[float, float, float]:
    """Point `index` of the scrambled Sobol sequence of `seed`, in [0, 1)^3.

    Always three coordinates (rate, decay, length), so that the first two do not depend on
    whether length is proposed.
    """
    sequence = qmc.Sobol(3, scramble=True, rng=seed)
    x, y, z = sequence.random_base2(index.bit_length())[index]
    return float(x), float(y), float(z)


def optuna_state(state: State | None) -> TrialState:
    """Stopped trials are pruned and diverged ones failed; all that may go on is running."""
    return {
        State.FINISHED: TrialState.COMPLETE,
        State.STOPPED: TrialState.PRUNED,
        State.DIVERGED: TrialState.FAIL,
    }.get(state or State.RUNNING, TrialState.RUNNING)


def _distribution(values: LogUniform) -> FloatDistribution:
    return FloatDistribution(values.low, values.high, log=True)
