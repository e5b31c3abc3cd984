"""The plan: equal budgets, nothing lost or doubled, a function of the run directory."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from study.arms import parse
from study.bill import bill
from study.config import LogUniform, RunConfig
from study.journal import Journal
from study.plan import Plan
from study.rundir import DifferentQuestion, State
from study.schedule import iterations
from study.stopping import Verdict
from study.tried import chosen
from tests.simulated import SPACE, Simulation, bowl, open_study, outcome, settings, tail


def start(plan: Plan, count: int) -> list[str]:
    """At most so many trials, all under way at once."""
    active: dict[str, None] = {}
    while len(active) < count and (found := plan.next(set(active))):
        active[found[0]] = None
    return list(active)


def roles(simulation: Simulation) -> Counter[tuple[str, str]]:
    runs = (trial.config() for trial in simulation.study.trials())
    return Counter((c["role"], f"{c['run']['arm']}-{c['run']['size']}") for c in runs)


@pytest.mark.parametrize("search", ["grid", "sobol", "tpe", "gp", "sobol+tpe"])
def test_every_arm_and_size_gets_the_same_budget(search: str, tmp_path: Path):
    done = Simulation(settings(search=search), tmp_path).run()
    cells = ("scratch-8", "pretext-8", "scratch-16", "pretext-16")
    assert roles(done) == {(r, c): n for c in cells for r, n in (("tune", 6), ("confirm", 2))}
    assert all(trial.state and trial.state.is_final for trial in done.study.trials())


def test_without_stopping_no_trial_starts_twice(tmp_path: Path):
    done = Simulation(settings(rule=None), tmp_path).run()
    assert len(set(done.started)) == len(done.started)


def test_cells_advance_together_on_the_same_points(tmp_path: Path):
    done = Simulation(settings(), tmp_path).run()
    order = list(dict.fromkeys(trial_id for trial_id in done.started if "-t" in trial_id))
    assert [i.rpartition("-t")[2] for i in order] == [f"{k:03d}" for k in range(6) for _ in "abcd"]
    optims = {
        trial_id[-4:]: {
            str(done.study.trial(other).config()["run"]["optim"])
            for other in order
            if other[-4:] == trial_id[-4:]
        }
        for trial_id in order
    }
    assert all(len(same) == 1 for same in optims.values())


def test_confirm_runs_repeat_the_chosen_setting_on_fresh_seeds_and_draws(tmp_path: Path):
    done = Simulation(settings(), tmp_path).run()
    seeds = {}
    for cell in done.plan.settings.cells:
        best = chosen(done.plan.tried(cell))
        assert best
        configs = [done.study.trial(f"{cell.name}-c{j}").config() for j in range(2)]
        for config in configs:
            run = config["run"]
            assert run["optim"]["lr"] == best.tried.run.optim.lr
            assert run["schedule"]["lengths"] == [best.length] == [120]
            assert run["split"] == "report"
            assert config["of"] == best.tried.trial_id
        seeds[cell.name] = [(c["run"]["seed"], c["run"]["draw"]) for c in configs]
    assert set(map(tuple, seeds.values())) == {((1000, 1), (1001, 2))}  # the same for all arms


def test_killed_anywhere_it_ends_with_the_same_trials_and_verdicts(tmp_path: Path):
    asked = settings(trials=9)
    undisturbed = outcome(Simulation(asked, tmp_path / "whole").run().study)
    rng = np.random.default_rng(1)
    for _ in range(12):
        Simulation(asked, tmp_path / "killed", seed=int(rng.integers(99))).run(steps=7)
    killed = Simulation(asked, tmp_path / "killed").run()
    assert outcome(killed.study) == undisturbed


@pytest.mark.parametrize("concurrent", [1, 40])
def test_who_goes_on_depends_neither_on_the_order_nor_on_the_machine(
    concurrent: int, tmp_path: Path
):
    asked = settings(trials=9)
    first = Simulation(asked, tmp_path / "first", concurrent=3, seed=0).run()
    other = Simulation(asked, tmp_path / "other", concurrent=concurrent, seed=concurrent).run()
    assert outcome(other.study) == outcome(first.study)


def test_a_trial_killed_before_its_verdict_hears_it_at_the_next_start(tmp_path: Path):
    asked = settings(trials=2, confirm=0)
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
    asked = settings(trials=2, confirm=0)
    study = open_study(tmp_path, asked)
    plan, cells = Plan(asked, study), len(asked.cells)
    ids = start(plan, 2 * cells)
    first, second = (study.trial(ids[i]) for i in (0, cells))
    first.append(tail(60, 5.0))
    assert plan.heard_from(first.id) is Verdict.WAIT
    assert plan.next(set(ids) - {first.id}) is None  # its place is free, and it is not taken up
    second.append(tail(60, 1.0))
    for trial in (first, second):
        trial.save("trunk", b"weights")
    assert plan.heard_from(second.id) is Verdict.STOP
    assert (first.load("trunk") is None, second.load("trunk") is None) == (False, True)
    found = plan.next(set(ids) - {first.id, second.id})
    assert found and found[0] == first.id


def test_nobody_is_left_waiting_when_ranks_change_from_rung_to_rung(tmp_path: Path):
    """A stop may be what another trial waits for, also one that was asked before."""

    def noisy(run: RunConfig, length: int) -> float:
        return float(np.random.default_rng((int(run.optim.lr * 1e6), length)).random())

    space = replace(SPACE, scientific=replace(SPACE.scientific, arms=("scratch",), sizes=(8,)))
    for seed in range(20):
        arms = (parse("scratch"),)
        asked = settings(space=space, trials=3, confirm=1, arms=arms, seed=seed)
        done = Simulation(asked, tmp_path / str(seed), noisy, concurrent=1).run()
        assert not done.plan.unended()
        assert {r for r, _ in roles(done)} == {"tune", "confirm"}


def test_a_trial_that_was_handed_out_is_waited_for_from_the_first_moment(tmp_path: Path):
    """Its process may still be importing torch, and its last state be of a former session."""
    asked = settings(trials=2, confirm=0)
    study = open_study(tmp_path, asked)
    plan, cells = Plan(asked, study), len(asked.cells)
    ids = start(plan, 2 * cells)
    study.trial(ids[cells]).mark(State.FAILED, error="disk full")
    study.trial(ids[0]).mark(State.RUNNING)
    again = Plan(asked, study)
    given = start(again, 2 * cells)
    assert {ids[0], ids[cells]} <= set(given)
    study.trial(ids[0]).append(tail(60, 5.0))
    assert again.heard_from(ids[0]) is Verdict.WAIT
    study.trial(ids[cells]).append(tail(60, 9.0))
    assert again.heard_from(ids[0]) is Verdict.STOP


def test_who_goes_on_is_not_called_back_by_a_larger_budget(tmp_path: Path):
    lazy = {"rung": "average", "tails": "last", "confirm": 0}
    for steps in range(20, 50, 5):
        folder = tmp_path / str(steps)
        Simulation(settings(trials=4, **lazy), folder, concurrent=2).run(steps=steps)
        grown = Simulation(settings(trials=12, **lazy), folder, concurrent=2).run()
        for trial in grown.study.trials():
            stopped_at = trial.config().get("stopped_at", 9999)
            assert trial.config().get("passed", 0) < stopped_at
            assert max(record["iteration"] for record in trial.records()) <= stopped_at


def test_a_trial_that_failed_for_good_is_not_waited_for(tmp_path: Path):
    asked = settings(trials=2, confirm=0)
    study = open_study(tmp_path, asked)
    plan, cells = Plan(asked, study), len(asked.cells)
    ids = start(plan, 2 * cells)
    study.trial(ids[0]).append(tail(60, 5.0))
    assert plan.heard_from(ids[0]) is Verdict.WAIT
    study.trial(ids[cells]).mark(State.FAILED, error="disk full")
    found = plan.next(set(ids) - {ids[0], ids[cells]})
    assert found and found[0] == ids[0]


def test_a_rung_never_compares_arms(tmp_path: Path):
    """Each arm is stopped exactly as it would be alone, however far ahead the other is."""
    both = Simulation(settings(trials=12, confirm=0), tmp_path / "both").run()
    alone = settings(trials=12, confirm=0, arms=(parse("scratch"),))
    single = outcome(Simulation(alone, tmp_path / "alone").run().study)
    found = outcome(both.study)
    assert {key: found[key] for key in single} == single
    assert {row[2] for row in single.values()} == {State.FINISHED, State.STOPPED}


def test_stopping_saves_what_the_bill_says_and_keeps_the_best(tmp_path: Path):
    asked = settings(trials=16, confirm=0)
    done = Simulation(asked, tmp_path, concurrent=4).run()
    spent = sum(
        iterations(asked.schedule_at(8), len(trial.records())) for trial in done.study.trials()
    )
    assert spent == bill(asked).expected < 0.7 * bill(asked).most
    for cell in asked.cells:
        best = chosen(done.plan.tried(cell))
        assert best and best.AP_box == max(bowl(t.run, 120) for t in done.plan.tried(cell))


def test_more_images_may_have_longer_lengths(tmp_path: Path):
    nuisance = replace(SPACE.nuisance, longer={12: (80, 160), 17: (9999,)})
    asked = settings(space=replace(SPACE, nuisance=nuisance), rule=None, trials=3)
    done = Simulation(asked, tmp_path).run()
    lengths = {
        trial.id: [record["length"] for record in trial.records()] for trial in done.study.trials()
    }
    assert lengths["scratch-8-t000"] == lengths["pretext-8-t001"] == [60, 80, 120]
    assert lengths["scratch-16-t000"] == lengths["pretext-16-t001"] == [80, 160]
    assert lengths["scratch-16-c0"] == [160]
    assert bill(asked).most == 2 * (3 * iterations(asked.schedule_at(8)) + 2 * 120) + 2 * (
        3 * iterations(asked.schedule_at(16)) + 2 * 160
    )


def test_a_larger_budget_extends_the_study(tmp_path: Path):
    small = settings(trials=3, confirm=1, rule=None)
    larger = settings(trials=8, confirm=2, rule=None)
    first = outcome(Simulation(small, tmp_path).run().study)
    grown = Simulation(larger, tmp_path).run()
    after = outcome(grown.study)
    assert {key: after[key] for key in first} == first  # nothing is done again
    for cell in small.cells:
        best = chosen(grown.plan.tried(cell))
        assert best
        runs = [
            c
            for i, c in ((t.id, t.config()) for t in grown.study.trials())
            if i.startswith(f"{cell.name}-c") and c["of"] == best.tried.trial_id
        ]
        assert sorted(c["run"]["seed"] for c in runs) == [1000, 1001]
    assert not Simulation(larger, tmp_path).run().started


def test_a_budget_that_grows_ends_where_it_would_have_begun(tmp_path: Path):
    """By whole brackets: nobody's fate hangs on when the trials after it were asked for."""
    at_once = Simulation(settings(trials=12, confirm=0), tmp_path / "at once").run()
    for trials in (4, 8, 12):
        grown = Simulation(settings(trials=trials, confirm=0), tmp_path / "grown").run()
    assert outcome(grown.study) == outcome(at_once.study)


