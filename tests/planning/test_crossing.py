"""Sizes are chosen where a lead may end, each in the middle of what is not known."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from study.commands import in_turn
from study.commands.common import DONE, FAILURE
from study.config import RunConfig
from study.config.arms import parse
from study.planning.crossing import MOST, NEAR, leads, next_size
from study.planning.design import Design
from study.planning.plan import Plan
from study.storage.run_dir import DifferentQuestion, StudyDir
from tests.simulated import SPACE, Simulation, design, open_study, outcome


@pytest.mark.parametrize(
    ("known", "size", "why"),
    [
        ({64: 10.0, 1024: 0.2}, 256, "leads by 10.0 AP at 64 images and by 0.2 AP at 1,024"),
        ({64: 10.0, 256: 4.0, 1024: 0.2}, 512, "4.0 AP at 256"),
        ({64: 10.0, 256: 0.4, 1024: 0.2}, 128, "by 0.4 AP at 256"),
        ({64: 10.0, 1024: 5.0}, None, "still leads by 5.0 AP at 1,024 images, the most"),
        ({64: 0.1, 1024: -3.0}, None, "no arm leads by more than"),
        ({64: 10.0, 90: 0.0}, None, "near enough"),
        ({16: 9.0, 64: 9.0, 200: 9.0, 800: 9.0, 9000: 0.0}, None, "5 sizes are the most"),
        ({64: 0.0, 256: 3.0, 1024: 0.0}, 512, "3.0 AP at 256"),  # after the last that has it
        ({}, None, "at no size are there confirm runs of two arms"),
        ({1: 10.0, 2: 0.0}, None, "near enough"),
    ],
)
def test_the_next_size_halves_what_is_not_known(
    known: dict[int, float], size: int | None, why: str
):
    found, said = next_size(known)
    assert found == size and why in said


@pytest.mark.parametrize(
    ("known", "others", "why"),
    [
        ({64: 10.0, 1024: 0.2}, [256], "by 10.0 AP at 64 images, and at 256 there is nothing"),
        ({64: 10.0}, [1024], "by 10.0 AP at 64 images, and at 1,024 there is nothing"),
        ({16: 9.0, 64: 9.0, 800: 0.0, 9000: 0.0}, [8], "5 sizes are the most"),
    ],
)
def test_where_there_is_nothing_to_compare_no_size_follows(
    known: dict[int, float], others: list[int], why: str
):
    found, said = next_size(known, others=others)
    assert found is None and why in said


def test_a_size_that_tells_nothing_is_not_asked_for_again(tmp_path: Path):
    def broken(run: RunConfig, length: int) -> float:
        """Nothing is learnt with 80 images, between the ends."""
        return 0.0 if run.size == 80 else falling(run, length)

    def begin(asked: Design) -> tuple[int, Plan]:
        return DONE, Simulation(asked, tmp_path, broken).run().plan

    said: list[str] = []
    assert in_turn.run(study_of((8, 800)), begin, said.append) == DONE
    assert [line.partition(":")[2][:12] for line in said] == [" 80 images c", " no further "]
    assert said[-1].endswith("and at 80 there is nothing to compare")


def falling(run: RunConfig, length: int) -> float:
    """A lead of 10 AP at 8 images that has ended at 100."""
    lead = 10 * max(0.0, 1 - math.log(run.size / 8) / math.log(100 / 8))
    return length / 10 + (lead if run.arm == "pretext" else 0.0)


def study_of(sizes: tuple[int, ...]) -> Design:
    space = replace(SPACE, scientific=replace(SPACE.scientific, sizes=sizes))
    return design(space=space, trials=2, confirm=2)


@pytest.mark.slow
def test_a_study_finds_its_sizes_and_is_the_one_that_had_them_from_the_start(tmp_path: Path):
    said: list[str] = []

    def begin(asked: Design, path: Path = tmp_path / "found") -> tuple[int, Plan]:
        return DONE, Simulation(asked, path, falling).run().plan

    asked = in_turn.first(study_of((8, 64, 800)), StudyDir(tmp_path / "found"))
    assert asked.space.scientific.sizes == (8, 800)
    assert in_turn.run(asked, begin, said.append) == DONE
    assert said[-1].startswith("sizes: no further one: an arm leads by")
    study = open_study(tmp_path / "found", study_of(sizes(said[:-1])))
    there = tuple(study.manifest["question"]["sizes"])
    assert len(there) <= MOST
    near = [(low, high) for low, high in pairwise(there) if low < 100 <= high]
    assert near and near[0][1] / near[0][0] < (800 / 8) ** 0.5
    assert (
        "80 images come next: an arm leads by 10.0 AP at 8 images and by 0.0 AP at 800" in said[0]
    )
    begin(study_of(there), tmp_path / "given")
    given = Simulation(study_of(there), tmp_path / "given", falling)
    assert outcome(study) == outcome(given.study)
    again: list[str] = []
    resumed = in_turn.first(study_of((8, 800)), study)
    assert resumed.space.scientific.sizes == there
    assert in_turn.run(resumed, begin, again.append) == DONE
    assert again == said[-1:]
    with pytest.raises(DifferentQuestion, match="sizes"):
        open_study(tmp_path / "found", study_of((8, 800)))  # it has more


def sizes(said: list[str]) -> tuple[int, ...]:
    """Both ends, and the sizes that were told."""
    told = [int(line.split()[1].replace(",", "")) for line in said]
    return tuple(sorted((8, 800, *told)))


def test_where_trials_failed_no_size_follows(tmp_path: Path):
    def begin(asked: Design) -> tuple[int, Plan]:
        return FAILURE, Simulation(asked, tmp_path, falling).plan

    said: list[str] = []
    assert in_turn.run(study_of((8, 800)), begin, said.append) == FAILURE
    assert not said


def test_leads_are_those_of_the_confirm_runs(tmp_path: Path):
    done = Simulation(study_of((8, 100)), tmp_path, falling).run()
    assert leads(done.plan) == pytest.approx({8: 10.0, 100: 0.0})
    assert NEAR > 1
    assert leads(Simulation(study_of((8, 100)), tmp_path / "new", falling).plan) == {}


def test_a_size_at_which_nothing_is_learnt_has_no_leader(tmp_path: Path):
    """Of noise about zero it is not said that a lead has ended."""

    def hardly(run: RunConfig, length: int) -> float:
        return 0.5 if run.size == 8 else falling(run, length)

    done = Simulation(study_of((8, 100)), tmp_path, hardly).run()
    assert list(leads(done.plan)) == [100]


def test_the_lead_is_that_of_the_best_other_arm_over_scratch(tmp_path: Path):
    """Whichever arm is named first."""
    ahead = {"scratch": 0.0, "pretext": 10.0, "imagenet": 4.0}
    asked = replace(study_of((8,)), arms=tuple(map(parse, ("imagenet", "scratch", "pretext"))))

    def objective(run: RunConfig, length: int) -> float:
        return length / 10 + ahead[run.arm]

    assert leads(Simulation(asked, tmp_path, objective).run().plan) == pytest.approx({8: 10.0})
