"""Optuna's Gaussian process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.planning.search.proposal import Outcome, Values
from study.planning.search.strategies.samplers import RANDOM_START, Told, learnt
from study.planning.search.strategies.strategy import Asked, Strategy
from study.storage.run_dir import State

if TYPE_CHECKING:
    from optuna.samplers import GPSampler


def propose(asked: Asked) -> Values:
    """Where the process expects most to gain."""
    return learnt(asked, _sampler, comparable)


def comparable(outcomes: Sequence[Outcome]) -> list[Told]:
    """Values at one length, for only those can be compared.

    It is the longest length that enough trials have reached, as in BOHB (Falkner et al., ICML
    2018, Sec. 3.2). Diverged trials count as the worst. Trials without a value there are left out.
    """
    from optuna.trial import TrialState  # here: see `samplers`

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


def _sampler(seed: int, start: int) -> GPSampler:
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed, n_startup_trials=start)


GP = Strategy("gp", propose, learns=True)
