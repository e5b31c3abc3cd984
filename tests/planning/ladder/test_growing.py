"""Ladders that turn out too short grow: for all arms alike, as far as it pays, and exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config import Budget, RunConfig, schedule
from study.planning.design import Design
from study.planning.ladder import growth
from study.planning.ladder.growing import require_beyond
from study.planning.pricing.bill import bill
from study.planning.trials.tuning import chosen
from study.storage.run_dir import DifferentQuestion, State, StudyDir
from tests.simulated import SPACE, Simulation, bowl, design, open_study, outcome

GROWING: dict[str, Any] = {"trials": 4, "growth": 1.5, "confirm": 1}
SMALL: dict[str, Any] = GROWING | {"trials": 2}


def late(run: RunConfig, length: int) -> float:
    """Scratch gains up to 300, where it has caught up; the other arm is done early."""
    fine = bowl(run, 100) / 40
    return 30 * fine if run.arm == "pretext" else 30 * fine * min(1.0, length / 300)


def tried(done: Simulation) -> dict[str, set[int]]:
    """By cell, the lengths of which its tuning trials have records."""
    found: dict[str, set[int]] = {}
    for cell in done.plan.design.cells:
        trials = done.plan.tuning_trials(cell)
        found[cell.name] = {length for one in trials for length in one.by_length}
    return found


def test_all_arms_of_a_size_get_longer_lengths_while_one_gains_from_them(tmp_path: Path):
    done = Simulation(design(**GROWING, max_length=2000), tmp_path, late).run()
    # scratch gains up to 300, so 608 is the first that brings nothing
    assert set(map(tuple, map(sorted, tried(done).values()))) == {
        (60, 80, 120, 180, 270, 405, 608)
    }
    for cell in done.plan.design.cells:
        confirm = done.study.trial(f"{cell.name}-c0").config()["run"]["schedule"]["lengths"]
        best = chosen(done.plan.tuning_trials(cell))
        assert best and confirm == [best.length]
        assert best.length == (60 if cell.arm.name == "pretext" else 405)
    assert all(trial.state and trial.state.is_final for trial in done.study.trials())


@pytest.mark.parametrize(
    ("changes", "longest"),
    [({"growth": 1.0}, 120), ({"max_length": 200}, 200), ({"max_length": 100}, 120), ({}, 480)],
)
def test_it_ends_at_the_longest_that_may_be_tried(
    changes: dict[str, Any], longest: int, tmp_path: Path
):
    def straight(run: RunConfig, length: int) -> float:
        return length / 5

    done = Simulation(design(**{**GROWING, **changes}), tmp_path, straight).run()
    assert {max(lengths) for lengths in tried(done).values()} == {longest}


@pytest.mark.slow
def test_where_no_arm_gains_more_than_the_margin_nothing_grows(tmp_path: Path):
    def flat(run: RunConfig, length: int) -> float:
        return 20 + growth.MARGIN * (length == 120)

    grown = Simulation(design(**GROWING), tmp_path / "grown", flat).run()
    plain = Simulation(design(**{**GROWING, "growth": 1.0}), tmp_path / "plain", flat).run()
    without = {key: strip_kept(value) for key, value in outcome(grown.study).items()}
    assert without == {key: strip_kept(value) for key, value in outcome(plain.study).items()}


def strip_kept(found: Any) -> Any:
    """An outcome without whether the trunk's end was left."""
    role, run, *rest = found
    return role, {key: value for key, value in run.items() if key != "keep_trunk"}, *rest


def test_an_arm_that_has_learnt_nothing_is_given_more_time(tmp_path: Path):
    def slow(run: RunConfig, length: int) -> float:
        return 0.0 if length < 250 else 10.0

    done = Simulation(design(**GROWING, max_length=2000), tmp_path, slow).run()
    # 270 is the first at which something is learnt, 405 gains nothing more
    assert {max(lengths) for lengths in tried(done).values()} == {405}


@pytest.mark.parametrize(("chance", "longest"), [(None, 120), ({"tune": 12.0}, 405)])
def test_nothing_is_learnt_below_the_chance_level(
    chance: dict[str, float] | None, longest: int, tmp_path: Path
):
    """10 AP up to 270 iterations: what the same boxes on every image would beat."""

    def slow(run: RunConfig, length: int) -> float:
        return 10.0 if length < 300 else 20.0

    done = Simulation(design(**{**GROWING, "max_length": 405}), tmp_path, slow)
    done.study.open(done.study.manifest | ({"chance": chance} if chance else {}))
    done.run()
    # without a chance level the ladder ends where 120 gains nothing over 80
    assert {max(lengths) for lengths in tried(done).values()} == {longest}


def test_the_better_half_goes_on_and_as_many_of_every_arm(tmp_path: Path):
    asked = design(**{**GROWING, "trials": 6, "stopping": None, "max_length": 270})
    done = Simulation(asked, tmp_path, late).run()
    for cell in asked.cells:
        by_length = {
            length: {one.trial_id: one.by_length[length] for one in trials}
            for length in (120, 180, 270)
            if (trials := [t for t in done.plan.tuning_trials(cell) if length in t.by_length])
        }
        assert [len(there) for there in by_length.values()] == [6, 3, 2]
        for before, after in ((120, 180), (180, 270)):
            left = by_length[before].keys() - by_length[after].keys()
            worst = min(by_length[before][i] for i in by_length[after])
            assert all(by_length[before][i] <= worst for i in left)


