"""Sizes chosen one after another, where an arm's lead may end.

A study begins with its smallest and largest size. While the lead ends somewhere between two sizes,
the next one lies in their middle, on the logarithm of images: each halves what is not known.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from study.planning.confirming.enough import MARGIN
from study.planning.ladder import growth
from study.planning.plan import Plan

MOST = 5  # sizes of a study
NEAR = 1.5  # ratio of two sizes that are near enough: the interval of what lies between is wider


def next_size(
    leads: Mapping[int, float], margin: float = MARGIN, others: Collection[int] = ()
) -> tuple[int | None, str]:
    """The next number of images to ask about, and why it is this one, in words.

    None: no further size would tell more, and why.

    Args:
        leads: by size, how far the best other arm is ahead of the first, in points of AP.
        margin: AP below which a lead counts as none.
        others: the study's sizes at which there is nothing to compare.
    """
    if not leads:
        return None, "at no size are there confirm runs of two arms, of which one has learnt"
    ahead = [size for size, lead in leads.items() if lead > margin]
    if not ahead:
        return None, f"no arm leads by more than {margin:g} AP"
    low = max(ahead)
    high = min((size for size in leads if size > low), default=None)
    begins = f"an arm leads by {leads[low]:.1f} AP at {low:,} images"
    unknown = [size for size in others if low < size < (high or math.inf)]
    if unknown:
        return None, f"{begins}, and at {min(unknown):,} there is nothing to compare"
    if high is None:
        return None, f"an arm still leads by {leads[low]:.1f} AP at {low:,} images, the most"
    ends = f"{begins} and by {leads[high]:.1f} AP at {high:,}"
    middle = round(math.sqrt(low * high))
    if high / low <= NEAR or middle in (low, high):
        return None, f"{ends}: that is near enough"
    if len(leads) + len(others) >= MOST:
        return None, f"{ends}: {MOST} sizes are the most that are tried"
    return middle, ends


def leads(plan: Plan) -> dict[int, float]:
    """How far the best other arm is ahead of the reference, by size, from the confirm runs.

    Sizes at which an arm has no score are left out, and those at which none has learnt anything:
    that neither leads there says nothing.
    """
    found: dict[int, float] = {}
    nothing = growth.floor(plan.study.manifest, "report")
    arms = [arm.name for arm in plan.design.arms]
    reference = "scratch" if "scratch" in arms else arms[0]
    for size in plan.design.space.scientific.sizes:
        means = {
            cell.arm.name: sum(scores) / len(scores)
            for cell in plan.design.cells_at(size)
            if (scores := plan.confirmed(cell))
        }
        others = [ap for name, ap in means.items() if name != reference]
        if reference in means and others and max(means.values()) >= nothing:
            found[size] = max(others) - means[reference]
    return found
