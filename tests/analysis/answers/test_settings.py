"""Nothing but the tuning split chooses a setting, and only its own repeats count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import analysis
from analysis.answers.settings import confirmed
from analysis.reading.frames import rows, where
from study.config import RunConfig, from_dict
from study.planning.trials.tuning import TuningTrial, chosen
from study.storage.run_dir import StudyDir
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import (
    Truth,
    begin,
    repeat,
    run_of,
    write_study,
    write_trial,
)


def test_best_setting_is_the_highest_of_the_tuning_split(results: analysis.Results):
    tails = where(results.tails, role="tune")
    for row in rows(analysis.best(results)):
        mine = where(tails, arm=row["arm"], size=row["size"])
        assert row["AP_box"] == mine["AP_box"].max()
        same = where(mine, trial_id=row["trial_id"], length=row["length"])
        assert same["AP_box"].tolist() == [row["AP_box"]]
        assert row["trials"] == 8


def test_best_setting_is_the_one_that_the_sweep_confirms(tmp_path: Path):
    rounded = Truth(noise=0.0, overfit=400.0)
    study = write_study(tmp_path, truth=rounded, space=ONE_SIZE, trials=5, confirm=0, rng=rng())
    for trial in study.trials():  # coarse scores, so that some tie
        records = trial.records()
        (trial.path / "records.jsonl").unlink(missing_ok=True)
        for record in records:
            trial.append(record | {"AP_box": round(record["AP_box"] / 5)})
    best = analysis.best(analysis.load(tmp_path))
    for arm in ("scratch", "pretext"):
        tried = [
            TuningTrial(
                trial.id,
                config["index"],
                run_of(ONE_SIZE, arm, 64),
                {},
                "",
                None,
                None,
                0,
                False,
                records,
            )
            for trial in study.trials()
            if (config := trial.config())["run"]["arm"] == arm
            and (records := tuple(trial.records()))
        ]
        choice = chosen(tried)
        (row,) = rows(where(best, arm=arm))
        assert choice is not None
        assert (row["trial_id"], row["length"]) == (choice.trial.trial_id, choice.length)


def test_the_report_split_chooses_nothing(tmp_path: Path):
    study = write_study(tmp_path, space=ONE_SIZE, trials=4, rng=rng())
    before = analysis.best(analysis.load(tmp_path))
    run = replace(run_of(ONE_SIZE, "scratch", 64, lr=0.006), split="report", trial_id="lucky")
    high = Truth(peak={"scratch": {64: 99.0}}, best_lr=0.006)
    write_trial(study, run, high, role="confirm", index=9, rng=rng())
    results = analysis.load(tmp_path)
    assert analysis.best(results).equals(before)
    assert "lucky" in set(results.confirmations["trial_id"])
    assert "lucky" not in set(confirmed(results)["trial_id"])  # another setting than the chosen
    assert where(analysis.answer(results), arm="pretext")["AP_box_reference"].iloc[0] < 20


def test_a_new_choice_needs_new_confirmation(tmp_path: Path):
    study: StudyDir = write_study(tmp_path, space=ONE_SIZE, trials=4, rng=rng())
    truth = Truth(peak={"scratch": {64: 60.0}}, noise=0.0)
    write_trial(study, run_of(ONE_SIZE, "scratch", 64, 4), truth, index=4, rng=rng())
    results = analysis.load(tmp_path)
    (row,) = rows(analysis.answer(results))
    assert (row["split"], row["seeds_reference"]) == ("tune", 1)
    assert row["lr_reference"] == 0.03


def test_scores_of_diverged_and_stopped_trials_count_as_the_sweep_counts_them(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE)
    write_trial(study, run_of(ONE_SIZE, "scratch", 64), Truth(), stop=1, rng=rng())
    assert analysis.best(analysis.load(tmp_path))["length"].tolist() == [100]


def test_runs_with_other_settings_never_count_as_an_arms_own(tmp_path: Path):
    """Neither another finalist's, nor those with another arm's setting, however they score."""
    study = write_study(tmp_path, space=ONE_SIZE, trials=4, confirm=2, rng=rng())
    before = analysis.answer(analysis.load(tmp_path))
    high = Truth(peak={"scratch": {64: 99.0}, "pretext": {64: 99.0}}, best_lr=0.01)
    finalist = run_of(ONE_SIZE, "scratch", 64, 7, lr=0.011)
    for index in range(2):
        repeat(study, "scratch", finalist, 200, index, 2 + index, truth=high, rng=rng())
        cross = {"strategy": "cross", "truth": high, "rng": rng()}
        repeat(study, "scratch", finalist, 400, index, 4 + index, **cross)
    results = analysis.load(tmp_path)
    assert len(results.confirmations) == 4 + 4
    after = analysis.answer(results)
    bill = ["images_reference", "device_seconds_reference"]
    assert after.drop(columns=bill).equals(before.drop(columns=bill))
    assert set(confirmed(results)["trial_id"]) == {
        f"{arm}-64-c{index}" for arm in ("scratch", "pretext") for index in range(2)
    }


def test_a_run_that_was_asked_for_as_cross_counts_once_its_setting_is_the_arms_own(
    tmp_path: Path,
):
    study = write_study(tmp_path, space=ONE_SIZE, trials=4, confirm=0, rng=rng())
    for row in rows(analysis.best(analysis.load(tmp_path))):
        top = from_dict(RunConfig, study.trial(row["trial_id"]).config()["run"])
        for index, strategy in enumerate(("cross", "confirm")):
            how = {"strategy": strategy, "truth": Truth(), "rng": rng()}
            repeat(study, row["arm"], top, row["length"], index, index, **how)
    (row,) = rows(analysis.answer(analysis.load(tmp_path)))
    assert (row["split"], row["seeds_reference"], row["seeds_arm"]) == ("report", 2, 2)