@pytest.mark.slow
@pytest.mark.parametrize("concurrent", [1, 3])
def test_killed_anywhere_a_growing_study_is_the_same(concurrent: int, tmp_path: Path):
    asked = design(**GROWING, extend=1)
    undisturbed = outcome(Simulation(asked, tmp_path / "whole", late).run().study)
    rng = np.random.default_rng(3)
    for _ in range(12):
        Simulation(asked, tmp_path / "killed", late, concurrent, int(rng.integers(99))).run(5)
    killed = Simulation(asked, tmp_path / "killed", late, concurrent).run()
    assert outcome(killed.study) == undisturbed
    assert not Simulation(asked, tmp_path / "killed", late).run().started


def test_a_grown_trial_is_one_that_had_the_longer_ladder_from_the_start(tmp_path: Path):
    grown = Simulation(design(**GROWING, stopping=None), tmp_path / "grown", late).run()
    lengths = (60, 80, 120, 180, 270, 480)
    space = replace(SPACE, nuisance=replace(SPACE.nuisance, lengths=lengths))
    asked = design(space=space, trials=4, confirm=1, stopping=None)
    given = outcome(Simulation(asked, tmp_path / "given", late).run().study)
    checked = 0
    for trial_id, (role, run, _, rows) in outcome(grown.study).items():
        if role == "tune":
            there = given[trial_id]
            assert rows == there[-1][: len(rows)]
            assert run["schedule"]["lengths"] == there[1]["schedule"]["lengths"][: len(rows)]
            checked += len(rows) > 3
    assert checked == 2 * 4  # half of four trials, in four cells


def test_trunks_stay_only_for_trials_that_could_go_on(tmp_path: Path):
    done = Simulation(design(**GROWING, stopping=None), tmp_path, late).run()
    kept = [t.id for t in done.study.trials() if t.load("trunk") is not None]
    cells = {trial_id.rpartition("-t")[0] for trial_id in kept}
    assert len(kept) == len(cells) == 4


def test_longer_lengths_may_be_given_to_a_study_that_has_begun(tmp_path: Path):
    first = design(trials=4, confirm=1)
    before = outcome(Simulation(first, tmp_path, late).run().study)
    lengths = (*SPACE.nuisance.lengths, 240)
    longer = replace(SPACE, nuisance=replace(SPACE.nuisance, lengths=lengths))
    done = Simulation(design(space=longer, trials=4, confirm=1), tmp_path, late).run()
    after = outcome(done.study)
    for trial_id, (*_, rows) in before.items():
        assert after[trial_id][-1][: len(rows)] == rows  # nothing is done again
    assert {max(lengths) for lengths in tried(done).values()} == {240}
    assert all(
        state is State.FINISHED or state is State.STOPPED for _, _, state, _ in after.values()
    )
    with pytest.raises(DifferentQuestion, match=r"nuisance.lengths: there \[60, 80, 120, 240\]"):
        open_study(tmp_path, first)  # a study does not shrink
    other = replace(SPACE, nuisance=replace(SPACE.nuisance, lengths=(60, 90, 120, 240)))
    with pytest.raises(DifferentQuestion, match=r"nuisance\.lengths"):
        open_study(tmp_path, design(space=other))


def test_the_bill_holds_what_growth_costs(tmp_path: Path):
    asked = design(**GROWING)

    def straight(run: RunConfig, length: int) -> float:
        return length / 5

    done = Simulation(asked, tmp_path, straight).run()
    spent = 0
    for trial in done.study.trials():
        run = trial.config()["run"]
        legs = {leg.name: leg for leg in schedule.legs(replace_lengths(run))}
        spent += sum(leg.stop - leg.start for leg in legs.values())
    cost = bill(asked)
    plain = bill(design(**{**GROWING, "growth": 1.0}))
    assert plain.expected < cost.expected < spent <= cost.most


def replace_lengths(run: dict[str, Any]) -> schedule.ScheduleConfig:
    lengths, tail = run["schedule"]["lengths"], run["schedule"]["tail"]
    return schedule.ScheduleConfig(lengths=tuple(lengths), tail=tuple(tail))


def test_lengths_are_multiplied_by_the_factor_up_to_the_end():
    assert list(growth.longer(100, Budget(growth=1.5))) == [150, 225, 400]
    assert list(growth.longer(300, Budget(growth=1.5, max_times=3.4))) == [450, 675, 1020]
    assert list(growth.longer(100, Budget(growth=1.5, max_length=110))) == []  # too small a step
    assert list(growth.longer(100, Budget(growth=2.0, max_length=250))) == [250]
    assert list(growth.longer(100, Budget())) == []
    with pytest.raises(ValueError, match=r"growth = 1.01: at least 1.1"):
        Budget(growth=1.01)


