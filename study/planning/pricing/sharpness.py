"""What a study will be able to tell, before it runs: how far apart arms must be."""

from __future__ import annotations

import math
from statistics import NormalDist

from study.planning.confirming.enough import LEVEL
from study.planning.confirming.scatter import ALONE, PRIOR, single
from study.planning.design import Design
from study.planning.pricing.bill import confirm_runs, scatter

IMAGES = 19.0
"""Standard error over evaluation images of a difference between two arms, in AP, times the square
root of their number: 2.7 with 50 images, 1.38 with 200 (benchmarks/README.md, simulated)."""


def runs_of_best(design: Design) -> int:
    """Confirm runs of each arm's best setting, as expected."""
    budget = design.budget
    if budget.within is None:
        return budget.confirm
    crossed = (len(design.arms) - 1) * budget.crossed
    return (confirm_runs(design)[0] - crossed) // max(1, budget.finalists)


def half_width(design: Design, runs: int) -> float:
    """How far the interval of a difference will reach to either side, in AP; about.

    A difference that is smaller is likely to stay open. Differences are taken to scatter as in
    studies so far (`bill.scatter`), and the same at all sizes, which learn from one another
    (`scatter.moderated`). Infinite from one run, where nothing tells how much they scatter.
    """
    if runs < 2:
        return math.inf
    own, arms = runs - 1, len(design.arms)
    freedom = float(own)
    common = len(design.space.scientific.sizes) * max(1, arms - 1) * own
    if own < ALONE and common > own:
        weight = own / (own + PRIOR)
        mine = weight + (1 - weight) * own / common
        squares = mine**2 / own + ((1 - weight) / common) ** 2 * (common - own)
        freedom = 1 / squares
    from scipy import special  # here: a sweep that is no dry run needs none

    level = single(LEVEL, max(1, math.comb(arms, 2)))
    return float(special.stdtrit(freedom, (1 + level) / 2)) * scatter(design) / math.sqrt(runs)


def over_images(images: int) -> float:
    """How far a difference may move, in AP, if it were measured on as many other images; about."""
    return NormalDist().inv_cdf((1 + LEVEL) / 2) * IMAGES / math.sqrt(images)