def test_the_first_bracket_is_trained_to_the_end_before_the_third_begins(tmp_path: Path):
    asked = settings(trials=12, confirm=0)
    done = Simulation(asked, tmp_path, concurrent=1).run()
    begun = [done.started.index(f"scratch-8-t{index:03d}") for index in range(12)]
    first = [trial.trial_id for trial in done.plan.tried(asked.cells[0])[:4]]
    last = max(len(done.started) - 1 - done.started[::-1].index(i) for i in first)
    assert last < min(begun[8:])
    states = [trial.state for trial in done.plan.tried(asked.cells[0])]
    for bracket in (states[:4], states[4:8], states[8:]):
        assert bracket.count(State.FINISHED) == 1  # two rungs


def test_another_question_is_refused_and_named(tmp_path: Path):
    open_study(tmp_path, settings())
    wider = replace(SPACE, nuisance=replace(SPACE.nuisance, lr=LogUniform(low=0.001, high=1.0)))
    for changes, named in (
        ({"seed": 1}, "seed: there 0, now 1"),
        ({"space": wider}, "nuisance.lr.high: there 0.1, now 1.0"),
        ({"rule": None}, "stopping"),
        ({"rung": "average"}, "stopping.by: there 'tail', now 'average'"),
        ({"arms": (parse("scratch"),)}, "arms.pretext"),
    ):
        with pytest.raises(DifferentQuestion, match=named):
            open_study(tmp_path, settings(**changes))
    open_study(tmp_path, settings(trials=99, confirm=9))  # a budget is no question


