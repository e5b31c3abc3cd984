"""A study's bill in words: what will be run, how long it takes, and what it can tell for that."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.commands.words import duration
from study.planning.design import Design
from study.planning.pricing.bill import Bill
from study.planning.pricing.price import Price
from study.planning.pricing.sharpness import half_width, over_images, runs_of_best
from study.planning.standing.time_left import Stage

if TYPE_CHECKING:
    from study.training.speed import Speed

KINDS = {
    Stage.TUNING: "to tune",
    Stage.EXTENDING: "beyond ranges that are too narrow",
    Stage.CONFIRMING: "to confirm",
    Stage.AUDITING: "to audit stopping",
}
FEW = ("no", "one", "two", "three", "four")
MORE_RUNS = (3, 4, 5, 8, 12, 24)  # confirm runs that may be suggested


@dataclass(frozen=True)
class Rate:
    """What an hour of the machine costs."""

    amount: float
    unit: str  # as it was given; may be empty

    def of(self, seconds: float) -> str:
        return f"{self.amount * seconds / 3600:,.2f} {self.unit}".rstrip()


def rate(text: str | None) -> Rate | None:
    """A price as it is given: a number, and perhaps a currency after it.

    Raises:
        ValueError: anything else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([^\d\s.,-]\D*)?", text)
    if not found:
        raise ValueError(
            f"price_per_hour = '{text}': a number, with a currency after it or without, like 2.5"
            " or '2.5 EUR'"
        )
    return Rate(float(found[1]), (found[2] or "").strip())


def bill_lines(bill: Bill, asked: Design) -> list[str]:
    """What will be run."""
    crossed = (
        f", of which {bill.cross_runs} give an arm another arm's setting, if that differs"
        if bill.cross_runs
        else ""
    )
    extra = (
        f" + about {bill.extra_trials} beyond ranges that turn out too narrow"
        if bill.extra_trials
        else ""
    )
    apart = f"; {bill.independent:,} if each length were a training of its own"
    return [
        f"trials      {bill.tuning_trials} for tuning"
        f" ({bill.tuning_trials // bill.cells} for each arm at each size){extra}"
        f" + {bill.confirm_runs} to confirm{crossed}",
        f"iterations  {bill.expected:,} expected{_at_most(bill, asked)}"
        # which counts no growth and no extension, so that it may be less
        + (apart if bill.independent > bill.expected else ""),
        f"images      {bill.expected_images:,.0f} expected, {bill.most_images:,.0f} at most",
    ]


def left_lines(price: Price) -> list[str]:
    """What is left of a study that has begun."""
    kinds = [f"{price.stages[stage]} {name}" for stage, name in KINDS.items()]
    there = [kind for kind in kinds if not kind.startswith("0 ")]
    if price.done:
        return ["left        nothing: every training of the study has ended"]
    return [
        f"left        {price.trainings} trainings: {', '.join(there)}",
        f"images      {price.images:,.0f} expected, {price.most_images:,.0f} at most",
    ]


def price_lines(price: Price, places: int, cost: Rate | None = None) -> list[str]:
    """How long it takes; and for how much, where an hour has a price."""
    if price.done:
        return []
    at_once = f"{FEW[places] if places < len(FEW) else places} at a time"
    trainings = "1 training" if price.trainings == 1 else f"{price.trainings} trainings"
    rows = [
        f"time        {trainings} of at most {duration(price.longest)}, {at_once}:"
        f" about {duration(price.expected)}, at most {duration(price.most)}"
    ]
    return rows + money(price.expected, price.most, cost)


def money(expected: float, most: float, cost: Rate | None) -> list[str]:
    """What so many seconds of the machine cost."""
    if cost is None:
        return []
    each = f"{cost.amount:g} {cost.unit}".rstrip()
    return [
        f"price       about {cost.of(expected)}, at most {cost.of(most)}: {each} an hour of this"
        " machine"
    ]


def speed_line(found: Speed, places: int) -> str:
    """What was measured."""
    beside = f" with {places} trainings at once" if places > 1 else ""
    return (
        f"speed       measured here{beside}: {found.images_per_second:.1f} images/s a worker,"
        f" {found.tuning_s:.1f} s to evaluate {found.tuning_images} images to tune on,"
        f" {found.report_s:.1f} s for {found.report_images} to report on"
    )


def assumed_time(bill: Bill, speed: float) -> list[str]:
    """How long it would take, where there are no data to measure with.

    Args:
        bill: of the study.
        speed: training images per second of one device, as assumed.
    """
    expected, most = (images / speed / 3600 for images in (bill.expected_images, bill.most_images))
    return [
        f"devices     {expected:,.1f} device-hours expected, {most:,.1f} at most, and evaluation:"
        f" {speed:.1f} images/s a device, assumed: no data here to measure with"
    ]


def bill_memory(found: Speed) -> str:
    """What a worker needs, as it was measured."""
    parts = f", {found.at_once} of its {found.share} images at a time"
    return (
        f"memory      {found.peak_bytes / 1e9:.1f} GB for each worker at the peak, measured here"
        + (parts if found.at_once < found.share else "")
    )


def plan_lines(asked: Design, images: int) -> list[str]:
    """What will be compared, what the study can tell of it, and what would change that.

    `images`: of the report split.
    """
    arms = [arm.name for arm in asked.arms]
    sizes = ", ".join(f"{size:,}" for size in asked.space.scientific.sizes)
    where = f"at {sizes} training images, on {images:,} report images"
    if len(arms) < 2:
        return [f"compares    nothing: {arms[0]} alone {where}"]
    named = f"{', '.join(arms[:-1])} and {arms[-1]}"
    return [
        f"compares    {named} {where}, each with its best setting",
        f"tells       {_tells(asked, images)}",
        "cheaper     fewer --sizes or --trials",
    ]


def _tells(asked: Design, images: int) -> str:
    budget, runs = asked.budget, runs_of_best(asked)
    elsewhere = (
        f"; on other images than these {images:,} each difference may be"
        f" {_ap(over_images(images))} larger or smaller"
    )
    if budget.within is not None:
        return (
            f"differences to within {budget.within:g} AP, with about {runs} confirm runs of each"
            f" arm, at most {budget.most_runs}{elsewhere}"
        )
    if not runs:
        return "nothing of the report images: there are no confirm runs; give --confirm 2 or more"
    if runs == 1:
        return "no difference for sure: one confirm run has no interval; give --confirm 2 or more"
    width = half_width(asked, runs)
    sharper = next((n for n in MORE_RUNS if n > runs and half_width(asked, n) <= width / 2), 0)
    more = f", under about {_ap(half_width(asked, sharper))} with --confirm {sharper}"
    return (
        f"with {runs} confirm runs, differences under about {_ap(width)} will stay open"
        f"{more if sharper else ''}{elsewhere}"
    )


def _ap(points: float) -> str:
    return f"{points:.0f} AP" if points >= 3 else f"{points:.1f} AP"


def _at_most(bill: Bill, asked: Design) -> str:
    """What there may be at most, and what must happen for it."""
    if math.isclose(bill.expected, bill.most):
        return ""
    why = [
        *["every range is extended"] * bool(asked.budget.extend),
        *["lengths grow as far as they may"] * asked.grows,
        *["no trial stops early"] * (asked.stopping is not None),
        *["all confirm runs are needed"] * (asked.budget.within is not None),
    ]
    given = (
        f" if {', '.join(why[:-1])}{' and ' if why[1:] else ''}{why[-1]}" if why else " at most"
    )
    return f", {bill.most:,}{given}"
