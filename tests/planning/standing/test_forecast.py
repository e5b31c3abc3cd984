"""The time left is known from a quarter of a study on, and does not wander."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.planning.standing.forecast import Forecast
from study.planning.standing.stints import Pasts
from study.planning.standing.work_left import work_left
from tests.planning.standing.clocked import BEGIN, Clocked, Machine
from tests.simulated import design

TRUE = 0.25  # how far off it may be, as a share
TAIL = 0.95  # of the study; in the rest seconds count, not shares


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "machine"),
    [
        ({}, Machine()),
        ({"audit": 0.5}, Machine(places=3)),
        ({"stopping": None, "confirm": 1}, Machine(places=5, evaluation=20.0)),
        ({"confirm": 1}, Machine(places=1, start=30.0, noise=0.4)),
        ({"growth": 1.5, "max_length": 180}, Machine(places=3)),  # the ladder grows, once
    ],
)
def test_from_a_quarter_on_it_is_within_a_quarter(
    changes: dict[str, Any], machine: Machine, tmp_path: Path
):
    study = Clocked(design(trials=4, **changes), tmp_path, machine)
    forecast, said = Forecast(study.plan, BEGIN), []
    study.run(lambda now: said.append((now, forecast.seconds_left(study.running, now))), 15.0)
    whole = study.now - BEGIN
    later = [(now, left) for now, left in said if 0.25 <= (now - BEGIN) / whole <= TAIL]
    assert len(later) > 20
    for now, left in later:
        assert left == pytest.approx(study.now - now, rel=TRUE), (now - BEGIN) / whole
    assert forecast.seconds_left({}, study.now) == 0.0


@pytest.mark.slow
def test_nothing_is_said_before_a_trial_has_stepped(tmp_path: Path):
    study = Clocked(design(), tmp_path, Machine(start=100.0))
    forecast, said = Forecast(study.plan, BEGIN), []
    study.run(lambda now: said.append(forecast.seconds_left(study.running, now)), 90.0)
    assert said[0] is None and said[-1] is not None


def test_work_without_stops_is_known_to_the_iteration(tmp_path: Path):
    asked = design(trials=2, stopping=None)
    study = Clocked(asked, tmp_path, Machine())
    pasts, seen = Pasts(study.plan.trials.folder), []

    def look(now: float) -> None:
        known = [i for cell in asked.cells for i in study.plan.states(cell)]
        there = pasts.of(known, study.running)
        spent = sum(
            s.signs[-1].images - s.signs[0].images for p in there.values() for s in p.stints
        )
        seen.append((spent, sum(one.images for one in work_left(study.plan, there))))

    study.run(look, 60.0)
    longest = asked.schedule_at(8).lengths[-1] * asked.space.fixed.optim.batch_size
    whole = {spent + left for spent, left in seen}
    # confirm runs are taken to be the longest, until it is known which length they have
    assert max(whole) - min(whole) <= 4 * 2 * longest
    assert seen[-1][0] + seen[-1][1] == min(whole)
