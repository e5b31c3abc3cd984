"""What the plan keeps of the run directory's trials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.config import RunConfig, from_dict
from study.storage.run_dir import State
from tests.simulated import SPACE, Simulation, design

PHOTOS = replace(SPACE.fixed.data, name="photos", folder="photos")
OURS = replace(SPACE, fixed=replace(SPACE.fixed, data=PHOTOS))
NOW: list[dict[str, Any]] = [
    {"threads": 3},
    {"device": "cpu"},
    {"checkpoint_every": 7},
    {"at_once": 2},  # the remedy where memory ran out
    {"data": replace(PHOTOS, folder="elsewhere")},
]


@pytest.mark.parametrize("now", NOW, ids=lambda now: "".join(now))
def test_a_trial_that_goes_on_learns_where_and_how_it_runs_now(
    now: dict[str, Any], tmp_path: Path
):
    begun = Simulation(design(space=OURS), tmp_path)
    trial_id, config = begun.plan.next(set()) or ("", {})
    was = from_dict(RunConfig, config["run"])
    asked = design(space=replace(OURS, fixed=replace(OURS.fixed, **now)))
    assert asked.question(data={}) == begun.plan.design.question(data={})
    told = begun.plan.trials.refresh(trial_id, asked)
    assert from_dict(RunConfig, told["run"]) == replace(was, **now) != was
    assert begun.study.trial(trial_id).config() == told


def test_a_glance_reads_a_trial_once_and_what_is_asked_after_it_is_news(tmp_path: Path):
    begun = Simulation(design(space=OURS), tmp_path)
    trial_id, _ = begun.plan.next(set()) or ("", {})
    trials, folder = begun.plan.trials, begun.study.trial(trial_id)
    with trials.glance():
        assert trials.tuning_trial(trial_id).state is None
        folder.mark(State.RUNNING)
        assert trials.tuning_trial(trial_id).state is None
    assert trials.tuning_trial(trial_id).state is State.RUNNING
    with trials.glance():
        assert trials.tuning_trial(trial_id).state is State.RUNNING


def test_a_trial_is_stopped_by_what_its_files_say_and_not_by_a_glance(tmp_path: Path):
    begun = Simulation(design(space=OURS), tmp_path)
    begun.run(steps=1)
    trials = begun.plan.trials
    (tried,) = [one for cell in trials.of for one in trials.tuning(cell) if one.records][:1]
    length = tried.records[0]["length"]
    with trials.glance():
        trials.tuning_trial(tried.trial_id)
        trials.stop(tried, length)
        assert begun.study.trial(tried.trial_id).state is State.STOPPED
