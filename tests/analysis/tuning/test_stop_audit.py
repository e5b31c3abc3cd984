"""What stopping saved and lost is counted from what was run, and said as far as it was looked."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

import analysis
from analysis.reading.frames import rows, where
from analysis.tuning import stop_audit as stops
from analysis.tuning.stop_audit import kendall, stop_audit
from study.config import Scientific
from study.planning.stopping import Halving, KeepBest, Metric, Stopping
from study.storage.run_dir import State, StudyDir
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import Truth, audit, begin, run_of, write_trial

EXACT = Truth(noise=0.0, too_fast=9.0)
SCRATCH = replace(ONE_SIZE, scientific=Scientific(arms=("scratch",), sizes=(64,)))
RATES = (0.03, 0.02, 0.014, 0.01, 0.07)  # best first


def raced(
    path: Path,
    audits: tuple[int, ...] = (),
    truth: Truth = EXACT,
    continued: Truth = EXACT,
    **asked: Any,
) -> StudyDir:
    """Five trials of which the last two are stopped after 100 iterations; some are audited."""
    study = begin(path, SCRATCH, trials=5, **asked)
    for index, lr in enumerate(RATES):
        run = run_of(SCRATCH, "scratch", 64, index, lr)
        how = {"index": index, "stop": int(index > 2), "rng": rng()}
        write_trial(study, run, truth, **how)
        if index in audits:
            audit(study, run, continued, rng=rng())
    return study


def only(path: Path) -> dict[str, Any]:
    (row,) = rows(stop_audit(analysis.load(path)))
    return row


def test_audits_that_end_below_the_chosen_trial_lost_nothing(tmp_path: Path):
    raced(tmp_path, audits=(3,))
    row = only(tmp_path)
    counts = [row[name] for name in ("trials", "stopped", "audited", "false_stops")]
    assert counts == [5, 2, 1, 0]
    chosen, audited = (EXACT.ap("scratch", 64, lr, 3e-4, 400) for lr in (0.03, 0.01))
    assert row["gap"] == pytest.approx(audited - chosen)
    assert row["regret"] == 0
    (text,) = stops.told(stop_audit(analysis.load(tmp_path)))
    assert "; audits, which continue stopped trials, used " in text
    assert text.endswith(
        f"1 was audited: it ended {chosen - audited:.1f} AP below the chosen one."
    )


def test_audits_that_end_above_the_chosen_trial_say_what_was_lost(tmp_path: Path):
    raced(tmp_path, audits=(3, 4), continued=replace(EXACT, peak={"scratch": {64: 90.0}}))
    row = only(tmp_path)
    assert (row["audited"], row["false_stops"]) == (2, 2)
    assert row["regret"] == row["gap"] > 0
    (text,) = stops.told(stop_audit(analysis.load(tmp_path)))
    assert f"the best of them ended {row['gap']:.1f} AP above the chosen one." in text


def test_what_was_not_looked_at_is_not_known(tmp_path: Path):
    raced(tmp_path)
    row = only(tmp_path)
    assert math.isnan(row["regret"])
    assert (row["audited"], row["audit_images"]) == (0, 0)
    (text,) = stops.told(stop_audit(analysis.load(tmp_path)))
    assert text.endswith("none was audited: what stopping lost is not known.")
    assert "audits, which" not in text


def test_an_audit_counts_when_it_has_ended(tmp_path: Path):
    study = raced(tmp_path, audits=(3, 4))
    study.trial("scratch-64-t003-audit").mark(State.PREEMPTED)
    assert only(tmp_path)["audited"] == 1
    study.trial("scratch-64-t003-audit").mark(State.DIVERGED)
    assert only(tmp_path)["audited"] == 2


def test_an_audit_that_diverges_lost_nothing_and_has_no_score(tmp_path: Path):
    study = raced(tmp_path, audits=(3,))
    trial = study.trial("scratch-64-t003-audit")
    (trial.path / "records.jsonl").unlink()
    trial.mark(State.DIVERGED)
    row = only(tmp_path)
    assert (row["audited"], row["false_stops"], row["regret"]) == (1, 0, 0.0)
    (text,) = stops.told(stop_audit(analysis.load(tmp_path)))
    assert text.endswith("1 was audited: it reached no score.")


def test_what_was_saved_is_what_an_audit_costs(tmp_path: Path):
    """All stopped trials continued: they have then cost what stopping had saved."""
    raced(tmp_path, audits=(3, 4))
    row = only(tmp_path)
    assert row["saved_images"] == row["audit_images"] == 2 * 8 * (300 + 2 * 44)


def test_nothing_is_saved_where_nothing_stops(tmp_path: Path):
    study = begin(tmp_path, SCRATCH, trials=3, stopping=None)
    for index, lr in enumerate(RATES[:3]):
        write_trial(
            study, run_of(SCRATCH, "scratch", 64, index, lr), EXACT, index=index, rng=rng()
        )
    row = only(tmp_path)
    assert (row["stopped"], row["saved_images"]) == (0, 0)
    assert (row["rank_correlation"], row["ranked"]) == (pytest.approx(1.0), 3)
    table = stop_audit(analysis.load(tmp_path))
    assert not stops.told(table)
    assert not stops.layout(table).rows


def test_ranks_are_compared_over_all_that_reached_the_end(tmp_path: Path):
    raced(tmp_path)
    assert (only(tmp_path)["rank_correlation"], only(tmp_path)["ranked"]) == (1.0, 3)


def test_fewer_than_three_have_no_rank_correlation(tmp_path: Path):
    study = raced(tmp_path)
    for name in ("records.jsonl", "events.jsonl"):
        study.trial("scratch-64-t000").path.joinpath(name).unlink()
    assert math.isnan(only(tmp_path)["rank_correlation"])
    assert only(tmp_path)["ranked"] == 2


def test_a_continued_trial_stands_for_the_stopped_ones(tmp_path: Path):
    raced(tmp_path, audits=(3,), continued=replace(EXACT, peak={"scratch": {64: 90.0}}))
    row = only(tmp_path)
    # last at the rung, first at the end: three pairs agree, three that weigh double do not
    assert row["rank_correlation"] == pytest.approx((3 - 3 * 2) / (3 + 3 * 2))
    assert row["ranked"] == 4


@pytest.mark.parametrize("metric", ["tail", "average", "trunk"])
def test_the_first_rung_is_read_as_the_study_reads_it(metric: Metric, tmp_path: Path):
    """Turned round, it ranks the trials the other way round; no other number does."""
    study = begin(tmp_path, SCRATCH, trials=3, stopping=Stopping(KeepBest(3, rung=2), metric))
    for index, lr in enumerate(RATES[:3]):
        run = run_of(SCRATCH, "scratch", 64, index, lr)
        watch = () if metric == "tail" else (156,)
        ladder = replace(run.schedule, watch=watch, watched=(metric,) if watch else ("average",))
        write_trial(study, replace(run, schedule=ladder), EXACT, index=index, rng=rng())
        trial = study.trial(run.trial_id)
        records = trial.records()
        (trial.path / "records.jsonl").unlink()
        for record in records:
            counts = (record["weights"], record["iteration"]) == (metric, 156 if watch else 200)
            trial.append(record | ({"AP_box": 50 - record["AP_box"]} if counts else {}))
    assert only(tmp_path)["rank_correlation"] == pytest.approx(-1.0)


def test_kendall_is_the_usual_one_where_all_weigh_the_same():
    x = np.random.default_rng(0).integers(0, 6, 30)
    y = x + np.random.default_rng(1).integers(0, 6, 30)
    usual, _ = kendalltau(x, y)
    assert kendall(list(x), list(y), [1.0] * 30) == pytest.approx(usual)
    assert kendall(list(x), list(y), [3.0] * 30) == pytest.approx(usual)
    assert math.isnan(kendall([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [1.0] * 3))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (None, "--stopping none would"),
        (Halving(2, 0.3), "--stopping none or --halving.earliest above 0.3"),
        (Halving(3, 0.3), "--halving.eta below 3 or --halving.earliest above 0.3"),
        (KeepBest(2), "--stopping none or --best.trials above 2"),
    ],
)
def test_advice_fits_the_rule(rule: Halving | KeepBest | None, words: str, tmp_path: Path):
    study = begin(tmp_path, SCRATCH, stopping=rule and Stopping(rule))
    assert words in stops.advice(study.manifest)


def test_audits_are_compared_at_their_own_length_where_the_ladder_has_grown(tmp_path: Path):
    """With twice the iterations the chosen one is ahead of any trial that was not given them."""
    study = raced(tmp_path, audits=(3,), continued=replace(EXACT, peak={"scratch": {64: 30.0}}))
    before = only(tmp_path)
    assert before["false_stops"] == 1 and not before["grown"]
    run = run_of(SCRATCH, "scratch", 64, 5, RATES[0])
    longer = replace(run.schedule, lengths=(*run.schedule.lengths, 800))
    slow = replace(EXACT, peak={"scratch": {64: 50.0}}, slowness={"scratch": 1200.0})
    write_trial(study, replace(run, schedule=longer), slow, index=5, rng=rng())
    after = only(tmp_path)
    (chosen,) = rows(analysis.best(analysis.load(tmp_path)))
    (audited,) = rows(where(analysis.load(tmp_path).trials, role="audit"))
    assert chosen["length"] == 800 and chosen["AP_box"] > audited["AP_box"]
    assert after["false_stops"] == 1 and after["regret"] > 0 and after["grown"]
    (text,) = stops.told(stop_audit(analysis.load(tmp_path)))
    assert text.endswith(f"it ended {after['gap']:.1f} AP above the best of that length.")
