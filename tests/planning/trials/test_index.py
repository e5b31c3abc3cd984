"""What the plan keeps of the run directory's trials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.config import RunConfig, from_dict
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
