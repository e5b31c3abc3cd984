"""Optuna's samplers as strategies: built anew for each proposal, from the records alone.

No sampler lives longer than one proposal, because the records are all that a restart finds.

Optuna is imported where it is used, here and in `tpe` and `gp`: every command knows the strategies
by name, and few ask one that learns.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from study.config import LogUniform
from study.planning.search.proposal import Outcome, Values
from study.planning.search.strategies.strategy import Asked
from study.storage.run_dir import State

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, TrialState

RANDOM_START = 4  # points that a sampler draws before there is anything to learn from

Told: TypeAlias = "tuple[TrialState | None, float | None]"
"""State and value that a sampler is told of a trial; without a state it is told nothing."""


def learnt(
    asked: Asked,
    sampler: Callable[[int, int], BaseSampler],
    tell: Callable[[Sequence[Outcome]], list[Told]],
) -> Values:
    """A sampler's proposal; its random start is the same for every arm.

    Args:
        asked: what is asked of the strategy.
        sampler: made of a seed and a number of random points to begin with.
        tell: what the sampler is told of the outcomes.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drawn = hashlib.sha256(f"{asked.seed} {asked.index}".encode()).digest()
    start = 0 if asked.follows else RANDOM_START
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        own = sampler(int.from_bytes(drawn[:4]), start)
    study = optuna.create_study(direction="maximize", sampler=own)
    space = distributions(asked.ranges)
    for outcome, (state, value) in zip(asked.outcomes, tell(asked.outcomes), strict=True):
        if state is not None:
            study.add_trial(_frozen(outcome, asked.ranges, space, state, value))
    return study.ask(space).params


def distributions(ranges: Mapping[str, LogUniform]) -> dict[str, BaseDistribution]:
    """The search space in Optuna's terms."""
    from optuna.distributions import FloatDistribution

    return {name: FloatDistribution(r.low, r.high, log=True) for name, r in ranges.items()}


def optuna_state(state: State | None) -> TrialState:
    """Stopped trials are pruned and diverged ones failed; all that may go on is running."""
    from optuna.trial import TrialState

    return {
        State.FINISHED: TrialState.COMPLETE,
        State.STOPPED: TrialState.PRUNED,
        State.DIVERGED: TrialState.FAIL,
    }.get(state or State.RUNNING, TrialState.RUNNING)


def _frozen(
    outcome: Outcome,
    ranges: Mapping[str, LogUniform],
    space: dict[str, BaseDistribution],
    state: TrialState,
    value: float | None,
) -> FrozenTrial:
    from optuna.trial import create_trial

    # a batch size is rounded, perhaps to beyond an end of its range, which Optuna would refuse
    within = {
        name: min(max(value, ranges[name].low), ranges[name].high)
        for name, value in outcome.proposal.values.items()
    }
    return create_trial(
        state=state,
        value=value,
        params=within,
        distributions=space,
        intermediate_values=dict(outcome.AP_box),
    )
