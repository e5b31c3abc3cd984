"""Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.planning.search.proposal import Outcome, Values
from study.planning.search.strategies.samplers import Told, learnt
from study.planning.search.strategies.strategy import Asked, Strategy
from study.storage.run_dir import State

if TYPE_CHECKING:
    from optuna.samplers import TPESampler


def propose(asked: Asked) -> Values:
    """Where the density of good points is highest beside that of bad ones."""
    return learnt(asked, _sampler, lambda outcomes: [told(one) for one in outcomes])


def told(outcome: Outcome) -> Told:
    """TPE ranks finished trials by value and others by how far they came.

    A trial that has recorded something counts as pruned at that point, also while it runs or
    waits. A diverged one ranks behind all others: Optuna forgets failures, and would propose the
    same place again.
    """
    from optuna.trial import TrialState  # here: see `samplers`

    if outcome.state is State.FINISHED and outcome.AP_box:
        return TrialState.COMPLETE, max(outcome.AP_box.values())
    if outcome.AP_box or (outcome.state and outcome.state.is_final):
        return TrialState.PRUNED, None
    return TrialState.RUNNING, None


def _sampler(seed: int, start: int) -> TPESampler:
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, n_startup_trials=start, multivariate=True, constant_liar=True)


TPE = Strategy("tpe", propose, learns=True)
