"""What a study has done and what it has left make one whole, at every moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.config import RunConfig
from study.planning.pricing.work import most, usual
from study.planning.standing.stints import Past, Pasts
from study.planning.standing.time_left import Stage, Work
from study.planning.standing.work_left import work_left
from tests.planning.standing.clocked import Clocked, Machine
from tests.planning.standing.test_news import steep
from tests.simulated import Objective, bowl, design


def wants_more(run: RunConfig, length: int) -> float:
    """Of the learning rate and of the length, so that every confirm run has the longest one."""
    return steep(run, length) + length / 100


STUDIES: list[tuple[dict[str, Any], Objective]] = [
    ({"audit": 1.0}, bowl),
    ({"growth": 1.5, "max_length": 180}, bowl),
    ({"extend": 1, "stopping": None, "confirm": 1}, wants_more),
]
Whole = tuple[int, float]  # trainings and images


def whole(study: Clocked, pasts: dict[str, Past], left: list[Work]) -> Whole:
    """With what is done; going on to a longer length is no training of its own."""
    ended = sum(bool(one.state and one.state.is_final) for one in study.plan.study.trials())
    signs = [stint.signs for past in pasts.values() for stint in past.stints]
    images = sum(one[-1].images - one[0].images for one in signs)
    number = sum(one.stage is not Stage.GROWING for one in left)
    return ended + number, images + sum(one.images for one in left)


@pytest.mark.parametrize(("changes", "objective"), STUDIES)
def test_the_rest_is_what_is_missing_of_the_whole(
    changes: dict[str, Any], objective: Objective, tmp_path: Path
):
    asked = design(trials=4, **changes)
    study = Clocked(asked, tmp_path, Machine(places=3), objective)
    seen: list[tuple[bool, Whole, Whole, Whole]] = []  # whether all ranges are decided

    def look(now: float) -> None:
        known = [trial_id for cell in asked.cells for trial_id in study.plan.states(cell)]
        pasts = Pasts(study.plan.trials.folder).of(known, study.running)
        undecided = any([study.plan.extensions_left(size) for size in (8, 16)])
        left, expected, bound = (
            whole(study, pasts, of(study.plan, pasts)) for of in (work_left, usual, most)
        )
        seen.append((not undecided, left, expected, bound))

    study.run(look, 20.0)
    look(study.now)
    _, *ends = seen[-1]
    assert ends[0] == ends[1] == ends[2]
    found = [one for one in seen if one[0]]
    assert len(found) > 8
    assert {left for _, left, _, _ in found} == {left for _, _, left, _ in found} == {ends[0]}
    assert all(bound[1] >= ends[0][1] for _, _, _, bound in seen)  # at most so many images
    for _, left, expected, bound in seen[: -len(found)]:  # ranges that may be extended
        assert left[0] < expected[0] < bound[0]
