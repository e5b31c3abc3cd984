"""Proposals: inside the ranges, the same for all arms, functions of what they say they are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from optuna.trial import TrialState

from study.config import LogUniform, Nuisance
from study.planning.range_extension import grid_shape
from study.planning.search import (
    Outcome,
    Search,
    Strategy,
    comparable,
    for_tpe,
    optuna_state,
    sobol,
)
from study.storage.run_dir import State

PAIRED = 4

NUISANCE = Nuisance(
    lr=LogUniform(low=0.01, high=1.0),
    weight_decay=LogUniform(low=1e-6, high=1e-2),
    lengths=(60, 80, 120),
)


def search(strategy: Strategy, **changes) -> Search:
    asked = Search(nuisance=NUISANCE, strategy=strategy, num_trials=9, paired=PAIRED, seed=3)
    return replace(asked, **changes)


def points(asked: Search, count: int) -> list[tuple[float, float]]:
    found = [asked.propose(k, []) for k in range(count)]
    return [(p.lr, p.weight_decay) for p in found]


@pytest.mark.parametrize("strategy", get_args(Strategy))
def test_proposals_stay_inside_the_space(strategy: Strategy):
    asked = search(strategy)
    seen: list[Outcome] = []
    for k in range(9):
        found = asked.propose(k, seen)
        assert NUISANCE.lr.low <= found.lr <= NUISANCE.lr.high
        assert NUISANCE.weight_decay.low <= found.weight_decay <= NUISANCE.weight_decay.high
        state = State.DIVERGED if k % 4 == 3 else State.FINISHED
        seen.append(Outcome(found, state, {120: k * 1.0} if state is State.FINISHED else {}))


def test_a_grid_of_nine_is_three_by_three_and_even_in_the_logarithm():
    found = np.log10(points(search("grid"), 9))
    assert sorted(set(found[:, 0].round(6))) == pytest.approx([-5 / 3, -1, -1 / 3])
    assert len(set(found[:, 1].round(6))) == 3


@pytest.mark.parametrize("trials", range(1, 26))
def test_a_grid_has_as_many_different_points_as_trials(trials: int):
    asked = search("grid", num_trials=trials)
    assert len(set(points(asked, trials))) == trials
    columns, rows = grid_shape(trials)
    assert 0 <= columns - rows <= 1


def test_sobol_points_are_the_same_for_every_strategy_and_budget():
    one = points(search("sobol"), 8)
    assert points(search("sobol", num_trials=100), 8) == one
    assert points(search("sobol+tpe"), PAIRED) == one[:PAIRED]
    assert points(search("sobol", seed=4), 8) != one


def test_sobol_fills_the_square_evenly():
    unit = np.array([sobol(0, k) for k in range(16)])
    cells = {tuple(cell) for cell in (unit * 4).astype(int)}
    assert len(cells) == 16  # one in each of 4 × 4


def outcomes(count: int, best: float = 1.0) -> list[Outcome]:
    """Finished Sobol trials; the AP is highest at the learning rate `best`."""
    proposals = [search("sobol").propose(k, []) for k in range(count)]
    aps = [20 - 10 * abs(math.log10(p.lr / best)) for p in proposals]
    return [Outcome(p, State.FINISHED, {120: ap}) for p, ap in zip(proposals, aps, strict=True)]


@pytest.mark.parametrize("strategy", ["tpe", "gp", "sobol+tpe"])
def test_what_is_learnt_is_a_function_of_seed_index_and_outcomes(strategy: Strategy):
    asked, seen = search(strategy), outcomes(8)
    found = asked.propose(8, seen)
    assert asked.propose(8, seen) == found
    assert search(strategy, seed=4).propose(8, seen) != found
    assert asked.propose(8, outcomes(8, best=0.01)) != found


@pytest.mark.parametrize("strategy", ["tpe", "gp", "sobol+tpe"])
def test_it_goes_where_it_was_good(strategy: Strategy):
    for best, expected in ((1.0, -0.4), (0.01, -1.6)):
        seen = outcomes(32, best)
        rates = [search(strategy).propose(k, seen).lr for k in range(32, 38)]
        assert abs(np.mean(np.log10(rates)) - math.log10(best)) < abs(-1 - expected)


@pytest.mark.parametrize("strategy", ["tpe", "gp"])
def test_the_random_start_is_the_same_for_every_arm(strategy: Strategy):
    asked = search(strategy)
    early = [o.proposal for o in outcomes(3)]
    worse = [Outcome(p, State.FINISHED, {120: float(k)}) for k, p in enumerate(early)]
    assert asked.propose(3, worse) == asked.propose(3, outcomes(3))


@pytest.mark.parametrize("strategy", ["tpe", "gp"])
def test_where_training_diverged_is_not_tried_again(strategy: Strategy):
    seen = [
        o if o.proposal.lr < 0.1 else Outcome(o.proposal, State.DIVERGED, {}) for o in outcomes(32)
    ]
    rates = [search(strategy).propose(k, seen).lr for k in range(32, 38)]
    assert np.mean(np.array(rates) < 0.13) > 0.6


def test_a_gaussian_process_compares_values_at_one_length():
    proposal = search("sobol").propose(0, [])
    seen = [
        Outcome(proposal, State.FINISHED, {60: 5.0, 120: 9.0}),
        Outcome(proposal, State.STOPPED, {60: 3.0}),
        Outcome(proposal, State.STOPPED, {60: 2.0}),
        Outcome(proposal, State.RUNNING, {}),
        Outcome(proposal, State.DIVERGED, {}),
        Outcome(proposal, State.RUNNING, {60: 4.0}),
    ]
    complete = TrialState.COMPLETE
    values = [5.0, 3.0, 2.0, None, 2.0, 4.0]  # four have come to 60 and only one to 120
    assert comparable(seen) == [(complete if v is not None else None, v) for v in values]


def test_states_are_told_apart_for_optuna():
    proposal = search("sobol").propose(0, [])
    shown = {state: for_tpe(Outcome(proposal, state, {60: 1.0}))[0] for state in (*State, None)}
    complete = TrialState.COMPLETE
    assert {state for state, told in shown.items() if told is complete} == {State.FINISHED}
    assert set(shown.values()) == {complete, TrialState.PRUNED}  # what has been shown counts
    nothing = {state: for_tpe(Outcome(proposal, state, {}))[0] for state in (*State, None)}
    final = {State.FINISHED, State.STOPPED, State.DIVERGED}
    assert {s for s, told in nothing.items() if told is TrialState.PRUNED} == final
    assert {s: optuna_state(s) for s in final} == {
        State.FINISHED: complete,
        State.STOPPED: TrialState.PRUNED,
        State.DIVERGED: TrialState.FAIL,
    }
