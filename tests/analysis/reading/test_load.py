"""Frames have the documented columns whatever the study, and lose or double nothing."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.published.columns import FRAMES as PAPER
from analysis.reading.columns import SCORES, Columns
from analysis.reading.frames import rows, values, where
from analysis.reading.load import Results
from analysis.report import tables
from study.planning.stopping import Halving, Stopping
from study.storage.run_dir import State, StudyDir
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import INCOMPLETE, ONE_SIZE, cut, queued, rng, running
from tests.analysis.synthetic import SECONDS_PER_IMAGE, Truth, audit, begin, run_of, write_trial

FRAMES = {
    name.removeprefix("Results."): frame
    for name, (_, frame) in analysis.FRAMES.items()
    if name not in PAPER
}


NOTHING = ("image_bootstrap", "errors", "compare")  # without kept detections, of one study
DRAWN = ("tuning_curve", "variation", "image_bootstrap")


def frame_of(results: Results, name: str) -> pd.DataFrame:
    made = getattr(analysis, name, None)
    if name in DRAWN:
        return getattr(analysis, name)(results, np.random.default_rng(0))
    return made(results) if made else getattr(results, name)


def described(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in table.dtypes.items()}


def documented(frame: Columns) -> dict[str, str]:
    return {name: str(pd.Series(dtype=dtype).dtype) for name, (dtype, _) in frame.items()}


@pytest.mark.parametrize("name", FRAMES)
def test_finished_study_has_the_documented_columns(everything: Results, name: str):
    table = frame_of(everything, name)
    assert described(table) == documented(FRAMES[name])
    assert (len(table) > 0) == (name not in NOTHING)


@pytest.mark.parametrize("study", INCOMPLETE)
def test_incomplete_study_has_the_same_columns(study: str, incomplete: Incomplete):
    results = incomplete(study)
    for name, frame in FRAMES.items():
        assert described(frame_of(results, name)) == documented(frame), name


def test_help_lists_every_column():
    for name, frame in FRAMES.items():
        assert name in (analysis.__doc__ or "")
        assert all(column in (analysis.__doc__ or "") for column in frame)


def test_trials_and_confirmations_are_counted_once(results: Results):
    assert len(results.trials) == 2 * 3 * (8 + 4)
    assert results.trials["trial_id"].is_unique
    assert len(results.confirmations) == 2 * 3 * 4
    assert all(map(math.isfinite, values(results.confirmations, "AP_box")))


def test_costs_are_what_was_spent_whatever_became_of_the_trials(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE)
    ends = {  # batches of 8; lengths 100, 200, 400 share a trunk, each has a tail of 44
        "finished": 8 * (356 + 3 * 44),
        "stopped": 8 * (56 + 44),
        "diverged": 96,
        "failed": 8 * (356 + 3 * 44) + 80,  # some work was repeated
        "preempted": 8 * (56 + 44) + 40,
    }
    for index, (state, images) in enumerate(ends.items()):
        run = run_of(ONE_SIZE, "scratch", 64, index, lr=0.09 if state == "diverged" else 0.03)
        write_trial(study, run, Truth(), index=index, stop=state in ("stopped",), rng=rng())
        if state in ("failed", "preempted"):
            if state == "preempted":
                cut(study.trial(run.trial_id).path / "records.jsonl", 1)
                cut(study.trial(run.trial_id).path / "events.jsonl", 1)
            spent = {"images_spent": images, "device_seconds": images * SECONDS_PER_IMAGE}
            study.trial(run.trial_id).mark(State(state), error="lost", **spent)
    (row,) = analysis.load(tmp_path).costs.to_dict("records")
    assert {state: row[state] for state in ends} == dict.fromkeys(ends, 1)
    assert (row["trials"], row["running"]) == (5, 0)
    assert row["images"] == sum(ends.values())
    assert row["iterations"] == sum(ends.values()) / 8
    assert row["device_seconds"] == pytest.approx(sum(ends.values()) * SECONDS_PER_IMAGE)
    assert row["eval_seconds"] == pytest.approx(0.4 * (3 + 1 + 0 + 3 + 1))
    assert row["independent_iterations"] == 2 * (100 + 200 + 400) + 2 * 100


def test_the_ledger_tells_apart_what_was_paid_for(everything: Results):
    costs, trials = everything.costs, everything.trials
    assert list(dict.fromkeys(costs["role"])) == ["tune", "audit", "confirm", "cross"]
    for name in ("images", "device_seconds", "eval_seconds"):
        assert sum(values(costs, name)) == pytest.approx(sum(values(trials, name)))
    crossed = where(trials, strategy="cross")
    assert sum(values(where(costs, role="cross"), "trials")) == len(crossed) > 0
    ours = where(trials, role="confirm")
    assert sum(values(where(costs, role="confirm"), "trials")) == len(ours) - len(crossed)


def test_an_audit_is_billed_from_the_fork_on_and_compared_with_whole_runs(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE)
    run = run_of(ONE_SIZE, "scratch", 64)
    write_trial(study, run, Truth(), stop=1, rng=rng())
    audit(study, run, Truth(), rng=rng())
    tuned, audited = analysis.load(tmp_path).costs.to_dict("records")
    assert (tuned["role"], tuned["stopped"]) == ("tune", 1)
    assert (tuned["images"], tuned["independent_images"]) == (8 * 100, 8 * 100)
    assert (audited["role"], audited["finished"]) == ("audit", 1)
    # from the fork at 56: the trunk to 356, and the tails of 200 and 400
    assert audited["images"] == 8 * (300 + 2 * 44)
    assert audited["independent_images"] == 8 * (200 + 400)


def test_separate_runs_cost_what_separate_runs_cost(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE, schedule="independent")
    for index in range(2):
        run = run_of(ONE_SIZE, "scratch", 64, index)
        run = replace(run, schedule=replace(run.schedule, shared=False, factors=(0.1, 0.02)))
        write_trial(study, run, Truth(), index=index, stop=index, rng=rng())
        if index:
            audit(study, run, Truth(), rng=rng())
    costs = analysis.load(tmp_path).costs
    assert costs["images"].tolist() == costs["independent_images"].tolist()
    assert costs["iterations"].tolist() == [2 * (700 + 100), 2 * 600]


def test_a_trial_that_was_told_to_stop_is_stopped_when_it_has_ended(tmp_path: Path):
    """The driver may die before it has said so."""
    study = begin(tmp_path, ONE_SIZE)
    for index, last in enumerate((State.FINISHED, State.RUNNING, State.DIVERGED)):
        run = run_of(ONE_SIZE, "scratch", 64, index)
        write_trial(study, run, Truth(), index=index, stop=1, rng=rng())
        study.trial(run.trial_id).mark(last)
    trials = analysis.load(tmp_path).trials
    assert trials["state"].tolist() == ["stopped", "running", "diverged"]
    assert trials["stopped_at"].tolist() == [100] * 3


def test_evaluations_of_the_trunk_are_curves_and_no_tails(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE, stopping=Stopping(Halving(), "average"), tails="last")
    run = run_of(ONE_SIZE, "scratch", 64)
    ladder = replace(run.schedule, tails="last", watch=(56, 156))
    write_trial(study, replace(run, schedule=ladder), Truth(), rng=rng())
    results = analysis.load(tmp_path)
    assert results.curves["weights"].tolist() == ["average", "average", "tail"]
    assert results.tails["length"].tolist() == [400]
    assert results.costs["images"].tolist() == results.costs["independent_images"].tolist()


def test_a_torn_line_is_dropped_and_the_rest_is_read(tmp_path: Path):
    running(tmp_path)
    curves = analysis.load(tmp_path).curves
    assert curves["length"].tolist() == [100, 200]
    assert set(curves["arm"]) == {"scratch"}


def test_a_record_made_twice_counts_once(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE)
    run = run_of(ONE_SIZE, "scratch", 64)
    write_trial(study, run, Truth(), rng=rng())
    trial = study.trial(run.trial_id)
    before = analysis.load(tmp_path)
    trial.append(trial.records()[-1] | {"eval_seconds": 77.0})  # which another worker may take
    results = analysis.load(tmp_path)
    assert len(results.curves) == 4 and len(results.tails) == len(before.tails)
    assert len(where(results.tails, length=400)) == 1
    assert results.trials["AP_box"].tolist() == before.trials["AP_box"].tolist()


def test_scores_that_a_record_has_not_are_missing(tmp_path: Path):
    """Records of before there were more scores, of models without masks, and of all there is."""
    study = begin(tmp_path, ONE_SIZE)
    run = run_of(ONE_SIZE, "scratch", 64)
    write_trial(study, run, Truth(), rng=rng())
    trial = study.trial(run.trial_id)
    *others, last = trial.records()
    boxes_alone = {name: value for name, value in last.items() if not name.endswith("_mask")}
    trial.store.remove("records.jsonl")
    more = {"AP_box": 77.0, "AP_box_augmented": 78.0, "mAP_voc07": 90.0}
    for record in (*others, boxes_alone | more):
        trial.append(record)
    results = analysis.load(tmp_path)
    before, after = rows(results.curves)[-2:]
    (best,) = rows(results.trials)
    assert before["AP_mask"] == others[-1]["AP_mask"] and math.isnan(before["AP_box_augmented"])
    for row in (after, best, rows(where(results.tails, length=400))[0]):
        assert (row["AP_box"], row["AP_box_augmented"], row["mAP_voc07"]) == (77, 78, 90)
        missing = set(SCORES) - {name for name in SCORES if math.isfinite(row[name])}
        assert {"AP_mask", "AP50_mask", "AP_keypoint", "AP_mask_augmented"} <= missing


def test_reference_is_scratch_wherever_it_was_named(incomplete: Incomplete):
    results = incomplete("four arms")
    (study,) = results.manifests
    assert results.arms(study)[0] == "scratch"
    assert set(analysis.answer(results)["reference"]) == {"scratch"}


def test_two_studies_are_kept_apart(results: Results, finished: Path, tmp_path: Path):
    queued(tmp_path)
    both = analysis.load([finished, tmp_path])
    assert len(both.trials) == len(results.trials) + 1
    assert where(both.trials, study=str(tmp_path))["state"].tolist() == ["running"]
    with pytest.raises(ValueError, match="2 studies"):
        _ = both.manifest


def test_what_no_study_writes_is_named_with_its_file(tmp_path: Path):
    study: StudyDir = running(tmp_path)
    trial = study.trials()[-1]
    for name, text, words in (
        ("events.jsonl", '{"state": "lost", "time": 1}\n', "line 1: state = 'lost': one of"),
        ("records.jsonl", '{"iteration": 1}\n', "line 1: has no leg"),
        ("records.jsonl", "{]\n", "not JSON"),
        ("config.json", json.dumps({"role": "tune", "run": {}}), "has no arm"),
    ):
        whole = (trial.path / name).read_text()
        (trial.path / name).write_text(text)
        with pytest.raises(ValueError, match=f"{trial.path / name}: .*{words}"):
            analysis.load(tmp_path)
        (trial.path / name).write_text(whole)
    analysis.load(tmp_path)


def test_a_trial_that_nobody_works_on_waits_while_its_study_is_under_way(tmp_path: Path):
    study = running(tmp_path)

    def states() -> dict[str, str]:
        return {row["arm"]: row["state"] for row in rows(analysis.load(tmp_path).trials)}

    with study.lock(), study.trial("scratch-64-t000").lock():
        assert states() == {"scratch": "running", "pretext": "waiting"}
    assert states() == {"scratch": "running", "pretext": "running"}  # as its files say


def test_classes_whose_rows_were_loaded_are_shown_where_there_are_any(
    finished: Path, tmp_path: Path
):
    assert set(values(analysis.load(finished).init_reports, "classes")) == {""}
    plain = tables.init_report(analysis.load(finished).init_reports)
    shutil.copytree(finished, tmp_path / "study")
    for trial in StudyDir(tmp_path / "study").trials():
        if trial.config()["run"]["arm"] == "pretext":
            told = {"from": "torchvision", "class_rows": ["dog", "cat"], "classes": 3}
            report = trial.init_report()
            trial.write_init_report(report | {"heads": report["heads"] | told})
    frame = analysis.load(tmp_path / "study").init_reports
    assert values(where(frame, arm="pretext", group="heads"), "classes") == ["2 of 3: dog, cat"]
    shown = tables.init_report(frame)
    assert len(shown.columns) == len(plain.columns) + 1
    assert sum(row[-1] == "2 of 3: dog, cat" for row in shown.rows) == 1


def test_a_study_that_is_given_twice_counts_once(
    finished: Path, results: analysis.Results, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(finished.parent)
    both = analysis.load([finished, finished.name, f"{finished}/", finished / "."])
    assert list(both.manifests) == [str(finished)]
    assert len(both.trials) == len(results.trials)