def test_a_ladder_is_too_short_where_an_arm_gains_at_its_end():
    best = {"scratch": {100: 10.0, 200: 10.5}, "imagenet": {100: 20.0, 200: 19.0}}
    assert not growth.is_wanted(best, 200)
    best["scratch"][200] = 12.0
    assert growth.is_wanted(best, 200)
    assert growth.is_wanted({"scratch": {100: 5.0}}, 100)  # nothing to compare it with
    assert growth.is_wanted({"scratch": {100: 5.0, 190: 20.0, 200: 20.1}}, 200)  # as before it
    assert not growth.is_wanted({"scratch": {100: 5.0}}, 200)  # has no AP there: it diverged


def test_as_many_of_every_arm_go_on_also_where_fewer_of_one_came_so_far(tmp_path: Path):
    def level(run: RunConfig, length: int) -> float:
        """All settings of scratch are equally good, so that none of its trials is stopped."""
        return length / 5 if run.arm == "scratch" else bowl(run, length)

    asked = design(**{**GROWING, "trials": 8, "max_length": 180})
    done = Simulation(asked, tmp_path, level).run()
    for cell in asked.cells:
        trials = done.plan.tuning_trials(cell)
        came = [sum(length in one.by_length for one in trials) for length in (120, 180)]
        assert came == ([8, 4] if cell.arm.name == "scratch" else [2, 2])


def test_ranges_are_extended_by_the_lengths_that_were_given_also_after_a_kill(tmp_path: Path):
    """What is best at the grown lengths was not known when that was decided."""
    rates = SPACE.nuisance.ranges["lr"]

    def later(run: RunConfig, length: int) -> float:
        """Within the range up to the lengths given, and at its upper end beyond them."""
        share = math.log(run.optim.lr / rates.low) / math.log(rates.high / rates.low)
        return length / 5 + (share if length > 120 else -abs(share - 0.8))

    budget = GROWING | {"trials": 16, "max_length": 180, "extend": 1}
    asked = design(**budget, stopping=None)
    done = Simulation(asked, tmp_path, later).run()
    trials = done.plan.tuning_trials(asked.cells[0])
    best = max(trials, key=lambda one: one.by_length.get(180, 0.0)).values["lr"]
    assert best > rates.high * (rates.low / rates.high) ** 0.1  # in the outer tenth
    assert not [trial.id for trial in done.study.trials() if "-lr-" in trial.id]
    assert not Simulation(asked, tmp_path, later).run().started


@pytest.mark.parametrize(
    ("first", "then", "longest"),
    [
        ({}, {"max_length": 1000}, 1000),  # 180, 270, 480, and from there on
        ({}, {"max_length": 300}, 480),  # what has been decided is not taken back
        ({"max_length": 200}, {"max_length": 450}, 450),
        ({"growth": 2.0, "max_length": 240}, {"growth": 1.5, "max_length": 500}, 500),
        ({}, {"growth": 1.0}, 480),
    ],
)
def test_a_ladder_that_has_grown_goes_on_by_another_budget(
    first: dict[str, Any], then: dict[str, Any], longest: int, tmp_path: Path
):
    def straight(run: RunConfig, length: int) -> float:
        return length / 20

    before = outcome(Simulation(design(**SMALL | first), tmp_path, straight).run().study)
    done = Simulation(design(**SMALL | then), tmp_path, straight).run(steps=300)
    assert done.plan.done and not done.plan.unended()
    assert {max(lengths) for lengths in tried(done).values()} == {longest}
    after = outcome(done.study)
    for trial_id, (*_, rows) in before.items():
        assert after[trial_id][-1][: len(rows)] == rows  # nothing is done again


def test_a_length_before_what_a_ladder_has_grown_to_is_refused(tmp_path: Path):
    done = Simulation(design(**SMALL), tmp_path, late).run()  # to 480
    lengths = SPACE.nuisance.lengths

    def given(*more: int) -> Design:
        return design(
            **SMALL,
            space=replace(SPACE, nuisance=replace(SPACE.nuisance, lengths=(*lengths, *more))),
        )

    for fine in ((), (180,), (180, 270, 480), (600,)):
        require_beyond(given(*fine), done.study)
    rule = r"^lengths = 240: .* images have grown to 480 .* leave 240 out, or give more than 480"
    with pytest.raises(ValueError, match=rule):
        require_beyond(given(240), done.study)
    require_beyond(given(240), StudyDir(tmp_path / "new"))
    # a study that was given it before that was refused ends all the same
    done = Simulation(given(240), tmp_path, late).run(steps=300)
    assert done.plan.done and not done.plan.unended()
    require_beyond(given(240), done.study)


def test_lengths_that_there_are_stay_and_others_follow_the_last():
    budget = Budget(growth=1.5, max_length=1000)
    assert list(growth.longer(100, budget, {60, 100, 130, 400})) == [130, 400, 600, 1000]
    whole = list(growth.longer(100, budget))
    assert all(list(growth.longer(100, budget, whole[:n])) == whole for n in range(len(whole)))
    assert list(growth.longer(100, Budget(), {130})) == []
    assert list(growth.longer(3, Budget(growth=1.1, max_length=6))) == [4, 5, 6]
