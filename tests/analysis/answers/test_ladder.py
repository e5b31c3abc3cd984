"""The ladder says how far it went and why no further, by the sweep's own rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import analysis
from analysis.answers.ladder import told
from analysis.reading.frames import rows
from analysis.report.flags import flags
from study.config import Budget
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import Truth, begin, run_of, write_trial

QUICK = Truth(slowness={"scratch": 60.0, "pretext": 60.0}, noise=0.0)  # done after 400
SLOW = Truth(slowness={"scratch": 330.0, "pretext": 60.0}, noise=0.0)  # scratch is not, at 600


def longest_is_given(row: dict[str, Any]) -> bool:
    return row["longest"] == row["given"]


@pytest.mark.parametrize(
    ("truth", "budget", "lengths", "end", "words"),
    [
        (QUICK, {"growth": 1.5}, (), "settled", "400 iterations are enough: no arm gains more"),
        (SLOW, {}, (), "fixed", None),
        (SLOW, {"growth": 1.5}, (), "open", None),
        (
            *(SLOW, {"growth": 1.5, "max_length": 600}, (600,), "limit"),
            "the longest training was raised from 400 to 600 iterations: scratch still gained at"
            " the longest that was allowed",
        ),
        (
            *(SLOW, {"growth": 1.5}, (600, 900, 1350), "settled"),
            "raised from 400 to 1,350 iterations: no arm gains more than 1 AP from the longest",
        ),
    ],
)
def test_it_says_why_the_ladder_ended(
    truth: Truth,
    budget: dict[str, Any],
    lengths: tuple[int, ...],
    end: str,
    words: str | None,
    tmp_path: Path,
):
    spend = Budget(trials=1, confirm=0, cross=0, audit=0.0, extend=0, **budget)
    study = begin(tmp_path, ONE_SIZE, budget=spend)
    for arm in ("scratch", "pretext"):
        run = run_of(ONE_SIZE, arm, 64, 0, 0.03)
        ladder = replace(run.schedule, lengths=(*run.schedule.lengths, *lengths))
        write_trial(study, replace(run, schedule=ladder), truth, rng=rng())
    results = analysis.load(tmp_path)
    table = analysis.ladder(results)
    (row,) = rows(table)
    assert (row["end"], row["given"], row["longest"]) == (end, 400, (400, *lengths)[-1])
    assert row["gaining"] == ("" if end == "settled" else "scratch")
    if words and longest_is_given(row):
        assert told(table) == [
            "with 64 images, only 1 trial of an arm: not enough to say whether 400 iterations are"
            " enough"
        ]
    said = told(table.assign(trials=3))
    assert not said if words is None else words in said[0]
    other = table.assign(size=16, trials=7)  # has more trials, which make no difference
    assert len(told(pd.concat([table.assign(trials=3), other]))) == len(said)
    raised = {row["arm"] for row in rows(flags(results)) if row["kind"] == "edge"}
    longest = {row["arm"] for row in rows(analysis.best(results)) if row["length_edge"] == "high"}
    assert raised == (set() if end == "settled" else longest)


def test_where_no_longer_one_is_allowed_none_is_said_to_follow(tmp_path: Path):
    """450 is longer than 400, and no step of the ladder: it would gain nothing."""
    spend = Budget(trials=1, confirm=0, cross=0, audit=0.0, extend=0, growth=1.5, max_length=450)
    study = begin(tmp_path, ONE_SIZE, budget=spend)
    for arm in ("scratch", "pretext"):
        write_trial(study, run_of(ONE_SIZE, arm, 64, 0, 0.03), SLOW, rng=rng())
    results = analysis.load(tmp_path)
    (row,) = rows(analysis.ladder(results))
    assert (row["end"], row["longest"], row["most"]) == ("limit", 400, 450)
    raised = [row["message"] for row in rows(flags(results)) if row["kind"] == "edge"]
    assert raised and all("--max-length allows it" in text for text in raised)


def test_lengths_of_a_cascade_whose_stages_join_late_are_not_said_to_follow(tmp_path: Path):
    fixed = ONE_SIZE.fixed
    staged = replace(
        fixed,
        model=replace(fixed.model, cascade=(0.5, 0.6)),
        schedule=replace(fixed.schedule, lengths=(400,), watch=(), cascade_last=20),
    )
    one_length = replace(ONE_SIZE.nuisance, lengths=(400,))
    space = replace(ONE_SIZE, nuisance=one_length, fixed=staged)
    spend = Budget(trials=1, confirm=0, cross=0, audit=0.0, extend=0, growth=1.5)
    study = begin(tmp_path, space, budget=spend)
    for arm in ("scratch", "pretext"):
        write_trial(study, run_of(space, arm, 64, 0, 0.03), SLOW, rng=rng())
    results = analysis.load(tmp_path)
    (row,) = rows(analysis.ladder(results))
    assert (row["end"], row["most"], told(analysis.ladder(results))) == ("staged", 400, [])
