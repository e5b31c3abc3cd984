"""Proposals: inside the ranges, the same for all arms, functions of what they say they are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from optuna.trial import TrialState

from study.config import LogUniform, Nuisance, OptimConfig
from study.planning.search.proposal import Outcome, Proposal
from study.planning.search.range_extension import OUTER, grid_shape, outer_shares
from study.planning.search.search import Search
from study.planning.search.strategies import STRATEGIES
from study.planning.search.strategies.gp import comparable
from study.planning.search.strategies.samplers import optuna_state
from study.planning.search.strategies.sobol import point
from study.planning.search.strategies.tpe import told
from study.storage.run_dir import State

PAIRED = 4

NUISANCE = Nuisance(
    ranges={
        "lr": LogUniform(low=0.01, high=1.0),
        "weight_decay": LogUniform(low=1e-6, high=1e-2),
    },
    lengths=(60, 80, 120),
)
THREE = Nuisance(ranges=NUISANCE.ranges | {"momentum": LogUniform(low=0.8, high=0.95)})
SEARCHES = {name: Search(first=name, then=None) for name in STRATEGIES} | {
    "sobol, tpe": Search(first="sobol", then="tpe", paired=PAIRED),
    "random, gp": Search(first="random", then="gp", paired=PAIRED),
}
LEARNING = ["tpe", "gp", "sobol, tpe", "random, gp"]


def propose(
    name: str,
    index: int,
    outcomes: list[Outcome],
    *,
    num_trials: int = 9,
    seed: int = 3,
    nuisance: Nuisance = NUISANCE,
) -> Proposal:
    return SEARCHES[name].propose(nuisance, index, num_trials, seed, outcomes)


def points(name: str, count: int, **changes) -> list[tuple[float, ...]]:
    found = [propose(name, k, [], **changes) for k in range(count)]
    return [tuple(p.values.values()) for p in found]


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("nuisance", [NUISANCE, THREE], ids=["two", "three"])
def test_proposals_stay_inside_the_space(name: str, nuisance: Nuisance):
    seen: list[Outcome] = []
    for k in range(9):
        found = propose(name, k, seen, nuisance=nuisance)
        assert tuple(sorted(found.values)) == nuisance.names
        for key, searched in nuisance.ranges.items():
            assert searched.low <= found.values[key] <= searched.high
        state = State.DIVERGED if k % 4 == 3 else State.FINISHED
        seen.append(Outcome(found, state, {120: k * 1.0} if state is State.FINISHED else {}))


def test_any_number_of_the_optimiser_can_be_searched():
    ranges = {"momentum": LogUniform(low=0.8, high=0.95), "batch_size": LogUniform(low=2, high=16)}
    found = propose("sobol", 5, [], nuisance=Nuisance(ranges=ranges))
    tuned = OptimConfig().at(found.values)
    assert tuned.momentum == found.values["momentum"]
    assert tuned.batch_size == round(found.values["batch_size"])
    with pytest.raises(
        ValueError,
        match=r"nuisance.ranges = 'decay': no such .*; did you mean 'weight_decay'. one",
    ):
        Nuisance(ranges={"decay": LogUniform(low=1, high=2)})


def test_a_grid_of_nine_is_three_by_three_and_even_in_the_logarithm():
    found = np.log10(points("grid", 9))
    assert sorted(set(found[:, 0].round(6))) == pytest.approx([-5 / 3, -1, -1 / 3])
    assert len(set(found[:, 1].round(6))) == 3


@pytest.mark.parametrize("trials", range(1, 26))
def test_a_grid_has_as_many_different_points_as_trials(trials: int):
    assert len(set(points("grid", trials, num_trials=trials))) == trials
    assert len(set(points("grid", trials, num_trials=trials, nuisance=THREE))) == trials
    columns, rows = grid_shape(trials)
    assert 0 <= columns - rows <= 1


def test_a_grid_has_no_side_along_a_range_of_one_value():
    """Its trials would be the same ones over again."""
    decay = LogUniform(low=1e-4, high=1e-4)
    nuisance = replace(NUISANCE, ranges=NUISANCE.ranges | {"weight_decay": decay})
    found = points("grid", 9, nuisance=nuisance)
    assert len(set(found)) == 9 and len({rate for rate, _ in found}) == 9
    assert {value for _, value in found} == {1e-4}
    assert outer_shares(nuisance.ranges, 9) == {"lr": OUTER}
    assert outer_shares(nuisance.ranges, 3) == {"lr": 0.5 / 3}
    alone = replace(nuisance, ranges={"weight_decay": decay})
    assert points("grid", 2, nuisance=alone) == [(1e-4,)] * 2


def test_a_grids_last_row_is_spread_out():
    """Five points are three, and two between them."""
    found = np.log10(points("grid", 5, num_trials=5))[:, 0] / 2 + 1
    assert found == pytest.approx([1 / 6, 3 / 6, 5 / 6, 1 / 4, 3 / 4])


def test_sobol_points_are_the_same_for_every_strategy_and_budget():
    one = points("sobol", 8)
    assert points("sobol", 8, num_trials=100) == one
    assert points("sobol, tpe", PAIRED) == one[:PAIRED]
    assert points("sobol", 8, seed=4) != one


def test_sobol_fills_the_square_evenly():
    unit = np.array([point(0, k) for k in range(16)])
    cells = {tuple(cell) for cell in (unit * 4).astype(int)}
    assert len(cells) == 16  # one in each of 4 × 4


def outcomes(count: int, best: float = 1.0) -> list[Outcome]:
    """Finished Sobol trials; the AP is highest at the learning rate `best`."""
    proposals = [propose("sobol", k, []) for k in range(count)]
    aps = [20 - 10 * abs(math.log10(p.values["lr"] / best)) for p in proposals]
    return [Outcome(p, State.FINISHED, {120: ap}) for p, ap in zip(proposals, aps, strict=True)]


@pytest.mark.parametrize("name", LEARNING)
def test_what_is_learnt_is_a_function_of_seed_index_and_outcomes(name: str):
    seen = outcomes(8)
    found = propose(name, 8, seen)
    assert propose(name, 8, seen) == found
    assert propose(name, 8, seen, seed=4) != found
    assert propose(name, 8, outcomes(8, best=0.01)) != found


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_it_goes_where_it_was_good(name: str):
    for best, expected in ((1.0, -0.4), (0.01, -1.6)):
        seen = outcomes(32, best)
        rates = [propose(name, k, seen).values["lr"] for k in range(32, 38)]
        assert abs(np.mean(np.log10(rates)) - math.log10(best)) < abs(-1 - expected)


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_the_random_start_is_the_same_for_every_arm(name: str):
    early = [o.proposal for o in outcomes(3)]
    worse = [Outcome(p, State.FINISHED, {120: float(k)}) for k, p in enumerate(early)]
    assert propose(name, 3, worse) == propose(name, 3, outcomes(3))


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_where_training_diverged_is_not_tried_again(name: str):
    seen = [
        o if o.proposal.values["lr"] < 0.1 else Outcome(o.proposal, State.DIVERGED, {})
        for o in outcomes(32)
    ]
    rates = [propose(name, k, seen).values["lr"] for k in range(32, 38)]
    assert np.mean(np.array(rates) < 0.13) > 0.6


def test_a_gaussian_process_compares_values_at_one_length():
    proposal = propose("sobol", 0, [])
    seen = [
        Outcome(proposal, State.FINISHED, {30: 0.0, 60: 5.0, 120: 9.0}),
        Outcome(proposal, State.STOPPED, {30: 0.0, 60: 3.0}),
        Outcome(proposal, State.STOPPED, {30: 0.0, 60: 2.0}),
        Outcome(proposal, State.RUNNING, {30: 0.0}),
        Outcome(proposal, State.DIVERGED, {}),
        Outcome(proposal, State.RUNNING, {30: 0.0, 60: 4.0}),
    ]
    complete = TrialState.COMPLETE
    values = [5.0, 3.0, 2.0, None, 2.0, 4.0]  # four have come to 60, one to 120
    assert comparable(seen) == [(complete if v is not None else None, v) for v in values]


def test_states_are_told_apart_for_optuna():
    proposal = propose("sobol", 0, [])
    shown = {state: told(Outcome(proposal, state, {60: 1.0}))[0] for state in (*State, None)}
    complete = TrialState.COMPLETE
    assert {state for state, said in shown.items() if said is complete} == {State.FINISHED}
    assert set(shown.values()) == {complete, TrialState.PRUNED}  # what has been shown counts
    nothing = {state: told(Outcome(proposal, state, {}))[0] for state in (*State, None)}
    final = {State.FINISHED, State.STOPPED, State.DIVERGED}
    assert {s for s, said in nothing.items() if said is TrialState.PRUNED} == final
    assert {s: optuna_state(s) for s in final} == {
        State.FINISHED: complete,
        State.STOPPED: TrialState.PRUNED,
        State.DIVERGED: TrialState.FAIL,
    }


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_a_batch_size_that_was_rounded_to_beyond_its_range_is_learnt_from(name: str):
    nuisance = replace(NUISANCE, ranges={"batch_size": LogUniform(low=2.4, high=7.6)})
    seen = [
        Outcome(Proposal({"batch_size": size}, name), State.FINISHED, {120: 1.0 * size})
        for size in (2, 4, 6, 8)
    ]
    found = propose(name, len(seen), seen, nuisance=nuisance)
    assert 2.4 <= found.values["batch_size"] <= 7.6
