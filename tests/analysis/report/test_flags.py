"""A flag is raised when it should be, and only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.reading.frames import rows, where
from analysis.report.flags import flags, lines
from study.config import Budget, Scientific, SearchSpace
from study.storage.run_dir import State, StudyDir
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import INCOMPLETE, ONE_SIZE, queued, rng
from tests.analysis.synthetic import SPACE, Truth, audit, begin, in_strip, run_of, write_trial

# settings in the middle are best: 0.02, 3e-4 and 200 iterations
SOUND = Truth(best_lr=0.02, overfit=400.0, noise=0.1)


def sound(path: Path, space: SearchSpace = ONE_SIZE) -> StudyDir:
    """A study in which nothing is wrong."""
    study = begin(path, space, trials=3, confirm=2)
    for size in space.scientific.sizes:
        for arm in space.scientific.arms:
            for index, lr in enumerate((0.012, 0.02, 0.035)):
                run = run_of(space, arm, size, index, lr)
                write_trial(study, run, SOUND, index=index, rng=rng())
            run = run_of(space, arm, size, 1, 0.02)
            length = replace(run.schedule, lengths=(200,))
            for repeat in range(2):
                one = replace(run, seed=1000 + repeat, draw=1 + repeat, split="report")
                one = replace(one, schedule=length, trial_id=f"{arm}-{size}-c{repeat}")
                write_trial(study, one, SOUND, role="confirm", index=repeat, rng=rng())
    return study


def kinds(path: Path) -> list[tuple[str, str | None]]:
    found = rows(flags(analysis.load(path)))
    return [(row["kind"], row["arm"] if isinstance(row["arm"], str) else None) for row in found]


def without(name: str) -> Callable[[StudyDir], None]:
    def forget(study: StudyDir) -> None:
        folder = study.trial(name).path
        for file in folder.iterdir():
            file.unlink()

    return forget


def marked(name: str, state: State) -> Callable[[StudyDir], None]:
    return lambda study: study.trial(name).mark(state)


def asked(trials: int) -> Callable[[StudyDir], None]:
    def ask(study: StudyDir) -> None:
        study.open(study.manifest | {"budget": {"trials": trials, "confirm": 2}})

    return ask


def better_at(length: int) -> Callable[[StudyDir], None]:
    def change(study: StudyDir) -> None:
        trial = study.trial("pretext-64-t001")
        records = trial.records()
        trial.store.remove("records.jsonl")
        for record in records:
            trial.append(record | ({"AP_box": 90.0} if record["length"] == length else {}))

    return change


def another_trial(study: StudyDir) -> None:
    run = run_of(ONE_SIZE, "pretext", 64, 3, lr=0.015)
    write_trial(study, run, SOUND, index=3, rng=rng())


def test_a_sound_study_raises_none(tmp_path: Path):
    sound(tmp_path)
    assert kinds(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "raised"),
    [
        (marked("scratch-64-t000", State.RUNNING), [("unfinished", None)]),
        (marked("scratch-64-t000", State.PREEMPTED), [("unfinished", None)]),
        (asked(4), [("unfinished", None)]),
        (another_trial, [("uneven", None)]),
        (without("pretext-64-c1"), [("unconfirmed", "pretext")]),
        (marked("scratch-64-t000", State.STOPPED), []),
        (marked("scratch-64-t000", State.DIVERGED), [("diverged", "scratch")]),
        (marked("pretext-64-t002", State.FAILED), [("failed", "pretext")]),
        (marked("pretext-64-c0", State.FAILED), [("failed", "pretext")]),
        (better_at(400), [("unconfirmed", "pretext"), ("edge", "pretext")]),
        (better_at(100), [("unconfirmed", "pretext"), ("edge", "pretext")]),
        (better_at(200), []),
    ],
)
def test_each_flag_follows_from_its_cause_alone(
    change: Callable[[StudyDir], None], raised: list[tuple[str, str | None]], tmp_path: Path
):
    change(sound(tmp_path))
    assert kinds(tmp_path) == raised


def test_rates_at_the_edge_are_named_with_their_end(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE, trials=1)
    run = run_of(ONE_SIZE, "scratch", 64, lr=0.1, decay=1e-5)
    write_trial(study, run, replace(SOUND, too_fast=1.0), rng=rng())
    edges = where(flags(analysis.load(tmp_path)), kind="edge")["message"].tolist()
    assert [("learning rate" in text, "upper" in text) for text in edges] == [
        (True, True),
        (False, False),
    ]


BEYOND = {"name": "lr", "side": "high", "truth": SOUND}


@pytest.mark.parametrize(
    ("extend", "strip", "then"),
    [
        (0, {}, ": widen it, or run again without --extend never"),
        (1, {}, ": the same command will extend it"),
        (1, BEYOND, ", though that was extended: widen it, or allow one more extension"),
        (1, BEYOND | {"name": "weight_decay"}, ": widen it, or allow one more extension"),
    ],
)
def test_an_edge_says_whether_its_range_was_extended(
    extend: int, strip: dict[str, Any], then: str, tmp_path: Path
):
    study = begin(tmp_path, ONE_SIZE, budget=Budget(trials=1, extend=extend))
    far = replace(SOUND, best_lr=0.2, too_fast=9.0)
    end = 0.44 if strip.get("name") == "lr" else 0.1
    write_trial(study, run_of(ONE_SIZE, "scratch", 64, lr=end), far, rng=rng())
    if strip:
        in_strip(study, ONE_SIZE, "scratch", 64, **strip, rng=rng())
    found = where(flags(analysis.load(tmp_path)), kind="edge")["message"].tolist()
    rate = [text for text in found if "learning rate" in text]
    assert [
        text.startswith(f"the best learning rate is near the upper end of its range{then}")
        for text in rate
    ] == [True]
    study.complete()
    found = where(flags(analysis.load(tmp_path)), kind="edge")["message"].tolist()
    assert not any("the same command" in text for text in found)


def test_trials_in_strips_do_not_make_up_for_missing_ones(tmp_path: Path):
    study = sound(tmp_path)
    for arm in ("scratch", "pretext"):
        in_strip(study, ONE_SIZE, arm, 64, truth=replace(SOUND, too_fast=9.0), rng=rng())
    assert kinds(tmp_path) == []
    asked(5)(study)
    (message,) = where(flags(analysis.load(tmp_path)), kind="unfinished")["message"]
    assert message.endswith("so far 3 for scratch and 3 for pretext")


def test_an_audit_that_beats_the_chosen_trial_is_said(tmp_path: Path):
    study = sound(tmp_path)
    run = run_of(ONE_SIZE, "scratch", 64, 3, lr=0.02)
    study.open(study.manifest | {"budget": {"trials": 3}})
    without("scratch-64-t000")(study)
    write_trial(study, replace(run, trial_id="scratch-64-t000"), SOUND, stop=1, rng=rng())
    better = replace(SOUND, peak={"scratch": {64: 40.0}})
    audit(study, replace(run, trial_id="scratch-64-t000"), better, rng=rng())
    (row,) = rows(where(flags(analysis.load(tmp_path)), kind="stopping"))
    assert row["arm"] == "scratch"
    assert "1 of 1 stopped trial that was continued ended above" in row["message"]
    assert row["message"].endswith("--stopping none or --halving.earliest above 0 would lose less")


def test_the_longest_length_is_that_of_its_size(tmp_path: Path):
    nuisance = replace(SPACE.nuisance, longer={256: (200, 400, 800)})
    scientific = Scientific(arms=("scratch",), sizes=(64, 256))
    space = replace(SPACE, scientific=scientific, nuisance=nuisance)
    study = begin(tmp_path, space, trials=1)
    for size in (64, 256):
        write_trial(
            study, run_of(space, "scratch", size), replace(SOUND, overfit=2000.0), rng=rng()
        )
    results = analysis.load(tmp_path)
    assert analysis.best(results)["length"].tolist() == [400, 400]
    assert where(flags(results), kind="edge")["size"].tolist() == [64]


def test_scores_of_zero_are_said_and_have_no_edge(incomplete: Incomplete):
    assert set(flags(incomplete("all zero"))["kind"]) == {"zero"}


def test_a_flag_of_several_places_is_one_line(tmp_path: Path):
    study = sound(tmp_path, replace(SPACE, scientific=Scientific(sizes=(24, 256))))
    assert lines(flags(analysis.load(tmp_path))) == []
    for name in ("scratch-24-t000", "pretext-24-t001", "scratch-256-t002"):
        study.trial(name).mark(State.DIVERGED)
    assert lines(flags(analysis.load(tmp_path))) == [
        "24 images, scratch and pretext; 256 images, scratch: 1 of 3 trials diverged"
    ]


def test_lines_without_a_place_stand_alone(tmp_path: Path):
    queued(tmp_path)
    assert "1 of 1 trial still running or to be resumed" in lines(flags(analysis.load(tmp_path)))


@pytest.mark.parametrize("study", INCOMPLETE)
def test_incomplete_studies_say_so(study: str, incomplete: Incomplete):
    raised = set(flags(incomplete(study))["kind"])
    uninteresting = {"bare", "one arm", "no masks", "all zero", "four arms"}
    assert bool(raised & {"unfinished", "unconfirmed"}) == (study not in uninteresting)
