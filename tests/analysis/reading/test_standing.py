"""How far a study is, as its page says it: the same as its terminal does."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

import analysis
from analysis.reading.standing import Standing, standing
from study.planning.standing import parts as planned
from tests.simulated import Simulation, design


@pytest.mark.parametrize("changes", [{}, {"audit": 0.5}, {"confirm": 0}, {"within": 2.0}])
def test_it_is_as_far_as_the_plan_says(changes: dict[str, float], tmp_path: Path):
    asked = design(trials=3, **changes)
    study = Simulation(asked, tmp_path)
    manifest = study.study.manifest | {"budget": asdict(asked.budget)}
    study.study.open(manifest)
    while not study.plan.done:
        study.run(steps=9)
        here = standing(analysis.load(tmp_path), str(tmp_path))
        there = planned.standing(study.plan)
        assert (here.ended, here.total) == (there.ended, there.total)
        assert here.is_complete == (there.ended == there.total)


def test_the_page_says_it_until_the_study_is_complete():
    noon = datetime(2026, 11, 25, 12, 5, tzinfo=UTC)
    clock = noon.astimezone()
    said = Standing(3, 12, is_complete=False, is_silent=False).told_at(noon)
    assert said == f"As of {clock:%H:%M %Z}, 3 of 12 trainings ended."
    begun = Standing(0, 12, is_complete=False, is_silent=False).told_at(noon)
    assert begun == f"As of {clock:%H:%M %Z}, 0 of 12 trainings ended."
    silent = Standing(0, 12, is_complete=False, is_silent=True).told_at(noon)
    assert silent == f"{begun} Nothing is recorded yet."
    assert Standing(12, 12, is_complete=True, is_silent=False).told_at(noon) == ""
