"""Intervals are those of the textbook, cover as often as they say, and are absent where due."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats as reference

from analysis.answers.stats import difference, mean_interval
from study.planning.confirming.scatter import PRIOR, moderated, pooled

SCORES = [31.0, 32.5, 30.2, 33.1]
OTHERS = [28.0, 29.9, 28.4, 27.7, 29.0]


def by_seed(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def p_value(test: Any) -> float:
    return float(test.pvalue)


def test_mean_interval_is_students():
    estimate = mean_interval(SCORES, level=0.9)
    expected = reference.ttest_1samp(SCORES, 0.0).confidence_interval(0.9)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected))
    assert (estimate.mean, estimate.n) == (pytest.approx(np.mean(SCORES)), 4)


def test_difference_with_the_same_seeds_is_paired():
    gap = difference(by_seed(SCORES), by_seed(OTHERS[:4]))
    expected = reference.ttest_rel(SCORES, OTHERS[:4]).confidence_interval(0.95)
    assert gap.paired
    assert (gap.low, gap.high) == pytest.approx(tuple(expected))


def test_difference_with_other_seeds_is_welchs():
    gap = difference(by_seed(SCORES), by_seed(OTHERS))
    test = reference.ttest_ind(SCORES, OTHERS, equal_var=False)
    assert not gap.paired
    assert (gap.low, gap.high) == pytest.approx(tuple(test.confidence_interval(0.95)))


def test_a_seed_without_a_score_unpairs():
    gap = difference(by_seed([*SCORES[:3], math.nan]), by_seed(OTHERS[:4]))
    assert not gap.paired
    assert gap.mean == pytest.approx(np.mean(SCORES[:3]) - np.mean(OTHERS[:4]))


@pytest.mark.parametrize(
    ("values", "mean"),
    [([], math.nan), ([3.0], 3.0), ([0.0, 0.0, 0.0], 0.0), ([4.0, math.nan], 4.0)],
)
def test_no_interval_without_two_scores_that_differ(values: list[float], mean: float):
    estimate = mean_interval(values)
    assert not estimate.has_interval
    assert estimate.mean == pytest.approx(mean, nan_ok=True)
    assert not difference(by_seed(values), by_seed(values)).has_interval
    others = {seed + 100: value for seed, value in by_seed(values).items()}
    assert not difference(by_seed(values), others).has_interval  # of other seeds


def test_one_arm_without_scores_has_no_difference():
    gap = difference(by_seed(SCORES), {})
    assert math.isnan(gap.mean)
    assert not gap.has_interval


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("paired", [True, False])
def test_intervals_cover_the_truth_as_often_as_they_say(level: float, paired: bool):
    rng = np.random.default_rng(5)
    draws, hits, wide = 1500, 0, 0
    for _ in range(draws):
        common = rng.normal(size=4) if paired else np.zeros(4)
        a = 30 + common + rng.normal(0, 0.5, size=4)
        b = 28 + common + rng.normal(0, 1.0, size=4)
        shift = 0 if paired else 10
        gap = difference(by_seed(list(a)), {k + shift: v for k, v in enumerate(b)}, level)
        hits += gap.low <= 2.0 <= gap.high
        estimate = mean_interval(a, level)
        wide += estimate.low <= 30.0 <= estimate.high
    # three standard errors; Welch's degrees of freedom are approximate
    slack = 3 * math.sqrt(level * (1 - level) / draws) + (0 if paired else 0.01)
    assert hits / draws == pytest.approx(level, abs=slack)
    assert wide / draws == pytest.approx(level, abs=slack)


def test_samples_with_different_means_share_their_spread():
    samples = [[1.0, 3.0], [11.0, 13.0], [20.0, 20.0], [5.0]]
    spread = pooled(samples)
    assert (spread.variance, spread.freedom) == (pytest.approx(2), 2)
    assert not mean_interval([20.0, 20.0], spread=spread).has_interval
    alone, shared = mean_interval([1.0, 3.0]), mean_interval([1.0, 3.0], spread=spread)
    assert shared.mean == alone.mean == 2.0
    # Student's t at 97.5 %: 12.71 with 1 degree of freedom, 4.303 with 2
    assert alone.high - 2 == pytest.approx(12.706 * 1.0, rel=1e-3)
    assert shared.high - 2 == pytest.approx(4.303 * 1.0, rel=1e-3)


def test_a_moderated_spread_lies_between_its_own_and_the_pooled_one():
    wide, narrow, same, one = [1.0, 5.0], [11.0, 11.4], [20.0, 20.0], [5.0]
    spreads = moderated([wide, narrow, same, one])
    common, share = pooled([wide, narrow]), 1 / (1 + PRIOR)
    for sample, spread in zip((wide, narrow), spreads, strict=False):
        own = float(np.var(sample, ddof=1))
        assert spread.variance == pytest.approx(share * own + (1 - share) * common.variance)
        # weights 2/3 and 1/3 of two variances with one degree of freedom each
        assert spread.freedom == pytest.approx(1 / ((2 / 3) ** 2 + (1 / 3) ** 2))
    assert spreads[2:] == [common, common]
    assert moderated([wide]) == [pooled([wide])]


def test_a_size_that_scatters_more_is_covered_better_than_by_a_pooled_spread():
    """Three runs at each of four sizes, whose spreads fall threefold from first to last."""
    rng = np.random.default_rng(8)
    spreads, draws = np.geomspace(3, 1, 4), 500
    hits = {"moderated": np.zeros(4), "pooled": np.zeros(4)}
    for _ in range(draws):
        runs = list(rng.normal(0, spreads[:, None], (4, 3)))
        ways = {"moderated": moderated(runs), "pooled": [pooled(runs)] * 4}
        for name, way in ways.items():
            ends = [mean_interval(run, spread=one) for run, one in zip(runs, way, strict=True)]
            hits[name] += [end.low <= 0 <= end.high for end in ends]
    shares = {name: hit / draws for name, hit in hits.items()}
    assert min(shares["moderated"]) > 0.87 > min(shares["pooled"])
    assert 0.93 < shares["moderated"].mean() < 0.97


def test_one_run_has_no_interval_whatever_others_scatter():
    spread = pooled([[1.0, 3.0]])
    assert not mean_interval([5.0], spread=spread).has_interval


def test_the_probability_is_one_minus_the_one_sided_p():
    gap = difference(by_seed(SCORES), by_seed(OTHERS[:4]))
    test = reference.ttest_rel(SCORES, OTHERS[:4], alternative="greater")
    assert gap.probability == pytest.approx(1 - p_value(test))
    back = difference(by_seed(OTHERS[:4]), by_seed(SCORES))
    assert back.probability == pytest.approx(p_value(test))
    assert math.isnan(difference(by_seed(SCORES), {}).probability)


def test_equal_means_both_one_sided_tests():
    a, b = np.array([30.0, 31.0, 30.4, 30.9]), np.array([30.1, 30.8, 30.5, 30.8])
    gap = difference(by_seed(list(a)), by_seed(list(b)))
    least = max(
        p_value(reference.ttest_1samp(a - b, -0.3, alternative="greater")),
        p_value(reference.ttest_1samp(a - b, 0.3, alternative="less")),
    )
    assert least < 0.05 and gap.within(0.3)
    assert not gap.within(0.1)
    assert not difference(by_seed(SCORES), {}).within(100.0)


@pytest.mark.parametrize("truth", [0.5, -0.5])
def test_arms_that_differ_by_the_margin_are_seldom_called_equal(truth: float):
    rng = np.random.default_rng(3)
    draws = 2000
    called = sum(
        difference(by_seed(list(rng.normal(truth, 0.3, 8))), dict.fromkeys(range(8), 0.0)).within(
            0.5
        )
        for _ in range(draws)
    )
    assert called / draws == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / draws))
