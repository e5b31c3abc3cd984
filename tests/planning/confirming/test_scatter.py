"""Which pairs of arms are compared, and what is known of how their differences scatter."""

from __future__ import annotations

import pytest

from study.planning.confirming.scatter import Scores, differences, pooled

SCORES: dict[str, Scores] = {
    "scratch": {0: 10.0, 1: 11.0},
    "imagenet": {0: 20.0, 1: 20.5},
    "pretext": {0: 30.0, 1: 33.0},
}


def test_arms_with_two_runs_are_compared_and_those_with_one_are_not():
    once: dict[str, Scores] = {**SCORES, "pretext": {0: 30.0}}
    alone: dict[str, Scores] = {"scratch": {0: 10.0}, "imagenet": {}}
    found = differences({8: SCORES, 16: once, 24: alone})
    assert found.compared == {8: 3, 16: 1, 24: 1}


def test_a_pair_scatters_alike_from_either_side():
    found = differences({8: {arm: SCORES[arm] for arm in ("scratch", "imagenet")}})
    one, other = found.spreads[8, "scratch", "imagenet"], found.spreads[8, "imagenet", "scratch"]
    assert one == other
    assert (one.variance, one.freedom) == (pytest.approx(0.125), 1)  # of -10 and -9.5


def test_a_pooled_variance_has_the_freedom_of_all_samples_that_scatter():
    found = pooled([[1.0, 3.0], [2.0, 4.0, 6.0], [5.0, 5.0], [7.0]])
    assert (found.variance, found.freedom) == (pytest.approx((2 + 8) / 3), 3)
    half = pooled([[1.0, 3.0], [2.0, 4.0, 6.0]], [0.5, 1.0])
    assert (half.variance, half.freedom) == (pytest.approx((1 + 8) / 2.5), 2.5)
