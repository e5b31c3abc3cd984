"""The answer recovers the truth, and nothing but the tuning split chooses a setting."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from analysis.answers.tables import Searched, confirmed, edge, searched
from analysis.reading.frames import rows, values, where
from study.config import RunConfig, Scientific, from_dict
from study.planning.range_extension import OUTER
from study.planning.tuning_trial import TuningTrial, chosen
from study.storage.run_dir import StudyDir
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import (
    SPACE,
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


def test_the_answer_comes_from_the_report_split_and_its_seeds(results: analysis.Results):
    runs = results.confirmations
    for row in rows(analysis.answer(results)):
        assert (row["split"], row["paired"]) == ("report", True)
        assert (row["seeds_reference"], row["seeds_arm"]) == (4, 4)
        for side, arm in (("reference", "scratch"), ("arm", "pretext")):
            mine = where(runs, arm=arm, size=row["size"])
            assert row[f"AP_box_{side}"] == pytest.approx(mine["AP_box"].mean())
            assert row[f"AP_mask_{side}"] == pytest.approx(mine["AP_mask"].mean())
        gap = row["AP_box_arm"] - row["AP_box_reference"]
        assert row["AP_box_difference"] == pytest.approx(gap)
        assert row["AP_box_difference_low"] < gap < row["AP_box_difference_high"]


def test_the_answer_bills_every_trial(results: analysis.Results):
    table = analysis.answer(results)
    for kind in ("images", "device_seconds"):
        billed = [*values(table, f"{kind}_reference"), *values(table, f"{kind}_arm")]
        assert sum(billed) == pytest.approx(sum(values(results.trials, kind)))


def test_intervals_of_whole_studies_cover_their_truth(tmp_path: Path):
    sizes = tuple(range(20, 50))
    truth = Truth(
        peak={"scratch": dict.fromkeys(sizes, 20.0), "pretext": dict.fromkeys(sizes, 25.0)}
    )
    hits = 0
    space = replace(SPACE, scientific=Scientific(sizes=sizes))
    write_study(tmp_path, truth=truth, space=space, trials=1, confirm=3, rng=rng())
    results = analysis.load(tmp_path)
    for row in rows(analysis.answer(results, level=0.8)):
        at = [row["size"], *(row[f"{name}_arm"] for name in ("lr", "weight_decay", "length"))]
        expected = truth.ap("pretext", *at) - truth.ap("scratch", *at)
        hits += row["AP_box_difference_low"] <= expected <= row["AP_box_difference_high"]
    assert hits == pytest.approx(0.8 * len(sizes), abs=3 * math.sqrt(0.16 * len(sizes)))


def test_a_real_difference_is_found_and_none_is_not(tmp_path: Path):
    peak = {"scratch": {24: 20.0, 64: 20.0}, "pretext": {24: 26.0, 64: 20.0}}
    truth = Truth(peak=peak, slowness={"scratch": 90.0, "pretext": 90.0}, too_fast=9.0)
    space = replace(SPACE, scientific=Scientific(sizes=(24, 64)))
    write_study(tmp_path, truth=truth, space=space, trials=4, confirm=5, rng=rng())
    first, second = rows(analysis.answer(analysis.load(tmp_path)))
    assert first["AP_box_difference_low"] > 0
    assert second["AP_box_difference_low"] < 0 < second["AP_box_difference_high"]


def test_arms_that_are_not_both_confirmed_are_compared_on_the_tuning_split(tmp_path: Path):
    study = write_study(tmp_path, space=ONE_SIZE, trials=4, rng=rng())
    for trial in study.trials():
        if trial.config()["role"] == "confirm" and trial.id.startswith("pretext"):
            (trial.path / "records.jsonl").unlink()
    results = analysis.load(tmp_path)
    (row,) = rows(analysis.answer(results))
    best = analysis.best(results).set_index("arm")["AP_box"]
    assert (row["split"], row["paired"]) == ("tune", False)
    assert row["AP_box_difference"] == best["pretext"] - best["scratch"]
    assert math.isnan(row["AP_box_difference_low"])


def test_a_new_choice_needs_new_confirmation(tmp_path: Path):
    study: StudyDir = write_study(tmp_path, space=ONE_SIZE, trials=4, rng=rng())
    truth = Truth(peak={"scratch": {64: 60.0}}, noise=0.0)
    write_trial(study, run_of(ONE_SIZE, "scratch", 64, 4), truth, index=4, rng=rng())
    results = analysis.load(tmp_path)
    (row,) = rows(analysis.answer(results))
    assert (row["split"], row["seeds_reference"]) == ("tune", 1)
    assert row["lr_reference"] == 0.03


def test_one_arm_has_no_difference(incomplete: Incomplete):
    for row in rows(analysis.answer(incomplete("one arm"))):
        assert not isinstance(row["arm"], str)
        assert math.isnan(row["AP_box_difference"])
        assert row["AP_box_reference_low"] < row["AP_box_reference"]


def test_unasked_masks_are_missing_and_boxes_are_not(incomplete: Incomplete):
    (row,) = rows(analysis.answer(incomplete("no masks")))
    assert math.isnan(row["AP_mask_difference"])
    assert math.isfinite(row["AP_box_difference"])


def test_scores_of_diverged_and_stopped_trials_count_as_the_sweep_counts_them(tmp_path: Path):
    study = begin(tmp_path, ONE_SIZE)
    write_trial(study, run_of(ONE_SIZE, "scratch", 64), Truth(), stop=1, rng=rng())
    assert analysis.best(analysis.load(tmp_path))["length"].tolist() == [100]


@pytest.mark.parametrize(
    ("value", "limits", "end"),
    [
        (0.01, Searched(0.001, 0.1), ""),
        (0.001 * 100 ** (OUTER - 0.01), Searched(0.001, 0.1), "low"),
        (0.001 * 100 ** (OUTER + 0.01), Searched(0.001, 0.1), ""),
        (0.1, Searched(0.001, 0.1), "high"),
        (100, Searched(100, 400, ladder=True), "low"),
        (110, Searched(100, 400, ladder=True), ""),
        (400, Searched(100, 400, ladder=True), "high"),
        (400, Searched(400, 400, ladder=True), ""),  # nothing was searched
        (0.5, None, ""),
    ],
)
def test_edge(value: float, limits: Searched | None, end: str):
    assert edge(value, limits) == end


def test_strips_widen_what_was_searched_at_their_size_only(tmp_path: Path):
    space = replace(SPACE, scientific=Scientific(sizes=(24, 64)))
    fast = replace(Truth(), best_lr=0.2, too_fast=9.0, noise=0.0)
    study = write_study(tmp_path, truth=fast, space=space, trials=4, strip=True, rng=rng())
    write_trial(study, run_of(space, "scratch", 64, 9, lr=0.1), fast, index=9, rng=rng())
    results = analysis.load(tmp_path)
    (strip,) = rows(results.strips)
    assert (strip["size"], strip["name"], strip["trials"]) == (24, "lr", 2 * 2)
    assert strip["low"] == pytest.approx(0.1)
    widened, base = (searched(results, str(tmp_path), size)["lr"] for size in (24, 64))
    assert (widened.low, widened.high) == (base.low, strip["high"])
    assert (widened.extended, base.extended) == (frozenset({"high"}), frozenset())
    best = analysis.best(results)
    assert min(values(where(best, size=24), "lr")) > 0.1
    assert all("-lr-high1-" in trial_id for trial_id in where(best, size=24)["trial_id"])
    assert where(best, size=24)["lr_edge"].tolist() == ["", ""]
    assert where(best, size=64, arm="scratch")["lr_edge"].tolist() == ["high"]


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


def test_same_files_same_answer(finished: Path, results: analysis.Results):
    assert analysis.answer(analysis.load(finished)).equals(analysis.answer(results))
