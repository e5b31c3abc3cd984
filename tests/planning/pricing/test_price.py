"""The price that is said holds, on studies with a made-up clock, from the beginning and later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.planning.plan import Plan
from study.planning.pricing.bill import bill
from study.planning.pricing.price import Pace, price
from study.planning.pricing.work import most, usual
from study.planning.standing.time_left import Stage
from tests.planning.standing.clocked import BEGIN, Clocked, Machine
from tests.simulated import SPACE, Simulation, design, open_study

TRUE = 0.25  # how far off the price may be, as a share


def pace(machine: Machine) -> Pace:
    evaluation, start = machine.evaluation, machine.start + machine.first
    return Pace(machine.image, evaluation, evaluation, start, begin=3.0)


LONGER = replace(SPACE, nuisance=replace(SPACE.nuisance, longer={16: (120, 240, 480)}))
STUDIES: list[tuple[dict[str, Any], Machine]] = [
    ({}, Machine()),
    ({"audit": 0.5}, Machine(places=3)),
    ({"stopping": None, "confirm": 1}, Machine(places=5, evaluation=20.0)),
    ({"confirm": 1}, Machine(places=1, start=30.0, noise=0.4)),
    ({"growth": 1.5, "max_length": 180}, Machine(places=2)),
    ({"extend": 1}, Machine(places=2)),
]


@pytest.mark.parametrize(("changes", "machine"), STUDIES)
def test_a_study_takes_what_was_said(changes: dict[str, Any], machine: Machine, tmp_path: Path):
    study = Clocked(design(trials=4, **changes), tmp_path, machine)
    said = price(study.plan, pace(machine), machine.places)
    study.run(lambda now: None, 1e9)
    took = study.now - BEGIN
    assert said.expected == pytest.approx(took, rel=TRUE)
    assert took < 1.02 * said.most  # steps take now more, now less
    assert said.trainings == pytest.approx(len(study.plan.study.trials()), abs=4)
    left = price(Plan(study.plan.design, study.plan.study), pace(machine), machine.places)
    assert left.done and left.expected == left.most == left.longest == 0.0


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stopping": None},
        {"growth": 1.5},
        {"extend": 1, "trials": 8},
        {"within": 3.0, "cross": 1},
        {"within": 1.0, "cross": 1, "space": LONGER},
        {"audit": 1.0},
    ],
)
def test_the_price_is_of_what_the_bill_counts(changes: dict[str, Any], tmp_path: Path):
    asked = design(**changes)
    cost, plan = bill(asked), Plan(asked, open_study(tmp_path, asked))
    assert sum(one.images for one in usual(plan, {})) == pytest.approx(cost.expected_images)
    assert sum(one.images for one in most(plan, {})) == pytest.approx(cost.most_images)
    said = price(plan, pace(Machine()), 2)
    assert said.stages[Stage.TUNING] == cost.tuning_trials
    assert said.stages[Stage.EXTENDING] == cost.extra_trials
    assert said.stages[Stage.CONFIRMING] == cost.confirm_runs


def test_each_confirm_run_is_as_long_as_its_size_asks_for(tmp_path: Path):
    asked = design(within=1.0, cross=1, space=LONGER)
    found = usual(Plan(asked, open_study(tmp_path, asked)), {})
    runs = [(one.size, one.images) for one in found if one.stage is Stage.CONFIRMING]
    assert set(runs) == {(8, 120 * 4), (16, 480 * 4)}
    assert len(runs) > len(asked.cells) * asked.confirm_runs  # also of those that may follow


def test_of_a_study_that_has_begun_the_rest_is_said(tmp_path: Path):
    asked, machine = design(), Machine()
    whole = price(Plan(asked, open_study(tmp_path, asked)), pace(machine), 2)
    for steps in (10, 20):
        Simulation(asked, tmp_path).run(steps=steps)
        left = price(Plan(asked, open_study(tmp_path, asked)), pace(machine), 2)
        assert left.trainings < whole.trainings
        assert left.expected < whole.expected and left.most < whole.most
        whole = left


def test_a_range_that_was_not_extended_costs_nothing_more(tmp_path: Path):
    asked = design(extend=1, confirm=0)
    done = Simulation(asked, tmp_path, lambda run, length: 30.0 - abs(run.optim.lr - 0.01)).run()
    assert price(Plan(asked, done.study), pace(Machine()), 2).done


def test_places_that_stay_empty_cost_time_all_the_same(tmp_path: Path):
    asked = design(trials=1, confirm=1, stopping=None)
    plan = Plan(asked, open_study(tmp_path, asked))
    machine = pace(Machine())
    said = [price(plan, machine, places).expected for places in (1, 2, 4, 100)]
    assert said[0] > said[1] > said[2] == said[3]
    confirm = machine.start + machine.tuning_evaluation + 120 * 4 * machine.image
    tuning = machine.start + 3 * machine.tuning_evaluation + 4 * machine.image * (120 + 2 * 40)
    assert said[3] == pytest.approx(machine.begin + tuning + confirm)


def test_confirm_runs_are_evaluated_on_the_report_split(tmp_path: Path):
    asked = design()
    plan = Plan(asked, open_study(tmp_path, asked))
    small, large = Pace(0.1, 1.0, 1.0, 1.0), Pace(0.1, 1.0, 100.0, 1.0)
    assert price(plan, large, 1).expected - price(plan, small, 1).expected == pytest.approx(8 * 99)
