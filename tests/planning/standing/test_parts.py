"""How far a study is, told while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.planning.standing.parts import PARTS, standing
from tests.simulated import Simulation, design


@pytest.mark.parametrize("changes", [{}, {"audit": 0.5}, {"confirm": 0}])
def test_what_has_ended_only_grows_up_to_the_total(changes: dict[str, float], tmp_path: Path):
    study = Simulation(design(trials=4, **changes), tmp_path)
    seen = [standing(study.plan)]
    assert (seen[0].part, seen[0].ended) == (0, 0)
    assert seen[0].told.startswith("tuning (part 1 of ")
    while not study.plan.done:
        study.run(steps=7)
        seen.append(standing(study.plan))
    ended = [one.ended for one in seen]
    assert ended == sorted(ended)
    assert all(one.ended <= one.total for one in seen)
    last = seen[-1]
    assert last.ended == last.total == len(study.study.trials())
    assert last.part == len(PARTS) and last.told == f"{last.total} of {last.total} trainings ended"
    parts = [one.part for one in seen]
    assert max(part for part in parts if part < len(PARTS)) < last.parts
    if not changes:
        assert {0, 1} <= set(parts)
        assert last.total == 4 * (4 + 2)  # arms at sizes, trials and confirm runs
