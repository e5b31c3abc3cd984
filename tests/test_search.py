"""Proposals: inside the ranges, the same for all arms, functions of what they say they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from optuna.trial import TrialState

from study.config import LogUniform, Nuisance
from study.rundir import State
from study.search import PAIRED_POINTS, Outcome, Search, Strategy, sobol

NUISANCE = Nuisance(
    lr=LogUniform(low=0.01, high=1.0),
    weight_decay=LogUniform(low=1e-6, high=1e-2),
    lengths=(60, 80, 120),
)


def search(strategy: Strategy, **changes) -> Search:
    asked = Search(nuisance=NUISANCE, strategy=strategy, num_trials=9, seed=3)
    return replace(asked, **changes)


def points(asked: Search, count: int, cell: str = "scratch-24") -> list[tuple[float, float]]:
    found = [asked.propose(k, cell, []) for k in range(count)]
    return [(p.lr, p.weight_decay) for p in found]


@pytest.mark.parametrize("strategy", ["grid", "sobol", "tpe"])
@pytest.mark.parametrize("separate", [False, True])
def test_proposals_stay_inside_the_space(strategy: Strategy, separate: bool):
    asked = search(strategy, separate_lengths=separate)
    for k in range(9):
        found = asked.propose(k, "scratch-24", [])
        assert NUISANCE.lr.low <= found.lr <= NUISANCE.lr.high
        assert NUISANCE.weight_decay.low <= found.weight_decay <= NUISANCE.weight_decay.high
        assert found.length in (NUISANCE.lengths if separate else (None,))


def test_a_grid_of_nine_is_three_by_three_and_even_in_the_logarithm():
    found = np.log10(points(search("grid"), 9))
    assert sorted(set(found[:, 0].round(6))) == pytest.approx([-5 / 3, -1, -1 / 3])
    assert len(set(found[:, 1].round(6))) == 3


@pytest.mark.parametrize("trials", range(1, 26))
def test_a_grid_has_as_many_different_points_as_trials(trials: int):
    asked = search("grid", num_trials=trials)
    assert len(set(points(asked, trials))) == trials
    columns, rows = asked.grid_shape()
    assert 0 <= columns - rows <= 1


def test_a_grid_with_separate_lengths_repeats_each_point_at_every_length():
    asked = search("grid", num_trials=12, separate_lengths=True)
    found = [asked.propose(k, "", []) for k in range(12)]
    assert len({(p.lr, p.weight_decay) for p in found}) == 4
    assert len({(p.lr, p.weight_decay, p.length) for p in found}) == 12


def test_sobol_points_are_the_same_for_every_cell_and_strategy_and_budget():
    one = points(search("sobol"), 8, "scratch-24")
    assert points(search("sobol", num_trials=100), 8, "pretext-1024") == one
    assert points(search("sobol", separate_lengths=True), 8) == one
    assert points(search("tpe"), PAIRED_POINTS) == one[:PAIRED_POINTS]
    assert points(search("sobol", seed=4), 8) != one


def test_sobol_fills_the_square_evenly():
    unit = np.array([sobol(0, k) for k in range(16)])
    cells = {tuple(cell) for cell in (unit[:, :2] * 4).astype(int)}
    assert len(cells) == 16  # one in each of 4 × 4


def outcomes(asked: Search, count: int) -> list[Outcome]:
    """Finished trials whose AP rises with the learning rate."""
    proposals = [asked.propose(k, "", []) for k in range(count)]
    return [Outcome(p, State.FINISHED, {120: 20 + 10 * np.log10(p.lr)}) for p in proposals]


def test_tpe_is_a_function_of_seed_index_cell_and_outcomes():
    asked = search("tpe")
    seen = outcomes(asked, PAIRED_POINTS)
    found = asked.propose(7, "scratch-24", seen)
    assert asked.propose(7, "scratch-24", seen) == found
    assert asked.propose(8, "scratch-24", seen) != found
    assert search("tpe", seed=4).propose(7, "scratch-24", seen) != found
    worse = [replace(o, AP_box={120: -o.AP_box[120]}) for o in seen]
    assert asked.propose(7, "scratch-24", worse) != found


def test_tpe_goes_where_it_was_good():
    asked = search("tpe")
    seen = outcomes(search("sobol"), 32)
    rates = [asked.propose(k, "scratch-24", seen).lr for k in range(32, 64)]
    assert np.mean(np.log10(rates)) > -0.6  # the middle of the range is -1


def test_states_are_told_apart_for_optuna():
    asked = search("tpe")
    proposal = asked.propose(0, "", [])
    unended = (None, State.RUNNING, State.PREEMPTED, State.FAILED)
    for state in unended:  # what has been shown so far counts
        assert asked.as_optuna(Outcome(proposal, state, {60: 1.0})).state is TrialState.PRUNED
    ended: dict[State | None, dict[int, float]] = {
        state: {60: 1.0} for state in (State.FINISHED, State.STOPPED, State.DIVERGED)
    }
    told = {
        state: asked.as_optuna(Outcome(proposal, state, ended.get(state, {}))).state
        for state in (*State, None)
    }
    assert told == {
        State.FINISHED: TrialState.COMPLETE,
        State.STOPPED: TrialState.PRUNED,
        State.DIVERGED: TrialState.FAIL,
        State.FAILED: TrialState.RUNNING,  # will be tried again
        State.PREEMPTED: TrialState.RUNNING,
        State.RUNNING: TrialState.RUNNING,
        None: TrialState.RUNNING,
    }
