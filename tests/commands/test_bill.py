"""What the bill says, in words: trainings, time, money, and what the study can tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study import sweep
from study.commands import machine
from study.commands.bill import bill_lines, left_lines, plan_lines, price_lines, rate
from study.commands.common import BAD_INPUT, DONE
from study.planning.plan import Plan
from study.planning.pricing.bill import bill
from study.planning.pricing.price import Pace, Price, price
from study.planning.standing.time_left import Stage
from study.training.speed import Speed
from tests.simulated import Simulation, design, open_study

STAGES = dict.fromkeys(Stage, 0) | {Stage.TUNING: 22, Stage.CONFIRMING: 8}
PRICE = Price(STAGES, 30, 40_000.0, 70_000.0, longest=240.0, expected=2400.0, most=4200.0)
SPEED = Speed(10.0, 10**9, 4, 4, 2.0, 3.0, 4.0, 12, 16)
TINY = str(Path(__file__).parents[1] / "cluster" / "tiny.py")


def test_time_and_money_in_a_sentence():
    assert price_lines(PRICE, 2, rate("2.5 EUR")) == [
        "time        30 trainings of at most 4 min, two at a time: about 40 min, at most 70 min",
        "price       about 1.67 EUR, at most 2.92 EUR: 2.5 EUR an hour of this machine",
    ]
    assert price_lines(replace(PRICE, trainings=1), 8)[0].startswith("time        1 training of")
    assert "8 at a time" in price_lines(PRICE, 8)[0]


@pytest.mark.parametrize(
    ("text", "said"), [("2.5", "2.50"), ("3EUR", "3.00 EUR"), (".5 US dollars", "0.50 US dollars")]
)
def test_a_price_is_a_number_with_or_without_a_currency(text: str, said: str):
    found = rate(text)
    assert found and found.of(3600.0) == said


@pytest.mark.parametrize(
    "text", ["EUR", "2,5", "-1", "1 2", "", "1e-1", "2.5e1", "2'500 CHF", "2:50"]
)
def test_another_price_is_refused(text: str):
    with pytest.raises(ValueError, match=r"price_per_hour = '.*': a number, with a currency"):
        rate(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stopping": None}, None),
        ({}, "if no trial stops early;"),
        ({"extend": 1}, "if every range is extended and no trial stops early"),
        ({"extend": 1, "stopping": None}, "if every range is extended"),
        (
            {"extend": 1, "growth": 1.5},
            "if every range is extended, lengths grow as far as they may and no trial stops early",
        ),
    ],
)
def test_at_most_says_what_must_happen_and_nothing_that_cannot(
    changes: dict[str, Any], said: str | None
):
    asked = design(**changes)
    line = bill_lines(bill(asked), asked)[1]
    assert line.startswith("iterations  ")
    assert said in line if said else " if no" not in line
    assert ("extended" in line) == ("extend" in changes)


def test_the_plan_says_what_is_compared_and_what_will_stay_open():
    compares, tells, cheaper = plan_lines(design(confirm=2), 40)
    assert compares == (
        "compares    scratch and pretext at 8, 16 training images, on 40 report images, each with"
        " its best setting"
    )
    assert "with 2 confirm runs, differences under about 5 AP will stay open" in tells
    assert "with --confirm 4" in tells
    assert "on other images than these 40 each difference may be 6 AP larger or smaller" in tells
    assert "--sizes" in cheaper and "--trials" in cheaper
    within = plan_lines(design(within=2.0, confirm=2), 40)[1]
    assert within.startswith("tells       differences to within 2 AP, with about ")
    assert "one confirm run has no interval" in plan_lines(design(confirm=1), 40)[1]
    assert "no confirm runs" in plan_lines(design(confirm=0), 40)[1]
    alone = design()
    assert plan_lines(replace(alone, arms=alone.arms[:1]), 40)[0].startswith("compares    nothing")


def test_of_a_study_that_has_begun_what_is_left_is_billed(tmp_path: Path):
    asked, pace = design(confirm=1), Pace(0.1, 1.0, 1.0, 1.0)
    done = Simulation(asked, tmp_path).run()
    more = design(confirm=2)
    left = price(Plan(more, open_study(tmp_path, more)), pace, 2)
    assert left_lines(left)[0] == "left        4 trainings: 4 to confirm"
    nothing = price(Plan(asked, done.study), pace, 2)
    assert price_lines(nothing, 2) == []
    assert left_lines(nothing) == ["left        nothing: every training of the study has ended"]


def test_a_dry_run_prices_the_study_and_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(machine, "worker_speed", lambda *args: SPEED)
    place = tmp_path / "run"
    command = [TINY, "--run-dir", str(place), "--max-concurrent", "1"]
    assert sweep.main([*command, "--dry-run", "--price-per-hour", "36 EUR"]) == DONE
    said = capsys.readouterr().out
    for words in (
        "compares    scratch and pretext at 12 training images, on 6 report images",
        "12 trainings of at most ",
        ", one at a time: about ",
        " EUR: 36 EUR an hour of this machine",
        "measured here: 10.0 images/s a worker, 3.0 s to evaluate 12 images to tune on",
    ):
        assert words in said
    assert "extended" not in said  # the space extends no range
    assert not place.exists()
    assert sweep.main([*command, "--price-per-hour", "2"]) == BAD_INPUT
    assert "--price-per-hour: is for the bill; add --dry-run" in capsys.readouterr().err
