"""An arm has learnt if it beats the chance level, and its training was not far too short."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.answers.learnt import spoken, told
from analysis.reading.frames import frame, rows, values, where
from study.config import Budget
from study.storage.run_dir import State
from tests.analysis.incomplete import ONE_ARM, ONE_SIZE, rng
from tests.analysis.synthetic import SPACE, Truth, begin, run_of, write_study, write_trial

DONE = {"scratch": 60.0, "pretext": 60.0}  # iterations to 63 %: done long before 400
HALF = Truth(
    peak={"scratch": {24: 0.5, 64: 20.0, 256: 30.0}, "pretext": {24: 15.0, 64: 25.0, 256: 33.0}},
    slowness=DONE,
    noise=0.1,
)


def stages(results: analysis.Results, **place: Any) -> dict[str, str]:
    table = where(analysis.learnt(results), **place)
    return dict(zip(values(table, "arm"), values(table, "stage"), strict=True))


def with_chance(path: Path, **chance: float) -> analysis.Results:
    """The study, as if the same boxes on every image scored that."""
    results = analysis.load(path)
    manifests = {name: of | {"chance": chance} for name, of in results.manifests.items()}
    return replace(results, manifests=manifests)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scratch ends at 16 AP, pretext at 20, on both splits."""
    path = tmp_path_factory.mktemp("known") / "run"
    write_study(path, truth=HALF, space=ONE_SIZE, trials=4, confirm=2, rng=rng())
    return path


@pytest.mark.parametrize(
    ("chance", "scratch"),
    [
        ({}, "learnt"),
        ({"tune": 10.0, "report": 10.0}, "learnt"),
        ({"tune": 18.0, "report": 10.0}, "nothing"),
        ({"tune": 10.0, "report": 18.0}, "nothing"),  # its confirm runs say so
        ({"tune": 0.01}, "learnt"),
    ],
)
def test_what_scores_less_than_the_same_boxes_on_every_image_has_learnt_nothing(
    chance: dict[str, float], scratch: str, known: Path
):
    results = with_chance(known, **chance)
    assert stages(results) == {"scratch": scratch, "pretext": "learnt"}
    for row in rows(analysis.learnt(results)):
        assert row["floor"] == max(1.0, chance.get("tune", 0.0))
        tuned = where(results.trials, arm=row["arm"], role="tune")
        assert row["AP_box"] == max(values(tuned, "AP_box"))


def test_below_one_point_of_ap_nothing_is_learnt_whatever_chance_is(tmp_path: Path):
    write_study(tmp_path, truth=HALF, trials=4, confirm=2, rng=rng())
    for results in (analysis.load(tmp_path), with_chance(tmp_path, tune=0.0, report=0.0)):
        assert stages(results, size=24) == {"scratch": "nothing", "pretext": "learnt"}
        assert set(stages(results, size=64).values()) == {"learnt"}


@pytest.mark.parametrize(
    ("by_length", "growth", "stage"),
    [
        ({100: 5.0, 200: 8.0, 400: 15.0}, 1.0, "learnt"),  # twice as long, not twice the AP
        ({100: 5.0, 200: 8.0, 400: 16.1}, 1.0, "rising"),
        ({100: 5.0, 200: 0.0, 400: 16.1}, 1.0, "rising"),
        ({100: 12.0, 200: 8.0, 400: 16.1}, 1.0, "learnt"),  # the best shorter one counts
        ({100: 20.0, 200: 0.0, 400: 16.1}, 1.0, "learnt"),
        ({100: 0.2, 200: 0.5, 400: 1.4}, 1.0, "learnt"),  # by less than the ladder's margin
        ({100: 0.2, 200: 0.5, 400: 1.6}, 1.0, "rising"),
        ({100: 0.2, 200: 0.3, 400: 0.9}, 1.5, "nothing"),
        ({200: 8.0, 350: 15.9, 400: 16.1}, 1.0, "rising"),  # 350 is too near to tell
        ({200: 8.0, 350: 15.0, 400: 15.9}, 1.0, "learnt"),
        ({100: 5.0, 200: 15.0, 400: 8.0}, 1.0, "learnt"),  # it fell
        ({100: 2.0, 200: 8.0}, 1.0, "learnt"),  # the longest is not there yet
        ({100: 2.0}, 1.0, "learnt"),
    ],
)
def test_an_arm_rises_while_its_ap_grows_as_fast_as_the_length(
    by_length: dict[int, float], growth: float, stage: str, tmp_path: Path
):
    spend = Budget(trials=1, confirm=0, cross=0, audit=0.0, extend=0, growth=growth)
    study = begin(tmp_path, ONE_ARM, budget=spend)
    run = run_of(ONE_ARM, "scratch", 24)
    lengths = tuple(sorted({*by_length, 100, 200, 400}))
    run = replace(run, schedule=replace(run.schedule, lengths=lengths))
    write_trial(study, run, Truth(), rng=rng())
    trial = study.trial(run.trial_id)
    records = [r for r in trial.records() if r["length"] is None or r["length"] in by_length]
    (trial.path / "records.jsonl").unlink()
    for record in records:
        trial.append(record | {"AP_box": by_length.get(record["length"] or 0, 0.0)})
    results = analysis.load(tmp_path)
    assert stages(results) == {"scratch": stage}
    (row,) = rows(analysis.learnt(results))
    steepness = {15.0: math.log(15 / 8) / math.log(2), 8.0: 0.0}
    if [*by_length] == [100, 200, 400] and (last := by_length[400]) in steepness:
        assert row["steepness"] == pytest.approx(steepness[last])


