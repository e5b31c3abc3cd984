"""Intervals of all pairs of arms hold together, and are the usual one where there is one pair."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats as reference

import analysis
from analysis.answers import pairs, stats
from analysis.answers.pairs import together
from analysis.reading.frames import rows, where
from study.planning.confirming import scatter
from tests.analysis.conftest import Incomplete

ARMS = ("scratch", "pretext", "imagenet", "dino")


def drawn(
    rng: np.random.Generator, arms: int, sizes: int, runs: int, spread: float = 1.0
) -> dict[int, dict[str, pairs.Scores]]:
    """Scores by size, arm and seed; all arms are equal, and the first scatters so much more."""
    sd = np.array([spread] + [1.0] * (arms - 1))
    scores = 20 + sd[None, :, None] * rng.normal(size=(sizes, arms, runs))
    return {
        size: {ARMS[arm]: dict(enumerate(scores[size, arm].tolist())) for arm in range(arms)}
        for size in range(sizes)
    }


@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.parametrize(("arms", "runs"), [(3, 2), (4, 3)])
def test_all_intervals_at_a_size_hold_at_once_as_often_as_they_say(
    arms: int, runs: int, spread: float
):
    rng, draws, hits, each = np.random.default_rng(4), 300, 0, 0
    for _ in range(draws):
        compared = together(drawn(rng, arms, 2, runs, spread))
        gaps = [compared.difference(0, a, b, 0.95) for a, b in combinations(ARMS[:arms], 2)]
        hits += all(gap.low <= 0 <= gap.high for gap in gaps)
        usual = [
            stats.difference(mine, theirs, 0.95, compared.known.spreads[0, a, b])
            for a, b in combinations(ARMS[:arms], 2)
            for mine, theirs in [(compared.scores[0][a], compared.scores[0][b])]
        ]
        each += all(gap.low <= 0 <= gap.high for gap in usual)
    assert hits / draws >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / draws)
    assert each < hits  # what would be said without making them wider


def test_two_arms_have_the_usual_interval():
    scores = drawn(np.random.default_rng(1), 2, 1, 4)
    gap = together(scores).difference(0, "pretext", "scratch", 0.95)
    a, b = (list(scores[0][arm].values()) for arm in ("pretext", "scratch"))
    usual = reference.ttest_rel(a, b).confidence_interval(0.95)
    assert (gap.low, gap.high, gap.compared) == (
        pytest.approx(usual[0]),
        pytest.approx(usual[1]),
        1,
    )


def test_three_arms_have_bonferronis_interval_of_a_spread_that_all_pairs_share():
    scores = drawn(np.random.default_rng(1), 3, 1, 3)
    compared = together(scores)
    gaps = {
        pair: scatter.pairs(*(scores[0][arm] for arm in pair))
        for pair in combinations(ARMS[:3], 2)
    }
    variances = {pair: float(np.var(gap, ddof=1)) for pair, gap in gaps.items()}
    # the mean over pairs, with the (3 - 1) (3 - 1) degrees of freedom of arms by seeds
    common, weight = float(np.mean(list(variances.values()))), 2 / (2 + scatter.PRIOR)
    for (a, b), gap in gaps.items():
        spread = compared.known.spreads[0, a, b]
        variance = weight * variances[a, b] + (1 - weight) * common
        assert spread.variance == pytest.approx(variance)
        assert 2 < spread.freedom <= 4
        half = reference.t.ppf(1 - 0.05 / 3 / 2, spread.freedom) * math.sqrt(variance / 3)
        found = compared.difference(0, a, b, 0.95)
        assert (found.low, found.high) == pytest.approx((np.mean(gap) - half, np.mean(gap) + half))
        back = compared.difference(0, b, a, 0.95)
        assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_four_runs_stand_by_themselves_whatever_other_sizes_do():
    scores = drawn(np.random.default_rng(1), 2, 2, 4)
    loud = {arm: {key: 9 * ap for key, ap in mine.items()} for arm, mine in scores[1].items()}
    alone = together({0: scores[0]}).difference(0, "pretext", "scratch", 0.95)
    beside = together({0: scores[0], 1: loud}).difference(0, "pretext", "scratch", 0.95)
    assert (beside.low, beside.high) == (alone.low, alone.high)


def test_arms_that_are_not_repeated_are_not_counted_among_the_comparisons():
    scores = drawn(np.random.default_rng(1), 4, 2, 3)
    scores[1]["dino"], scores[1]["imagenet"] = {}, {0: 20.0}
    assert together(scores).compared == {0: 6, 1: 1}
    assert not together(scores).difference(1, "imagenet", "scratch", 0.95).has_interval


def test_equal_means_all_pairs_that_are_called_so():
    scores: dict[int, dict[str, pairs.Scores]] = {
        0: {arm: {0: 20.0, 1: 20.1, 2: 20.05 + 0.01 * at} for at, arm in enumerate(ARMS[:3])}
    }
    gap = together(scores).difference(0, "pretext", "scratch", 0.95)
    half = float(reference.t.ppf(1 - 0.05 / 3, gap.freedom)) * gap.error
    assert gap.within(abs(gap.mean) + half + 1e-9)
    assert not gap.within(abs(gap.mean) + half - 1e-9)


def test_the_answer_has_the_intervals_of_the_pairs(incomplete: Incomplete):
    results = incomplete("four arms")
    table = analysis.pairs(results)
    assert len(table) == 6 and set(table["compared"]) == {6}
    for row in rows(analysis.answer(results)):
        (pair,) = rows(where(table, size=row["size"], arm=row["arm"], other=row["reference"]))
        for kind in ("box", "mask"):
            for end in ("", "_low", "_high"):
                name = f"AP_{kind}_difference{end}"
                assert pair[name] == row[name]
        assert pair["compared"] == row["compared"]


def test_a_study_of_two_arms_has_one_pair_a_size(results: analysis.Results):
    table, answer = analysis.pairs(results), analysis.answer(results)
    names = [f"AP_box_difference{end}" for end in ("", "_low", "_high")]
    assert table[names].equals(answer[names])
    assert set(answer["compared"]) == {1}


def test_every_pair_stands_in_the_table_below_its_size(incomplete: Incomplete):
    results = incomplete("four arms")
    (study,) = results.manifests
    shown = pairs.layout(analysis.pairs(results), results.arms(study), results.sizes(study))
    gaps = {row[0]: row[1] for row in shown.rows}
    assert len(gaps) == 6
    for row in rows(analysis.pairs(results)):
        text = gaps[f"{row['arm']} − {row['other']}"]
        assert text.startswith(f"{row['AP_box_difference']:+.1f}".replace("-", "−"))
        apart = row["AP_box_difference_low"] > 0 or row["AP_box_difference_high"] < 0
        assert text.endswith("*") == apart
    at_zero = analysis.pairs(results).assign(AP_box_difference_low=0.0, AP_box_difference_high=0.0)
    shown = pairs.layout(at_zero, results.arms(study), results.sizes(study))
    assert not any("*" in cell for row in shown.rows for cell in row)


def test_a_pair_that_some_size_does_not_compare_has_a_line_with_a_gap(incomplete: Incomplete):
    results = incomplete("four arms")
    (study,) = results.manifests
    (size,) = results.sizes(study)
    table = analysis.pairs(results)
    shown = pairs.layout(table, results.arms(study), [size, 2 * size])
    assert len(shown.rows) == 6
    assert all(row[1] != "–" and row[2] == "–" for row in shown.rows)


def test_a_pair_that_no_size_compares_has_no_line(incomplete: Incomplete):
    results = incomplete("four arms")
    (study,) = results.manifests
    *others, absent = results.arms(study)
    table = analysis.pairs(results)
    without = table.loc[(table["arm"] != absent) & (table["other"] != absent)]
    shown = pairs.layout(without, results.arms(study), results.sizes(study))
    assert len(shown.rows) == len(list(combinations(others, 2))) == 3
