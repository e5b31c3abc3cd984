"""The reference catches up at the shortest length at which it comes near the other arm."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats as reference

import analysis
from analysis.answers.catch_up import _half, told
from analysis.answers.pairs import of_study
from analysis.reading.frames import groups, rows, values, where
from tests.analysis.several import OWN, several


def test_the_reference_catches_up_at_the_length_where_it_comes_near(results: analysis.Results):
    for row in rows(analysis.catch_up(results)):
        tails = where(results.tails, role="tune", size=row["size"])
        best = {
            arm: {
                n: max(values(at, "AP_box"))
                for (n,), at in groups(where(tails, arm=arm), "length")
            }
            for arm in ("scratch", "pretext")
        }
        target = max(best["pretext"].values())
        near = [n for n, ap in best["scratch"].items() if ap >= target - 0.5]
        assert row["AP_box_arm"] == target
        reached = row["length_reference"]
        assert (None if pd.isna(reached) else reached) == min(near, default=None)


def test_a_reference_that_stays_behind_says_by_how_much(results: analysis.Results):
    table = analysis.catch_up(results)
    (said,) = told(table.iloc[:1])
    assert said.startswith(
        "on the tuning split, with 24 images, scratch does not catch up within 400 iterations; it"
    )
    once = told(pd.concat([table.iloc[:1].assign(size=n, AP_box_arm=n) for n in (9, 10, 20, 40)]))
    least, most = (n - table["AP_box_reference"].iloc[0] for n in (9, 40))
    assert len(once) == 1 and "with 9 to 40 images" in once[0]
    assert f"stays {least:.1f} to {most:.1f} AP below pretext" in once[0]


def test_one_or_two_trials_do_not_say_how_soon_it_catches_up(results: analysis.Results):
    table = analysis.catch_up(results)
    tuned = where(results.trials, role="tune", arm="scratch", size=24)
    scored = sum(values(tuned["AP_box"].notna().to_frame(), "AP_box"))
    assert table["trials_reference"].iloc[0] == scored > 2
    unsure = {"length_reference_low": math.nan, "length_reference_high": math.nan}
    few = table.iloc[:1].assign(trials_reference=2, trials_arm=1, **unsure)
    assert told(few) == [
        "with 24 images, only 2 trials of scratch and 1 trial of pretext: not enough to say how"
        " soon scratch catches up with pretext"
    ]
    both = told(pd.concat([few, table.iloc[1:2]]))
    assert len(both) == 2 and not any("24 images" in said for said in both[:1])
    assert told(table.iloc[:1].assign(trials_arm=2, **unsure)) == [
        "with 24 images, only 2 trials of pretext: not enough to say how soon scratch catches up"
        " with pretext"
    ]
    sure = table.iloc[:1].assign(trials_reference=2, trials_arm=1)
    assert told(sure) == told(table.iloc[:1])  # confirm runs say how sure that is


def runs(results: analysis.Results, keep: int) -> analysis.Results:
    confirmed = results.confirmations
    return replace(results, confirmations=confirmed.loc[(confirmed["draw"] <= keep).to_numpy()])


def test_the_interval_has_the_lengths_that_single_runs_cannot_tell(results: analysis.Results):
    lengths = sorted(set(values(results.tails, "length")))
    compared = of_study(results, next(iter(results.manifests)))["box"]
    for row in rows(analysis.catch_up(results)):
        tails = where(results.tails, role="tune", size=row["size"], arm="scratch")
        gap = compared.difference(row["size"], "pretext", "scratch", 0.95)
        half = (gap.high - gap.mean) * 4**0.5  # of one run, from that of four
        short = [
            row["AP_box_arm"] - 0.5 - max(values(where(tails, length=n), "AP_box"))
            for n in lengths
        ]
        low, high = row["length_reference_low"], row["length_reference_high"]
        for n, behind in zip(lengths, short, strict=True):
            if behind > half:
                assert n < low  # shown to be too short, as are all before it
                continue
            assert low == (0 if n == lengths[0] else n)
            break
        enough = [n for n, behind in zip(lengths, short, strict=True) if behind <= -half]
        assert high == min(enough, default=math.inf)


def test_without_two_confirm_runs_there_is_no_interval(results: analysis.Results):
    one, two = (rows(analysis.catch_up(runs(results, keep)))[0] for keep in (1, 2))
    assert math.isnan(one["length_reference_low"]) and math.isnan(one["length_reference_high"])
    assert two["length_reference_low"] >= 0
    assert one["length_arm"] == two["length_arm"]


def test_sentences_say_how_sure_the_length_is(results: analysis.Results):
    table = analysis.catch_up(results).iloc[:1].assign(length_reference=200, length_arm=100)

    def said(low: float, high: float) -> str:
        ends = table.assign(length_reference_low=low, length_reference_high=high)
        (text,) = told(ends)
        return text

    after = "pretext after 200 iterations"
    needs = ", 2.0 times as long as pretext needs"
    assert said(math.nan, math.nan).endswith(after + needs)
    for low, high, ends in (
        (100, 400, "100 to 400"),
        (100, math.inf, "100 or more"),
        (0, 400, "400 or less"),
        (0, math.inf, "all lengths tried"),
    ):
        assert said(low, high).endswith(f"{after} (95\u00a0% interval: {ends}){needs}")


def test_a_reference_that_stays_behind_by_chance_is_told_apart(results: analysis.Results):
    table = analysis.catch_up(results).iloc[:1].assign(length_reference=pd.NA)
    for low, chance in ((200.0, True), (math.inf, False), (math.nan, False)):
        (text,) = told(table.assign(length_reference_low=low))
        assert text.endswith(", which may be chance") == chance


def test_with_three_arms_the_interval_is_that_of_one_of_three(tmp_path: Path):
    several(tmp_path)
    results = analysis.load(tmp_path)
    (compared,) = (of_study(results, study)["box"] for study in results.manifests)
    for arm in ("imagenet", OWN):
        spread = compared.known.spreads[24, arm, "scratch"]
        quantile = reference.t.ppf(1 - 0.05 / 3 / 2, spread.freedom)
        half = _half(compared, 24, arm, "scratch", 0.95)
        assert half == pytest.approx(quantile * math.sqrt(spread.variance))


def test_it_has_caught_up_where_it_comes_as_near_as_was_asked_for(results: analysis.Results):
    ((study, manifest),) = results.manifests.items()
    asked = manifest | {"budget": manifest["budget"] | {"within": 90.0}}
    table = analysis.catch_up(replace(results, manifests={study: asked}))
    shortest = min(values(results.tails, "length"))
    assert {(row["margin"], row["length_reference"]) for row in rows(table)} == {(90.0, shortest)}