NOTHING = {"stage": "nothing", "remedy": "train longer or at a higher rate"}
RISING = {"stage": "rising", "remedy": "train longer"}
LEARNT = {"stage": "learnt", "remedy": ""}


@pytest.mark.parametrize(
    ("here", "text"),
    [
        ({"a": LEARNT, "b": LEARNT}, ""),
        ({"a": LEARNT}, ""),
        (
            {"a": NOTHING, "b": NOTHING},
            "neither arm has learnt yet: train longer or at a higher rate",
        ),
        (
            {"a": NOTHING, "b": NOTHING, "c": NOTHING},
            "no arm has learnt yet: train longer or at a higher rate",
        ),
        ({"a": NOTHING}, "a has not learnt yet: train longer or at a higher rate"),
        (
            {"a": NOTHING, "b": LEARNT, "c": NOTHING},
            "a and c have not learnt yet: train longer or at a higher rate",
        ),
        ({"a": RISING}, "a still gains steeply from longer training: train longer"),
        (
            {"a": RISING, "b": RISING},
            "both arms still gain steeply from longer training: train longer",
        ),
        (
            {"a": RISING, "b": RISING, "c": RISING},
            "all arms still gain steeply from longer training: train longer",
        ),
        (
            {"a": NOTHING, "b": RISING},
            "a has not learnt yet, and b still gains steeply from longer training: train longer"
            " or at a higher rate",
        ),
        ({"a": NOTHING | {"remedy": ""}, "b": LEARNT}, "a has not learnt yet"),
    ],
)
def test_it_is_said_which_arms_have_yet_to_learn(here: dict[str, Any], text: str):
    assert told(here, list(here)) == text
    named = told(here, list(here), by_name=True)
    assert not text or any(arm in named.split() for arm in here)
    assert told(here, []) == told({}, list(here)) == ""


@pytest.mark.parametrize("state", [None, State.RUNNING, State.PREEMPTED, State.FAILED])
def test_nothing_is_advised_while_trials_of_the_size_run(state: State | None, tmp_path: Path):
    truth = Truth(peak={"scratch": {64: 0.0}, "pretext": {64: 0.0}}, noise=0.0)
    study = write_study(tmp_path, truth=truth, space=ONE_SIZE, trials=4, confirm=0, rng=rng())
    if state:
        study.trial("pretext-64-t000").mark(state)
    answer = analysis.answer(analysis.load(tmp_path))
    is_advised = state in (None, State.FAILED)
    remedy = ": train longer or at a higher rate" if is_advised else ""
    text = f"neither arm has learnt yet{remedy}"
    assert values(answer, "unlearnt") == [text]
    assert analysis.headline(answer) == f"With 64 training images, {text}."


