"""Each arm with another's setting: matched by setting, paired by seed, said as far as it goes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from analysis.reading.frames import rows, where
from analysis.tuning import cross_tuning as tuned
from analysis.tuning.cross_tuning import as_in_the_paper, cross_tuning
from study.config import RunConfig, Scientific, from_dict
from study.storage.run_dir import StudyDir
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import SPACE, Truth, repeat, run_of, write_study

APART = Truth(lr_of={"scratch": 0.05, "pretext": 0.01}, too_fast=9.0)
TWO_SIZES = replace(SPACE, scientific=Scientific(sizes=(24, 64)))


def written(path: Path, truth: Truth = APART, cross: int = 2, confirm: int = 3) -> StudyDir:
    how = {"trials": 8, "cross": cross, "confirm": confirm, "rng": rng()}
    return write_study(path, truth=truth, space=TWO_SIZES, **how)


def test_each_arm_has_a_row_for_each_other_arms_setting(tmp_path: Path):
    written(tmp_path)
    results = analysis.load(tmp_path)
    table = cross_tuning(results)
    assert [(r["size"], r["arm"], r["setting_of"]) for r in rows(table)] == [
        (size, *pair)
        for size in (24, 64)
        for pair in (("scratch", "pretext"), ("pretext", "scratch"))
    ]
    best = analysis.best(results)
    for row in rows(table):
        (theirs,) = rows(where(best, size=row["size"], arm=row["setting_of"]))
        assert all(row[k] == theirs[k] for k in ("lr", "weight_decay", "length", "factor"))
        assert (row["n"], row["same"]) == (2, False)


def test_scores_are_compared_on_the_same_seeds(tmp_path: Path):
    written(tmp_path)
    results = analysis.load(tmp_path)
    strategy = {row["trial_id"]: row["strategy"] for row in rows(results.trials)}
    for row in rows(cross_tuning(results)):
        runs = where(results.confirmations, size=row["size"], arm=row["arm"])
        crossed = [r for r in rows(runs) if strategy[r["trial_id"]] == "cross"]
        own = [r for r in rows(runs) if strategy[r["trial_id"]] == "confirm" and r["seed"] < 1002]
        for kind in ("box", "mask"):
            means = [sum(r[f"AP_{kind}"] for r in some) / 2 for some in (own, crossed)]
            assert [row[f"AP_{kind}_{w}"] for w in ("own", "cross")] == pytest.approx(means)
            assert row[f"AP_{kind}_difference"] == pytest.approx(means[1] - means[0])
            assert row[f"AP_{kind}_difference_low"] < means[1] - means[0]
        change = row["AP_box_gap_own"] - row["AP_box_gap_shared"]
        assert change == pytest.approx(row["AP_box_difference"])


def test_the_truth_is_found(tmp_path: Path):
    written(tmp_path, replace(APART, noise=0.0))
    for row in rows(cross_tuning(analysis.load(tmp_path))):
        at = row["size"], row["lr"], row["weight_decay"], row["length"]
        assert row["AP_box_cross"] == pytest.approx(APART.ap(row["arm"], *at))
        assert row["AP_box_difference"] < 0


def test_arms_with_the_same_setting_need_no_run(tmp_path: Path):
    written(tmp_path, Truth(noise=0.3))
    results = analysis.load(tmp_path)
    assert "cross" not in set(results.trials["strategy"])
    for row in rows(cross_tuning(results)):
        assert (row["same"], row["n"], row["AP_box_difference"]) == (True, 3, 0.0)
        assert row["AP_box_gap_own"] == row["AP_box_gap_shared"]
    told = tuned.told(as_in_the_paper(results, cross_tuning(results)))
    assert len(told) == 1 and "chose the same values" in told[0]


@pytest.mark.slow
def test_a_run_is_whoevers_setting_it_has(tmp_path: Path):
    """What was asked for as a confirmation of a former choice is the other arm's setting now."""
    study = written(tmp_path, cross=0)
    results = analysis.load(tmp_path)
    assert not where(cross_tuning(results), n=0).empty
    (theirs,) = rows(where(analysis.best(results), size=64, arm="pretext"))
    top = from_dict(RunConfig, study.trial(theirs["trial_id"]).config()["run"])
    repeat(study, "scratch", top, theirs["length"], 0, 7, truth=APART, rng=rng())
    (row,) = rows(where(cross_tuning(analysis.load(tmp_path)), size=64, arm="scratch"))
    assert (row["n"], row["same"]) == (1, False)
    assert math.isnan(row["AP_box_difference_low"])


def test_other_settings_are_nobodys(tmp_path: Path):
    study = written(tmp_path, cross=0)
    other = run_of(ONE_SIZE, "scratch", 64, lr=0.0123)
    repeat(study, "scratch", other, 400, 0, 7, strategy="cross", truth=APART, rng=rng())
    assert set(cross_tuning(analysis.load(tmp_path))["n"]) == {0}


def test_only_the_reference_given_anothers_setting_is_the_papers_way(tmp_path: Path):
    written(tmp_path)
    results = analysis.load(tmp_path)
    paper = as_in_the_paper(results, cross_tuning(results))
    assert paper["arm"].tolist() == ["scratch", "scratch"]
    row, text = rows(paper)[0], tuned.told(paper)[0]
    assert f"scores {abs(row['AP_box_difference']):.1f} AP less with pretext's setting" in text
    gaps = [f"+{row[f'AP_box_gap_{which}']:.1f}" for which in ("shared", "own")]
    assert text.endswith(f"would be {gaps[0]} AP instead of {gaps[1]}.")


def test_one_run_of_each_has_no_interval(tmp_path: Path):
    written(tmp_path, cross=1)
    results = analysis.load(tmp_path)
    table = cross_tuning(results)
    assert all(map(math.isnan, table["AP_box_difference_low"]))
    assert all("one run of each, no interval" in text for text in tuned.told(table))


def test_nothing_is_said_of_what_was_not_run(tmp_path: Path):
    written(tmp_path, cross=0)
    results = analysis.load(tmp_path)
    table = cross_tuning(results)
    paper = as_in_the_paper(results, table)
    assert not tuned.told(paper)
    assert not tuned.layout(table, paper).rows


def test_what_is_gained_has_its_sign_however_little_it_is():
    assert [tuned._signed(value) for value in (0.4, 0.0, -0.4)] == ["+0.4", "0.0", "−0.4"]
    row = {"AP_box_difference": 0.4, "AP_box_difference_low": 0.1, "AP_box_difference_high": 0.7}
    assert tuned._difference(row).startswith("+0.4")


def test_intervals_have_the_level_that_is_asked_for(tmp_path: Path):
    written(tmp_path)
    results = analysis.load(tmp_path)
    usual, narrow = rows(cross_tuning(results)), rows(cross_tuning(results, level=0.8))
    for one, other in zip(usual, narrow, strict=True):
        assert one["AP_box_difference"] == other["AP_box_difference"]
        assert one["AP_box_difference_low"] < other["AP_box_difference_low"]
        assert other["AP_box_difference_high"] < one["AP_box_difference_high"]