def test_a_grid_cannot_grow(tmp_path: Path):
    open_study(tmp_path, settings(search="grid", trials=4))
    with pytest.raises(DifferentQuestion, match="grid"):
        open_study(tmp_path, settings(search="grid", trials=9))


def test_a_failed_trial_is_tried_once_a_session_and_others_go_on(tmp_path: Path):
    asked = settings(trials=1, confirm=0)
    sessions: list[list[str]] = []
    for _ in range(2):
        study = open_study(tmp_path, asked)
        plan, given = Plan(asked, study), []
        sessions.append(given)
        while (found := plan.next(set())) is not None:
            given.append(found[0])
            broken = found[0] == "scratch-8-t000"
            study.trial(found[0]).mark(State.FAILED if broken else State.DIVERGED)
        assert plan.done
        assert plan.unended() == ["scratch-8-t000"]
    assert [len(given) for given in sessions] == [4, 1]  # nothing else was left to do


def test_a_trial_whose_process_keeps_dying_is_given_up_for_the_session(tmp_path: Path):
    asked = settings(trials=1, confirm=0)
    study = open_study(tmp_path, asked)
    plan, given = Plan(asked, study), Counter()
    while (found := plan.next(set())) is not None:
        given[found[0]] += 1
        study.trial(found[0]).mark(State.PREEMPTED)
    assert set(given.values()) == {3}


