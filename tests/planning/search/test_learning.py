"""What a search that learns is told by the plan, and what it costs one that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.planning.search.search import Search
from study.planning.trials.index import TrialIndex
from tests.simulated import Simulation, design


@pytest.mark.slow
@pytest.mark.parametrize(
    "search",
    [Search(first="tpe", then=None), Search(first="sobol", then="tpe", paired=2)],
    ids=lambda search: search.label,
)
def test_each_point_follows_from_all_that_was_recorded_before(search: Search, tmp_path: Path):
    asked = design(search=search, trials=6)
    done = Simulation(asked, tmp_path, concurrent=1).run()
    for cell in asked.cells:
        tried = done.plan.tuning_trials(cell)
        nuisance, seen = asked.space.nuisance.at(cell.size), [one.outcome() for one in tried]
        learns = False
        for index, one in enumerate(tried):
            again = search.propose(nuisance, index, 6, asked.seed, seen[:index])
            assert again.values == one.values
            learns = search.propose(nuisance, index, 6, asked.seed, []).values != one.values
            assert search.learns_at(index) or not learns
        assert learns  # of the last


def test_who_learns_nothing_reads_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = design(trials=6)
    plan = Simulation(asked, tmp_path, concurrent=100).plan

    def read(*_: Any) -> None:
        raise AssertionError("a trial was read")

    active: set[str] = set()
    with monkeypatch.context() as patch:
        patch.setattr(TrialIndex, "tuning_trial", read)
        for _ in range(6 * len(asked.cells)):
            trial_id, _ = plan.next(active) or ("", {})
            active.add(trial_id)
    assert len(active) == 24 and "" not in active
