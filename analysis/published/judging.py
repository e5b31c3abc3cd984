"""When numbers decide a claim, and how that is said.

A claim holds where the whole interval of a contrast lies on its side, or an equivalence test shows
it to be within the margin; it fails where the whole interval lies on the other side; else nothing
is said. Numbers of one run each (the paper's own, and runs of its recipes on its data) decide by
their mean, and the evidence says so; of a study's tuning trials, which are the best of many,
single ones never do.

What the paper claims of enough data can be shown by any study, but refuted only with data enough:
with less, an arm that stays behind is what the paper saw too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.answers import stats
from analysis.published.observed import System
from analysis.text.words import images, number, points

MARGIN = stats.MARGIN  # AP
BROKEN = 10_000  # images of COCO, and more: there the paper saw no breakdown
ROUNDED = 1e-6  # the paper's numbers have one decimal

FEWER = ", with less data than the claim is about"

Verdict = bool | None  # None: not decided


@dataclass(frozen=True)
class Finding:
    """What one system says of a claim."""

    verdict: Verdict
    text: str
    single: bool = False  # decided by single runs


def above(system: System, found: stats.Difference, limit: float) -> Verdict:
    """Whether a contrast is shown to be above a limit, or below."""
    if found.has_interval:
        return True if found.low > limit else False if found.high < limit else None
    if system.single and math.isfinite(found.mean):
        return found.mean > limit + ROUNDED
    return None


def within(system: System, found: stats.Difference) -> Verdict:
    """Whether a difference is shown to be less than the margin either way, or more."""
    if found.within(MARGIN):
        return True
    if found.has_interval:
        return False if found.low > MARGIN or found.high < -MARGIN else None
    if system.single and math.isfinite(found.mean):
        return abs(found.mean) < MARGIN + ROUNDED
    return None


def compared(systems: Sequence[System]) -> Iterator[tuple[System, str]]:
    for system in systems:
        for arm in system.arms:
            yield system, arm


def largest(systems: Sequence[System]) -> Iterator[tuple[System, str, int]]:
    for system, arm in compared(systems):
        yield system, arm, system.sizes(arm)[-1]


def sizes_near(system: System, arm: str, size: int) -> list[int]:
    """The sizes of COCO that are that one, a quarter more or less."""
    if system.data != "coco":
        return []
    return [one for one in system.sizes(arm) if abs(one - size) <= size / 4]


def enough(system: System, size: int) -> bool:
    """Whether there are so many images that the paper saw no breakdown."""
    return system.data == "coco" and size >= BROKEN


def opposite(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def finding(
    system: System, size: int | None, verdict: Verdict, text: str, found: stats.Difference
) -> Finding:
    return Finding(verdict, placed(system, size, text), not found.has_interval)


def placed(system: System, size: int | None, text: str) -> str:
    place = [system.name] if system.name else []
    place += [images(size)] if size is not None else []
    return f"{', '.join(place)}: {text}" if place else text


def said(found: stats.Difference) -> str:
    ends = points(found.low), points(found.high)
    return f"{signed(found.mean)} AP{in_brackets(found, *ends)}"


def in_brackets(found: stats.Difference, low: str, high: str) -> str:
    level = f"{found.level * 100:g}\u00a0% interval"
    return f" ({level} {low} to {high})" if found.has_interval else ""


def signed(value: float) -> str:
    value = round(value, 9) + 0.0  # the paper's decimals, and no minus before a zero
    return ("+" if value > 0 else "") + points(value)


def thousands(value: float) -> str:
    return number(round(value, -3) if value >= 10_000 else round(value))
