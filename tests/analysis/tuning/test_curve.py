"""Tuning curves are means over subsets, and have a band only where that is valid."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analysis
from analysis.reading.frames import rows, values, where
from analysis.tuning.curve import EXCHANGEABLE, expected_best, told
from study.planning.search.strategies import STRATEGIES
from study.storage.run_dir import StudyDir
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import Truth, begin, run_of, write_study, write_trial


def test_the_curve_is_the_mean_over_all_subsets():
    scores = [3.0, 9.0, 1.0, 7.0, 7.0]
    for n, mean in enumerate(expected_best(scores), start=1):
        subsets = itertools.combinations(scores, n)
        assert mean == pytest.approx(np.mean([max(subset) for subset in subsets]))


def test_the_order_of_trials_says_nothing_where_their_strategy_learns_nothing():
    assert {one.name for one in STRATEGIES.values() if not one.learns} == EXCHANGEABLE


def test_stopped_trials_and_sobol_points_have_no_band(results: analysis.Results):
    table = analysis.tuning_curve(results, rng())
    assert set(values(table, "no_band")) == {
        "some trials were stopped: what they reach depends on the others"
    }
    assert not np.isfinite(table["AP_box_low"]).any()
    for row in rows(analysis.best(results)):
        curve = where(table, arm=row["arm"], size=row["size"])
        assert values(curve, "trials") == list(range(1, 9))
        assert values(curve, "AP_box")[-1] == pytest.approx(row["AP_box"])
        assert values(curve, "AP_box") == sorted(values(curve, "AP_box"))


def test_a_trial_without_a_score_counts_as_nothing(results: analysis.Results):
    trials = results.trials.assign(AP_box=np.nan)
    curve = analysis.tuning_curve(replace(results, trials=trials), rng())
    assert set(values(curve, "AP_box")) == {0.0}


def test_independent_trials_have_a_band_around_their_curve(tmp_path: Path):
    write_study(tmp_path, space=ONE_SIZE, trials=6, confirm=0, rng=rng())
    for trial in StudyDir(tmp_path).trials():
        trial.write_config(trial.config() | {"strategy": "random"})
    table = analysis.tuning_curve(load_without_stops(tmp_path), rng())
    assert set(values(table, "no_band")) == {""}
    for row in rows(table):
        assert 0 <= row["AP_box_low"] <= row["AP_box"] <= row["AP_box_high"] <= 100
    again = analysis.tuning_curve(load_without_stops(tmp_path), rng())
    assert values(table, "AP_box_low") == values(again, "AP_box_low")


@pytest.mark.parametrize("grown", [0, 1, 2])
def test_trials_that_others_made_longer_have_no_band(grown: int, tmp_path: Path):
    """Some of them came to a length that only the better ones of their arm were given."""
    study = begin(tmp_path, ONE_SIZE, trials=2)
    for index in range(2):
        run = run_of(ONE_SIZE, "pretext", 64, index, 0.03 + 0.01 * index)
        lengths = (*run.schedule.lengths, *(600,) * (index < grown))
        run = replace(run, schedule=replace(run.schedule, lengths=lengths))
        write_trial(study, run, Truth(), index=index, strategy="random", rng=rng())
    (why,) = set(values(analysis.tuning_curve(analysis.load(tmp_path), rng()), "no_band"))
    assert ("went on to longer lengths" in why) == (grown == 1)


def test_tables_curves_and_the_choice_agree_about_every_trial(everything: analysis.Results):
    """Those in strips beyond a range too, which the curve leaves out and says so."""
    curves = analysis.tuning_curve(everything, rng())
    chosen = rows(analysis.best(everything))
    for row in chosen:
        place = {"arm": row["arm"], "size": row["size"]}
        trials = where(everything.trials, role="tune", **place)
        assert trials["AP_box"].max() == row["AP_box"]
        assert trials["AP_box"].notna().sum() == row["trials"]
        strips = where(trials, strategy="strip")
        (end,) = rows(where(curves, trials=8, **place))
        assert end["strips"] == len(strips) == (2 if row["size"] == 24 else 0)
        assert np.nanmax([end["AP_box"], end["AP_box_strips"]]) == pytest.approx(row["AP_box"])
    assert not any("does not count it" in said for said in told(curves))
    beyond = curves["size"].eq(24) & curves["arm"].eq("pretext")
    raised = curves.assign(AP_box_strips=curves["AP_box_strips"].mask(beyond, 77.7))
    assert sum("scored 77.7 AP; the curve, which ends at" in said for said in told(raised)) == 1


def load_without_stops(path: Path) -> analysis.Results:
    results = analysis.load(path)
    trials = results.trials.replace({"state": {"stopped": "finished", "diverged": "finished"}})
    return replace(results, trials=trials)


def test_one_or_two_trials_do_not_say_what_another_would_bring(results: analysis.Results):
    table = analysis.tuning_curve(results, np.random.default_rng(0))
    assert told(table.loc[(table["trials"] <= 2).to_numpy()]) == [
        "With 24, 64 and 256 images, only 2 trials each of scratch and pretext: not enough to say"
        " what another one would bring."
    ]
    assert len(told(table)) == 2
    beyond = "the best setting lies beyond the first ranges"
    best = {row["arm"]: row["AP_box"] for row in rows(where(table, size=24))}  # of all trials
    for more, said in ((0.0, 0), (0.1, 1)):
        here = where(table.assign(AP_box_strips=best["scratch"] + more), size=24, arm="scratch")
        assert sum(beyond in one for one in told(here)) == said
    assert all("the last trial raised the best AP" in said for said in told(table))
