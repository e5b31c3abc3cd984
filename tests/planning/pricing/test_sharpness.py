"""What a study can tell is said before it runs, and is what its analysis would find."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from study.config.arms import parse
from study.planning.confirming.enough import LEVEL
from study.planning.confirming.scatter import Scores, differences, single
from study.planning.pricing.bill import SCATTER, confirm_runs
from study.planning.pricing.sharpness import half_width, over_images, runs_of_best
from tests.simulated import design


@pytest.mark.parametrize(("runs", "arms"), [(2, 2), (3, 2), (4, 2), (5, 2), (3, 3)])
def test_it_is_the_interval_that_runs_will_have(runs: int, arms: int):
    """Of simulated runs that scatter as assumed, the degrees of freedom are those foreseen."""
    from scipy import special

    asked = design(confirm=runs)
    asked = replace(asked, arms=tuple(replace(asked.arms[0], name=str(i)) for i in range(arms)))
    rng = np.random.default_rng(0)
    scores: dict[int, dict[str, Scores]] = {
        size: {
            str(arm): {(i, i + 1): rng.normal(0, SCATTER / math.sqrt(2)) for i in range(runs)}
            for arm in range(arms)
        }
        for size in (8, 16)
    }
    found = next(iter(differences(scores).spreads.values()))
    level = single(LEVEL, math.comb(arms, 2))
    foreseen = special.stdtrit(found.freedom, (1 + level) / 2) * SCATTER / math.sqrt(runs)
    assert half_width(asked, runs) == pytest.approx(float(foreseen))


def test_more_runs_and_images_make_it_sharper():
    asked = design()
    widths = [half_width(asked, runs) for runs in (1, 2, 3, 5, 20)]
    assert widths == sorted(widths, reverse=True) and widths[0] == math.inf
    photos = replace(asked.space.fixed.data, name="photos", folder="photos")
    fixed = replace(asked.space.fixed, data=photos)
    on_photos = replace(asked, space=replace(asked.space, fixed=fixed))
    assert half_width(on_photos, 2) == pytest.approx(half_width(asked, 2) * 2.5 / 1.5)
    assert over_images(40) == pytest.approx(5.9, abs=0.1)
    assert over_images(200) == pytest.approx(1.96 * 1.38, rel=0.05)  # benchmarks/README.md
    assert runs_of_best(design(confirm=3, cross=1)) == 3
    asked = design(within=1.0, cross=1, confirm=2)
    assert runs_of_best(asked) > 5
    both = asked.budget.finalists * runs_of_best(asked) + asked.budget.crossed
    assert both == confirm_runs(asked)[0]  # each arm's settings, and the other arm's best one


THREE = tuple(map(parse, ("scratch", "pretext", "imagenet")))


def quantile(freedom: int) -> float:
    """Of one of three intervals that hold together at 95 %."""
    return float(scipy_stats.t.ppf(1 - 0.05 / 3 / 2, freedom))


def test_with_three_arms_the_intervals_are_those_of_three_comparisons():
    asked = design(arms=THREE, within=1.0, most_confirm=999)
    runs, _ = confirm_runs(asked)
    assert quantile(asked.budget.first - 1) * SCATTER / math.sqrt(runs) <= 1.0
    plain = design(arms=THREE, confirm=4)
    # from four runs on a size stands by itself
    assert half_width(plain, 4) == pytest.approx(quantile(3) * SCATTER / 2)
