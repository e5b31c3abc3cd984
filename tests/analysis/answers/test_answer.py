"""The answer recovers the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats as reference

import analysis
from analysis.answers import settings
from analysis.answers.pairs import by_seed
from analysis.reading.frames import rows, values, where
from benchmarks.calibration.scenarios import EQUAL
from benchmarks.calibration.studies import Studies
from study.config import Scientific
from study.planning.confirming.enough import earliest
from study.planning.confirming.scatter import pairs
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import (
    SPACE,
    Truth,
    write_study,
)


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


def test_without_masks_the_runs_are_paired_by_their_boxes(results: analysis.Results):
    boxes = replace(results, confirmations=results.confirmations.assign(AP_mask=math.nan))
    assert set(values(analysis.answer(boxes), "paired")) == {True}


def test_the_answer_bills_every_trial(results: analysis.Results):
    table = analysis.answer(results)
    for kind in ("images", "device_seconds"):
        billed = [*values(table, f"{kind}_reference"), *values(table, f"{kind}_arm")]
        assert sum(billed) == pytest.approx(sum(values(results.trials, kind)))


@pytest.mark.slow
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
            for name in ("records.jsonl", "events.jsonl"):
                (trial.path / name).unlink()
    results = analysis.load(tmp_path)
    (row,) = rows(analysis.answer(results))
    best = analysis.best(results).set_index("arm")["AP_box"]
    assert (row["split"], row["paired"]) == ("tune", False)
    assert row["AP_box_difference"] == best["pretext"] - best["scratch"]
    assert math.isnan(row["AP_box_difference_low"])


def test_one_arm_has_no_difference(incomplete: Incomplete):
    for row in rows(analysis.answer(incomplete("one arm"))):
        assert not isinstance(row["arm"], str)
        assert math.isnan(row["AP_box_difference"])
        assert row["AP_box_reference_low"] < row["AP_box_reference"]


def test_unasked_masks_are_missing_and_boxes_are_not(incomplete: Incomplete):
    (row,) = rows(analysis.answer(incomplete("no masks")))
    assert math.isnan(row["AP_mask_difference"])
    assert math.isfinite(row["AP_box_difference"])


def test_same_files_same_answer(finished: Path, results: analysis.Results):
    assert analysis.answer(analysis.load(finished)).equals(analysis.answer(results))


def test_runs_that_followed_the_first_tell_nothing_of_the_scatter():
    """Their number follows from it: the spread is that of the first, the mean that of all."""
    results = Studies(EQUAL, [0]).results
    ((study, manifest),) = results.manifests.items()
    asked = manifest | {"budget": manifest["budget"] | {"confirm": 2, "within": 5.0}}
    staged = replace(results, manifests={study: asked})
    first = staged.first_runs(study)
    assert first is not None
    for row in rows(analysis.answer(staged)):
        runs = where(settings.confirmed(staged), size=row["size"])
        mine, theirs = (
            by_seed(rows(where(runs, arm=row[side])), "AP_box") for side in ("arm", "reference")
        )
        gaps = dict(zip(mine, pairs(mine, theirs), strict=True))
        early = [*earliest(gaps, first).values()]
        assert len(early) == first < len(gaps)
        half = reference.t.ppf(0.975, first - 1) * reference.tstd(early) / len(gaps) ** 0.5
        assert row["AP_box_difference_high"] - row["AP_box_difference"] == pytest.approx(half)


@pytest.mark.parametrize("frame", [analysis.answer, analysis.pairs])
def test_differences_below_what_was_asked_for_count_as_none(
    frame: Callable[[analysis.Results], pd.DataFrame], results: analysis.Results
):
    ((study, manifest),) = results.manifests.items()
    asked = manifest | {"budget": manifest["budget"] | {"within": 90.0}}
    table = frame(replace(results, manifests={study: asked}))
    assert set(values(table, "margin")) == {90.0} and set(values(frame(results), "margin")) == {
        0.5
    }
    assert all(row["AP_box_equal"] for row in rows(table))