def test_what_needs_two_arms_is_said_only_where_both_have_learnt(tmp_path: Path):
    write_study(tmp_path, truth=HALF, trials=4, confirm=3, rng=rng())
    results = analysis.load(tmp_path)
    table = analysis.learnt(results)
    pairs = spoken(analysis.catch_up(results), table, "reference", "arm")
    assert values(pairs, "size") == [64, 256]
    best = spoken(analysis.best(results), table, "arm")
    assert (24, "scratch") not in set(zip(best["size"], best["arm"], strict=True))
    assert (24, "pretext") in set(zip(best["size"], best["arm"], strict=True))
    assert values(analysis.crossover(results), "sizes") == [2]
    # an arm of which nothing is known is not silenced
    other = frame([{"study": "b", "size": 1, "arm": "c"}], {n: ("str", "") for n in ("arm",)})
    assert len(spoken(other.assign(study="b", size=1), table, "arm")) == 1


def test_an_arm_that_has_not_learnt_keeps_its_difference(tmp_path: Path):
    write_study(tmp_path, truth=HALF, trials=4, confirm=3, rng=rng())
    answer = analysis.answer(analysis.load(tmp_path))
    first = rows(where(answer, size=24))[0]
    assert (first["stage_reference"], first["stage_arm"]) == ("nothing", "learnt")
    assert first["AP_box_difference_low"] > 0
    said = "scratch has not learnt yet: train longer or at a higher rate"
    assert f"24 images: {said}; so far, pretext is ahead of" in analysis.in_words(first)
    assert analysis.headline(answer).startswith(
        f"With 24 training images, {said}. So far, pretext beats scratch by "
    )


def test_no_claim_of_the_paper_is_judged_by_what_has_not_learnt(tmp_path: Path):
    two = replace(SPACE, scientific=replace(SPACE.scientific, sizes=(24, 64)))
    write_study(tmp_path / "half", truth=HALF, space=two, trials=4, confirm=3, rng=rng())
    found = {row["id"]: row for row in rows(analysis.hypotheses(analysis.load(tmp_path / "half")))}
    assert found["H11"]["evidence"] == "Needs both arms at two sizes."
    assert not any("24 images" in row["evidence"] for row in found.values())
    sound = replace(HALF, peak={arm: {**of, 24: 12.0} for arm, of in HALF.peak.items()})
    write_study(tmp_path / "sound", truth=sound, space=two, trials=4, confirm=3, rng=rng())
    (eleven,) = rows(where(analysis.hypotheses(analysis.load(tmp_path / "sound")), id="H11"))
    assert "with 24" in eleven["evidence"]


def test_intervals_of_an_ap_end_where_its_scale_does(tmp_path: Path):
    """A few tenths of AP that scatter by as much; their difference may be negative."""
    low = Truth(peak={"scratch": {64: 0.3}, "pretext": {64: 0.4}}, slowness=DONE, noise=0.4)
    write_study(tmp_path, truth=low, space=ONE_SIZE, trials=4, confirm=4, rng=rng())
    (row,) = rows(analysis.answer(analysis.load(tmp_path)))
    for side in ("reference", "arm"):
        name = f"AP_box_{side}"
        assert 0 <= row[f"{name}_low"] <= row[name] <= row[f"{name}_high"] <= 100
    assert min(row["AP_box_reference_low"], row["AP_box_arm_low"]) == 0
    assert row["AP_box_difference_low"] < 0


def test_confirm_runs_that_are_under_way_take_no_remedy_back(tmp_path: Path):
    study = write_study(tmp_path, truth=HALF, trials=4, confirm=2, rng=rng())
    before = where(analysis.learnt(analysis.load(tmp_path)), size=24, arm="scratch")
    assert before["remedy"].tolist() != [""]
    (trial,) = [one for one in study.trials() if one.id == "scratch-24-c1"]
    trial.mark(State.RUNNING)
    after = where(analysis.learnt(analysis.load(tmp_path)), size=24, arm="scratch")
    assert after["remedy"].tolist() == before["remedy"].tolist()


def test_tuning_trials_that_are_to_come_take_the_remedy_back(tmp_path: Path):
    """Those of the budget that have not begun may still learn."""
    study = write_study(tmp_path, truth=HALF, trials=4, confirm=0, rng=rng())
    place = {"size": 24, "arm": "scratch"}
    assert where(analysis.learnt(analysis.load(tmp_path)), **place)["remedy"].tolist() != [""]
    (last,) = [one for one in study.trials() if one.id == "scratch-24-t003"]
    shutil.rmtree(last.path)
    assert where(analysis.learnt(analysis.load(tmp_path)), **place)["remedy"].tolist() == [""]
