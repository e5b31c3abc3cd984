"""Who goes on, waits and stops: decided by what is recorded, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study.config import RunConfig
from study.config.arms import parse
from study.config.schedule import iterations
from study.planning.plan import Plan
from study.planning.pricing.bill import bill
from study.planning.stopping import Decision, Halving, Stopping
from study.planning.trials.tuning import chosen
from study.storage.run_dir import State
from tests.simulated import SPACE, Simulation, bowl, design, open_study, outcome, tail


def start(plan: Plan, count: int) -> list[str]:
    """At most so many trials, all under way at once."""
    active: dict[str, None] = {}
    while len(active) < count and (found := plan.next(set(active))):
        active[found[0]] = None
    return list(active)


@pytest.mark.slow
def test_killed_anywhere_it_ends_with_the_same_trials_and_verdicts(tmp_path: Path):
    asked = design(trials=9)
    undisturbed = outcome(Simulation(asked, tmp_path / "whole").run().study)
    rng = np.random.default_rng(1)
    for _ in range(12):
        Simulation(asked, tmp_path / "killed", seed=int(rng.integers(99))).run(steps=7)
    killed = Simulation(asked, tmp_path / "killed").run()
    assert outcome(killed.study) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("concurrent", [1, pytest.param(40, marks=pytest.mark.slow)])
def test_who_goes_on_depends_neither_on_the_order_nor_on_the_machine(
    concurrent: int, tmp_path: Path
):
    asked = design(trials=9)
    first = Simulation(asked, tmp_path / "first", concurrent=3, seed=0).run()
    other = Simulation(asked, tmp_path / "other", concurrent=concurrent, seed=concurrent).run()
    assert outcome(other.study) == outcome(first.study)


def test_a_trial_killed_before_its_verdict_hears_it_at_the_next_start(tmp_path: Path):
    asked = design(trials=2, confirm=0)
    study, plan = open_study(tmp_path, asked), Plan(asked, open_study(tmp_path, asked))
    cells = len(asked.cells)
    ids = start(plan, 2 * cells)
    for trial_id, ap in zip((ids[0], ids[cells]), (9.0, 1.0), strict=True):
        study.trial(trial_id).mark(State.RUNNING)
        study.trial(trial_id).append(tail(60, ap))
    given = start(Plan(asked, study), 2 * cells)
    assert set(given) == set(ids) - {ids[cells]}
    assert study.trial(ids[cells]).state is State.STOPPED


def test_a_trial_waits_while_another_may_still_overtake_it(tmp_path: Path):
    asked = design(trials=2, confirm=0)
    study = open_study(tmp_path, asked)
    plan, cells = Plan(asked, study), len(asked.cells)
    ids = start(plan, 2 * cells)
    first, second = (study.trial(ids[i]) for i in (0, cells))
    first.append(tail(60, 5.0))
    assert plan.heard_from(first.id) is Decision.WAIT
    assert plan.next(set(ids) - {first.id}) is None  # its place is free, and it is not taken up
    second.append(tail(60, 1.0))
    for trial in (first, second):
        trial.save("trunk", b"weights")
    assert plan.heard_from(second.id) is Decision.STOP
    assert (first.load("trunk") is None, second.load("trunk") is None) == (False, True)
    found = plan.next(set(ids) - {first.id, second.id})
    assert found and found[0] == first.id


@pytest.mark.slow
def test_nobody_is_left_waiting_when_ranks_change_from_rung_to_rung(tmp_path: Path):
    """A stop may be what another trial waits for, also one that was asked before."""

    def noisy(run: RunConfig, length: int) -> float:
        return float(np.random.default_rng((int(run.optim.lr * 1e6), length)).random())

    space = replace(SPACE, scientific=replace(SPACE.scientific, arms=("scratch",), sizes=(8,)))
    for seed in range(20):
        arms = (parse("scratch"),)
        asked = design(space=space, trials=3, confirm=1, arms=arms, seed=seed)
        done = Simulation(asked, tmp_path / str(seed), noisy, concurrent=1).run()
        assert not done.plan.unended()
        found = {trial.config()["role"] for trial in done.study.trials()}
        assert found == {"tune", "confirm"}


def test_a_trial_that_was_handed_out_is_waited_for_from_the_first_moment(tmp_path: Path):
    """Its process may still be importing torch, and its last state be of a former session."""
    asked = design(trials=2, confirm=0)
    study = open_study(tmp_path, asked)
    plan, cells = Plan(asked, study), len(asked.cells)
    ids = start(plan, 2 * cells)
    study.trial(ids[cells]).mark(State.FAILED, error="disk full")
    study.trial(ids[0]).mark(State.RUNNING)
    again = Plan(asked, study)
    given = start(again, 2 * cells)
    assert {ids[0], ids[cells]} <= set(given)
    study.trial(ids[0]).append(tail(60, 5.0))
    assert again.heard_from(ids[0]) is Decision.WAIT
    study.trial(ids[cells]).append(tail(60, 9.0))
    assert again.heard_from(ids[0]) is Decision.STOP


@pytest.mark.slow
def test_who_goes_on_is_not_called_back_by_a_larger_budget(tmp_path: Path):
    lazy = {"stopping": Stopping(Halving(), "average"), "tails": "last", "confirm": 0}
    for steps in range(20, 50, 5):
        folder = tmp_path / str(steps)
        Simulation(design(trials=4, **lazy), folder, concurrent=2).run(steps=steps)
        grown = Simulation(design(trials=12, **lazy), folder, concurrent=2).run()
        for trial in grown.study.trials():
            stopped_at = trial.config().get("stopped_at", 9999)
            assert trial.config().get("passed", 0) < stopped_at
            assert max(record["iteration"] for record in trial.records()) <= stopped_at


def test_a_trial_that_failed_for_good_is_not_waited_for(tmp_path: Path):
    asked = design(trials=2, confirm=0)
    study = open_study(tmp_path, asked)
    plan, cells = Plan(asked, study), len(asked.cells)
    ids = start(plan, 2 * cells)
    study.trial(ids[0]).append(tail(60, 5.0))
    assert plan.heard_from(ids[0]) is Decision.WAIT
    study.trial(ids[cells]).mark(State.FAILED, error="disk full")
    found = plan.next(set(ids) - {ids[0], ids[cells]})
    assert found and found[0] == ids[0]


@pytest.mark.slow
def test_a_rung_never_compares_arms(tmp_path: Path):
    """Each arm is stopped exactly as it would be alone, however far ahead the other is."""
    both = Simulation(design(trials=12, confirm=0), tmp_path / "both").run()
    alone = design(trials=12, confirm=0, arms=(parse("scratch"),))
    single = outcome(Simulation(alone, tmp_path / "alone").run().study)
    found = outcome(both.study)
    assert {key: found[key] for key in single} == single
    assert {row[2] for row in single.values()} == {State.FINISHED, State.STOPPED}


@pytest.mark.slow
def test_stopping_saves_what_the_bill_says_and_keeps_the_best(tmp_path: Path):
    asked = design(trials=16, confirm=0)
    done = Simulation(asked, tmp_path, concurrent=4).run()
    spent = sum(
        iterations(asked.schedule_at(8), len(trial.records())) for trial in done.study.trials()
    )
    assert spent == bill(asked).expected < 0.7 * bill(asked).most
    for cell in asked.cells:
        best = chosen(done.plan.tuning_trials(cell))
        assert best and best.AP_box == max(bowl(t.run, 120) for t in done.plan.tuning_trials(cell))


@pytest.mark.slow
def test_a_budget_that_grows_ends_where_it_would_have_begun(tmp_path: Path):
    """By whole brackets: nobody's fate hangs on when the trials after it were asked for."""
    at_once = Simulation(design(trials=12, confirm=0), tmp_path / "at once").run()
    for trials in (4, 8, 12):
        grown = Simulation(design(trials=trials, confirm=0), tmp_path / "grown").run()
    assert outcome(grown.study) == outcome(at_once.study)


def test_the_first_bracket_is_trained_to_the_end_before_the_third_begins(tmp_path: Path):
    asked = design(trials=12, confirm=0)
    done = Simulation(asked, tmp_path, concurrent=1).run()
    begun = [done.started.index(f"scratch-8-t{index:03d}") for index in range(12)]
    first = [trial.trial_id for trial in done.plan.tuning_trials(asked.cells[0])[:4]]
    last = max(len(done.started) - 1 - done.started[::-1].index(i) for i in first)
    assert last < min(begun[8:])
    states = [trial.state for trial in done.plan.tuning_trials(asked.cells[0])]
    for bracket in (states[:4], states[4:8], states[8:]):
        assert bracket.count(State.FINISHED) == 1  # two rungs