def test_an_arm_that_only_diverges_does_not_hold_up_the_others(tmp_path: Path):
    asked = settings(trials=2, confirm=1)
    study = open_study(tmp_path, asked)
    plan = Plan(asked, study)
    while (found := plan.next(set())) is not None:
        trial = study.trial(found[0])
        if "scratch" in trial.id:
            trial.mark(State.DIVERGED)
        else:
            trial.append(tail(120, 1.0))
            trial.mark(State.FINISHED)
    confirmed = [t.id for t in study.trials() if t.config()["role"] == "confirm"]
    assert confirmed == ["pretext-16-c0", "pretext-8-c0"]


def test_separate_runs_are_the_same_study(tmp_path: Path):
    """Same trials, verdicts and choices as with a shared trunk; only the walk differs."""
    shared = Simulation(settings(), tmp_path / "shared").run()
    alone = Simulation(settings(schedule="independent"), tmp_path / "alone").run()
    assert not alone.study.trial("scratch-8-t000").config()["run"]["schedule"]["shared"]
    found, expected = outcome(alone.study), outcome(shared.study)
    assert {k: v[2:] for k, v in found.items()} == {k: v[2:] for k, v in expected.items()}


def test_moved_data_and_another_device_reach_unfinished_trials(tmp_path: Path):
    asked = settings()
    open_study(tmp_path, asked)
    Simulation(asked, tmp_path).run(steps=2)
    moved = replace(asked, space=replace(SPACE, fixed=replace(SPACE.fixed, device="cpu")))
    resumed = Simulation(moved, tmp_path).run()
    unfinished = resumed.started[0]
    assert resumed.study.trial(unfinished).config()["run"]["device"] == "cpu"


def test_the_journal_shows_each_cell_to_optuna(tmp_path: Path):
    simulation = Simulation(settings(trials=4, confirm=0), tmp_path)
    journal = Journal(simulation.plan)
    simulation.run(steps=20)
    journal.update()
    simulation.run()
    journal.update()
    Journal(simulation.plan).update()  # derived: written anew, it is the same
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "optuna.journal")))
    names = sorted(optuna.get_all_study_names(storage))
    assert [name.split("/")[:3] for name in names] == [
        ["simulated", arm, size] for arm in ("pretext", "scratch") for size in ("16", "8")
    ]
    states = {State.FINISHED: TrialState.COMPLETE, State.STOPPED: TrialState.PRUNED}
    for name in names:
        for shown in optuna.load_study(study_name=name, storage=storage).trials:
            trial = simulation.study.trial(shown.user_attrs["trial_id"])
            assert trial.state and shown.state == states[trial.state]
            assert shown.params["lr"] == trial.config()["run"]["optim"]["lr"]
            aps = {record["length"]: record["AP_box"] for record in trial.records()}
            assert shown.intermediate_values == aps


def test_question_is_plain_json_without_paths(tmp_path: Path):
    text = json.dumps(settings().question(data={"train": "0123"}))
    assert str(tmp_path) not in text and "train_images" not in text


def test_a_weights_file_is_known_by_its_content(tmp_path: Path):
    for folder, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.safetensors").write_bytes(content)
    a, b, c = (parse(str(tmp_path / f / "mine.safetensors")) for f in "abc")
    assert a.identity == b.identity != c.identity
    assert a.name == "mine"
    assert parse(f"moco={tmp_path}/a/mine.safetensors").name == "moco"
    for wrong in ("imagnet", "a/b=nowhere.pt", f"scratch={a.init}"):
        with pytest.raises(ValueError, match="scratch, pretext, imagenet"):
            parse(wrong)
