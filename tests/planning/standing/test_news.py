"""What a study decides is told by the plan that decides it, with its reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.config import LogUniform, RunConfig
from study.planning.ladder.growing import Lengthening
from study.planning.plan import Plan
from study.planning.search.range_extension import Extension, Strip
from study.planning.standing import news
from study.planning.stopping import Wait
from study.storage.run_dir import State
from tests.simulated import Simulation, bowl, design


def steep(run: RunConfig, length: int) -> float:
    """The arm pretext wants higher learning rates than there are, the other arm does not."""
    return 1000 * run.optim.lr if run.arm == "pretext" else bowl(run, length)


def test_a_trial_that_is_set_aside_says_for_whom_it_waits(tmp_path: Path):
    asked = design(trials=4)
    study = Simulation(asked, tmp_path, concurrent=2)
    rungs = {size: asked.rungs_at(size) for size in (8, 16)}
    seen: set[str] = set()
    while not study.plan.done:
        study.run(steps=1)
        for trial in study.study.trials():
            wait = study.plan.wait(trial.id)
            if wait is None:
                continue
            seen.add(trial.id)
            assert trial.state is State.RUNNING and trial.config()["role"] == "tune"
            there = rungs[trial.config()["run"]["size"]]
            assert there and wait.length in there.places(4)
            assert there.value(trial.records(), wait.length) is not None
            assert 1 <= wait.come < wait.number <= 4
    assert seen
    assert not any(study.plan.wait(trial.id) for trial in study.study.trials())


def test_an_extension_names_who_asked_for_it_and_is_told_once(tmp_path: Path):
    asked = design(trials=8, extend=1, stopping=None)
    study = Simulation(asked, tmp_path, objective=steep)
    while not study.plan.extensions:
        study.run(steps=1)
    given = LogUniform(low=0.001, high=0.1)
    high = [one for one in study.plan.extensions if one.strip == Strip("lr", "high", 1)]
    assert high and len(high) == len({one.size for one in high})
    for one in high:
        assert one.arms == ("pretext",)
        assert (one.before, one.after) == (given, LogUniform(low=0.001, high=1.0))
    size = study.plan.extensions[0].size
    while not any(f"-{size}-lr-high1-0" in trial.id for trial in study.study.trials()):
        study.run(steps=1)
    again = Plan(asked, study.study)
    again.next(set())
    assert size not in {one.size for one in again.extensions}
    study.run()  # both sizes ask for it in the end: nothing that was told is taken back
    assert {one.size for one in study.plan.extensions} == {8, 16}


@pytest.mark.parametrize(("come", "words"), [(1, "1 of the 4 trials"), (3, "3 of the 4 trials")])
def test_the_words_of_a_wait(come: int, words: str):
    said = news.waits("scratch-8-t000", Wait(length=60, come=come, number=4))
    assert said.startswith("scratch-8-t000 waits at length 60: ") and words in said
    assert ("has come" in said) == (come == 1)


def test_the_words_of_an_extension():
    limits = LogUniform(low=0.01, high=0.06), LogUniform(low=0.01, high=0.147)
    one = Extension(32, Strip("lr", "high", 1), ("imagenet", "own"), *limits)
    assert news.extends(one, trials=1) == (
        "lr at 32 images: the best of imagenet and own lies at the upper end of 0.01 to 0.06;"
        " extended to 0.01 to 0.147, with 1 more trial of every arm there"
    )
    low = Extension(32, Strip("weight_decay", "low", 1), ("own",), *reversed(limits))
    said = news.extends(low, trials=2)
    assert said.startswith("weight decay at 32 images") and "lower end" in said
    assert "2 more trials of every arm" in said


def test_a_longer_length_names_the_arms_that_gain_and_is_told_once(tmp_path: Path):
    asked = design(trials=4, growth=1.5, stopping=None)
    study = Simulation(asked, tmp_path, objective=bowl)
    while not study.plan.lengthened:
        study.run(steps=1)
    told = study.plan.lengthened[0]
    assert (told.before, told.after, told.trials) == (120, 180, 4)
    assert told.arms and set(told.arms) <= {"scratch", "pretext"}
    longer = {t.id for t in study.study.trials() if "180" in str(t.config()["run"]["schedule"])}
    assert len(longer) == told.trials
    again = Plan(asked, study.study)
    again.next(set())
    assert told.size not in {one.size for one in again.lengthened}
    said = news.lengthens(told)
    assert said.startswith(f"lengths at {told.size} images: ") and "from the longest, 120" in said
    assert said.endswith("4 trials go on to 180")
    assert "it was asked for; 1 trial goes on to 180" in news.lengthens(
        Lengthening(8, 120, 180, (), 1)
    )
