"""Scatter by source: exact where it is a sample's, and drawn anew where it is the search's."""

from __future__ import annotations

import math

import numpy as np
import pytest

import analysis
from analysis.reading.frames import groups, rows, values, where
from analysis.tuning.variation import told
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import rng


def test_runs_scatter_as_their_sample_does(results: analysis.Results):
    for row in rows(analysis.variation(results, rng())):
        mine = {
            arm: where(results.confirmations, size=row["size"], arm=arm)
            .set_index("seed")["AP_box"]
            .sort_index()
            for arm in ("scratch", row["arm"])
        }
        assert (row["runs"], row["trials"]) == (4, 8 if row["arm"] == "pretext" else row["trials"])
        assert row["sd_runs"] == pytest.approx(mine[row["arm"]].std())
        if row["arm"] == "scratch":
            assert (row["pairs"], math.isnan(row["sd_difference_runs"])) == (0, True)
        else:
            gaps = mine["pretext"] - mine["scratch"]
            assert row["pairs"] == 4
            assert row["sd_difference_runs"] == pytest.approx(gaps.std())


def test_another_search_finds_one_of_the_points_tried(results: analysis.Results):
    """The best of n drawn from n: its distribution is known from the ranks alone."""
    table = analysis.variation(results, rng(), resamples=20_000)
    for row in rows(where(table, arm="pretext")):
        tails = where(results.tails, role="tune", size=row["size"], arm="pretext")
        ranked = np.sort([max(mine["AP_box"]) for _, mine in groups(tails, "trial_id")])
        n = len(ranked)
        below = (np.arange(n + 1) / n) ** n
        chance = np.diff(below)
        exact = math.sqrt(chance @ ranked**2 - (chance @ ranked) ** 2)
        assert row["sd_tuning"] == pytest.approx(exact, rel=0.03)


def test_the_same_draws_give_the_same_frame(results: analysis.Results):
    assert analysis.variation(results, rng()).equals(analysis.variation(results, rng()))


def test_what_is_not_known_is_missing(incomplete: Incomplete):
    for name in ("begun", "unconfirmed", "confirmed once", "running"):
        table = analysis.variation(incomplete(name), rng())
        assert not np.isfinite(table["sd_runs"]).any()
    once = analysis.variation(incomplete("confirmed once"), rng())
    assert set(values(where(once, arm="pretext"), "pairs")) == {1}
    assert np.isfinite(where(once, arm="pretext")["sd_difference_tuning"]).all()


def test_sentences_set_the_search_beside_the_seeds(results: analysis.Results):
    said = told(analysis.variation(results, rng()))
    assert len(said) == 3
    assert said[0].startswith("24 images: with other points tried, the lead of pretext would move")
    assert "with other seeds by" in said[0]
