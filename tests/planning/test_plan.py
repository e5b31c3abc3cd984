"""The plan: equal budgets, nothing lost or doubled, a function of the run directory."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from study.config import LogUniform, RunConfig
from study.config.arms import parse
from study.config.checks.require import MOST_RUNS, MOST_SEED, MOST_STUDY_SEED
from study.config.schedule import iterations
from study.planning.optuna_journal import Journal
from study.planning.plan import Plan
from study.planning.pricing.bill import bill
from study.planning.search.search import Search
from study.planning.search.strategies import STRATEGIES
from study.planning.stopping import Halving, Stopping
from study.planning.trials.tuning import chosen
from study.storage.run_dir import DifferentQuestion, State
from tests.simulated import SPACE, Simulation, design, open_study, outcome, tail


def roles(simulation: Simulation) -> Counter[tuple[str, str]]:
    runs = (trial.config() for trial in simulation.study.trials())
    return Counter((c["role"], f"{c['run']['arm']}-{c['run']['size']}") for c in runs)


SEARCHES = [(name, None) for name in STRATEGIES] + [("sobol", "tpe"), ("random", "gp")]


@pytest.mark.parametrize(("first", "then"), SEARCHES)
def test_every_arm_and_size_gets_the_same_budget(first: str, then: str | None, tmp_path: Path):
    search = Search(first=first, then=then, paired=2)
    done = Simulation(design(search=search, trials=4), tmp_path).run()
    cells = ("scratch-8", "pretext-8", "scratch-16", "pretext-16")
    assert roles(done) == {(r, c): n for c in cells for r, n in (("tune", 4), ("confirm", 2))}
    assert all(trial.state and trial.state.is_final for trial in done.study.trials())


def test_an_arm_is_crossed_with_the_others_best_at_its_own_size(tmp_path: Path):
    def apart(run: RunConfig, _: int) -> float:
        """Each arm wants another rate at each size."""
        wanted = {"scratch": 0.002, "pretext": 0.02}[run.arm] * run.size / 8
        return 30 - 10 * abs(math.log10(run.optim.lr / wanted))

    done = Simulation(design(confirm=1, cross=1), tmp_path, apart).run()
    plan, found = done.plan, {trial.id: trial.config() for trial in done.study.trials()}
    for cell in plan.design.cells:
        mine = [
            config["run"]["optim"]["lr"]
            for config in found.values()
            if (config["role"], config["run"]["arm"], config["run"]["size"])
            == ("confirm", cell.arm.name, cell.size)
        ]
        there = [chosen(plan.tuning_trials(one)) for one in plan.design.cells_at(cell.size)]
        assert sorted(mine) == sorted({one.values["lr"] for one in there if one})
        assert len(mine) == 2
    assert (
        len({run["run"]["optim"]["lr"] for run in found.values() if run["role"] == "confirm"}) == 4
    )


@pytest.mark.slow
def test_any_hyper_parameter_of_the_optimiser_is_searched_where_it_has_a_range(tmp_path: Path):
    ranges = {"momentum": LogUniform(low=0.5, high=0.7), "batch_size": LogUniform(low=2, high=8)}
    space = replace(SPACE, nuisance=replace(SPACE.nuisance, ranges=ranges))
    asked = design(space=space, extend=1, trials=8)
    at_edge = Simulation(asked, tmp_path, objective=lambda run, _: run.optim.momentum).run()
    runs = [trial.config() for trial in at_edge.study.trials()]
    tuned = {(c["run"]["optim"]["momentum"], c["run"]["optim"]["batch_size"]) for c in runs}
    assert len(tuned) > 8 and all(type(size) is int for _, size in tuned)
    assert {c["run"]["optim"]["lr"] for c in runs} == {SPACE.fixed.optim.lr}  # not searched
    beyond = [c["strip"] for c in runs if "strip" in c]
    assert {strip["name"] for strip in beyond} >= {"momentum"}
    assert max(momentum for momentum, _ in tuned) > 0.7
    cost = bill(asked)
    assert cost.expected_images == cost.expected * 4 and cost.most_images == cost.most * 8
    assert asked.question({})["fixed"]["optim"].keys() == {"lr", "weight_decay", "clip_norm"}


def test_without_stopping_no_trial_starts_twice(tmp_path: Path):
    done = Simulation(design(stopping=None), tmp_path).run()
    assert len(set(done.started)) == len(done.started)


def test_cells_advance_together_on_the_same_points(tmp_path: Path):
    done = Simulation(design(), tmp_path).run()
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


@pytest.mark.slow
def test_settings_are_chosen_on_the_tuning_split_and_confirmed_on_the_report_split(tmp_path: Path):
    asked = design(trials=8, audit=1.0, confirm=1, cross=1)
    done = Simulation(asked, tmp_path).run()
    splits: dict[str, set[str]] = {}
    for trial in done.study.trials():
        config = trial.config()
        splits.setdefault(config["role"], set()).add(config["run"]["split"])
    assert splits == {"tune": {"tune"}, "audit": {"tune"}, "confirm": {"report"}}


def test_confirm_runs_repeat_the_chosen_setting_on_fresh_seeds_and_draws(tmp_path: Path):
    done = Simulation(design(), tmp_path).run()
    seeds = {}
    for cell in done.plan.design.cells:
        best = chosen(done.plan.tuning_trials(cell))
        assert best
        configs = [done.study.trial(f"{cell.name}-c{j}").config() for j in range(2)]
        for config in configs:
            run = config["run"]
            assert run["optim"]["lr"] == best.trial.run.optim.lr
            assert run["schedule"]["lengths"] == [best.length] == [120]
            assert run["split"] == "report"
            assert config["of"] == best.trial.trial_id
        seeds[cell.name] = [(c["run"]["seed"], c["run"]["draw"]) for c in configs]
    assert set(map(tuple, seeds.values())) == {((1000, 1), (1001, 2))}  # the same for all arms


def test_more_images_may_have_longer_lengths(tmp_path: Path):
    nuisance = replace(SPACE.nuisance, longer={12: (80, 160), 17: (9999,)})
    asked = design(space=replace(SPACE, nuisance=nuisance), stopping=None, trials=3)
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
    small = design(trials=3, confirm=1, stopping=None)
    larger = design(trials=8, confirm=2, stopping=None)
    first = outcome(Simulation(small, tmp_path).run().study)
    grown = Simulation(larger, tmp_path).run()
    after = outcome(grown.study)
    assert {key: after[key] for key in first} == first  # nothing is done again
    for cell in small.cells:
        best = chosen(grown.plan.tuning_trials(cell))
        assert best
        runs = [
            c
            for i, c in ((t.id, t.config()) for t in grown.study.trials())
            if i.startswith(f"{cell.name}-c") and c["of"] == best.trial.trial_id
        ]
        assert sorted(c["run"]["seed"] for c in runs) == [1000, 1001]
    assert not Simulation(larger, tmp_path).run().started


def test_another_question_is_refused_and_named(tmp_path: Path):
    open_study(tmp_path, design())
    ranges = SPACE.nuisance.ranges | {"lr": LogUniform(low=0.001, high=1.0)}
    wider = replace(SPACE, nuisance=replace(SPACE.nuisance, ranges=ranges))
    for changes, named in (
        ({"seed": 1}, "seed: there 0, now 1"),
        ({"space": wider}, "nuisance.ranges.lr.high: there 0.1, now 1.0"),
        ({"stopping": None}, "stopping"),
        ({"stopping": Stopping(Halving(), "average")}, "stopping.by: there 'tail', now 'average'"),
        ({"arms": (parse("scratch"),)}, "arms.pretext"),
    ):
        with pytest.raises(DifferentQuestion, match=named):
            open_study(tmp_path, design(**changes))
    open_study(tmp_path, design(trials=99, confirm=9))  # a budget is no question


def test_a_grid_cannot_grow(tmp_path: Path):
    grid = Search(first="grid", then=None)
    open_study(tmp_path, design(search=grid, trials=4))
    with pytest.raises(DifferentQuestion, match=r"search\.points: there 4, now 9"):
        open_study(tmp_path, design(search=grid, trials=9))


def test_a_failed_trial_is_tried_once_a_session_and_others_go_on(tmp_path: Path):
    asked = design(trials=1, confirm=0)
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


def test_an_error_that_may_pass_is_tried_again_in_the_same_session(tmp_path: Path):
    asked = design(trials=1, confirm=0)
    study = open_study(tmp_path, asked)
    plan, given = Plan(asked, study), Counter()
    while (found := plan.next(set())) is not None:
        given[found[0]] += 1
        again = found[0] == "scratch-8-t000" or given[found[0]] < 2
        study.trial(found[0]).mark(State.FAILED, again=again)
    assert given.pop("scratch-8-t000") == 3 and set(given.values()) == {2}


def test_a_trial_whose_process_keeps_dying_is_given_up_for_the_session(tmp_path: Path):
    asked = design(trials=1, confirm=0)
    study = open_study(tmp_path, asked)
    plan, given = Plan(asked, study), Counter()
    while (found := plan.next(set())) is not None:
        given[found[0]] += 1
        study.trial(found[0]).mark(State.PREEMPTED)
    assert set(given.values()) == {3}


def test_an_arm_that_only_diverges_does_not_hold_up_the_others(tmp_path: Path):
    asked = design(trials=2, confirm=1)
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


@pytest.mark.slow
def test_separate_runs_are_the_same_study(tmp_path: Path):
    """Same trials, decisions and choices as with a shared trunk; only the walk differs."""
    shared = Simulation(design(), tmp_path / "shared").run()
    alone = Simulation(design(schedule="independent"), tmp_path / "alone").run()
    assert not alone.study.trial("scratch-8-t000").config()["run"]["schedule"]["shared"]
    found, expected = outcome(alone.study), outcome(shared.study)
    assert {k: v[2:] for k, v in found.items()} == {k: v[2:] for k, v in expected.items()}


def test_moved_data_and_another_device_reach_unfinished_trials(tmp_path: Path):
    asked = design()
    open_study(tmp_path, asked)
    Simulation(asked, tmp_path).run(steps=2)
    moved = replace(asked, space=replace(SPACE, fixed=replace(SPACE.fixed, device="cpu")))
    resumed = Simulation(moved, tmp_path).run()
    unfinished = resumed.started[0]
    assert resumed.study.trial(unfinished).config()["run"]["device"] == "cpu"


def test_the_journal_shows_each_cell_to_optuna(tmp_path: Path):
    simulation = Simulation(design(trials=4, confirm=0), tmp_path)
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
        told = optuna.load_study(study_name=name, storage=storage).trials
        assert len(told) == 4  # each once
        for shown in told:
            trial = simulation.study.trial(shown.user_attrs["trial_id"])
            assert trial.state and shown.state == states[trial.state]
            assert shown.params["lr"] == trial.config()["run"]["optim"]["lr"]
            aps = {record["length"]: record["AP_box"] for record in trial.records()}
            assert shown.intermediate_values == aps


def test_question_is_plain_json_without_paths(tmp_path: Path):
    text = json.dumps(design().question(data={"train": "0123"}))
    assert str(tmp_path) not in text and "train_images" not in text


def test_a_weights_file_is_known_by_its_content(tmp_path: Path):
    for folder, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.safetensors").write_bytes(content)
    a, b, c = (parse(str(tmp_path / f / "mine.safetensors")) for f in "abc")
    assert a.identity == b.identity != c.identity
    assert a.name == "mine"
    assert parse(f"moco={tmp_path}/a/mine.safetensors").name == "moco"
    url = "https://example.org/weights.pth?download=1"
    assert parse(f"moco={url}").init == parse(f"moco={url}").identity == url
    with pytest.raises(ValueError, match="has no name; give it one: NAME=https"):
        parse(url)
    for wrong in ("imagnet", "a/b=nowhere.pt", f"scratch={a.init}"):
        with pytest.raises(ValueError, match="scratch, pretext, imagenet"):
            parse(wrong)


def test_nothing_is_left_when_arms_have_chosen_the_same_setting(tmp_path: Path):
    """Then one run is both: an arm's own and the one with the other's values."""
    asked = design(cross=1)
    simulation = Simulation(asked, tmp_path)
    assert set(simulation.plan.remaining().values()) == {(6, 3)}
    assert set(simulation.run().plan.remaining().values()) == {(0, 0)}
    assert roles(simulation)["confirm", "scratch-8"] == 2


@pytest.mark.parametrize(
    ("name", "low", "high", "rule"),
    [
        ("momentum", 0.5, 1.2, r"optim\.momentum = 1\.2: from 0 to below 1"),
        ("batch_size", 0.3, 8.0, r"optim\.batch_size = 0: at least 1"),
    ],
)
def test_a_range_that_the_optimiser_would_refuse_is_refused_before_any_trial(
    name: str, low: float, high: float, rule: str
):
    ranges = SPACE.nuisance.ranges | {name: LogUniform(low=low, high=high)}
    space = replace(SPACE, nuisance=replace(SPACE.nuisance, ranges=ranges))
    with pytest.raises(ValueError, match=rf"^nuisance\.ranges = {name} from {low} to .*: {rule}"):
        design(space=space)


def test_the_largest_seed_leaves_seeds_for_confirm_runs(tmp_path: Path):
    done = Simulation(design(trials=1, seed=MOST_STUDY_SEED), tmp_path).run()
    assert {role for role, _ in roles(done)} == {"tune", "confirm"}
    assert 1000 * (1 + MOST_STUDY_SEED) + MOST_RUNS - 1 <= MOST_SEED
    with pytest.raises(ValueError, match=r"^seed = "):
        design(seed=MOST_STUDY_SEED + 1)
