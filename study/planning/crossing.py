"""Sizes chosen one after another, where an arm's lead may end.

A study begins with its smallest and largest size. While the lead ends somewhere between two sizes,
the next one lies in their middle, on the logarithm of images: each halves what is not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from study.planning.confirming.enough import MARGIN
from study.planning.plan import Plan

MOST = 5  # sizes of a study
NEAR = 1.5  # ratio of two sizes that are near enough: the interval of what lies between is wider


def next_size(leads: Mapping[int, float], margin: float = MARGIN) -> int | None:
    """The next number of images to ask about; None: no further size would tell more.

    Args:
        leads: by size, how far the best other arm is ahead of the first, in points of AP.
        margin: AP below which a lead counts as none.
    """
    ahead = [size for size, lead in leads.items() if lead > margin]
    if len(leads) >= MOST or not ahead:
        return None
    low = max(ahead)
    high = min((size for size in leads if size > low), default=None)
    if high is None or high / low <= NEAR:
        return None  # the lead goes on to the largest size, or its end is known well enough
    return round(math.sqrt(low * high))


def leads(plan: Plan) -> dict[int, float]:
    """How far the best other arm is ahead of the reference, by size, from the confirm runs.

    Sizes at which an arm has no score are left out.
    """
    found: dict[int, float] = {}
    arms = [arm.name for arm in plan.design.arms]
    reference = "scratch" if "scratch" in arms else arms[0]
    for size in plan.design.space.scientific.sizes:
        means = {
            cell.arm.name: sum(scores) / len(scores)
            for cell in plan.design.cells_at(size)
            if (scores := plan.confirmed(cell))
        }
        others = [ap for name, ap in means.items() if name != reference]
        if reference in means and others:
            found[size] = max(others) - means[reference]
    return found
