"""The options of a sweep that say what may be spent, and the budget that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from study.commands.common import Count, unset
from study.config import Budget
from study.config.checks.require import require
from study.config.space import FIRST


@dataclass(frozen=True, kw_only=True)
class Spend:
    """What every arm may spend at every size (default: as the search space says). May grow."""

    trials: Count = None
    """Tuning trials for each arm and size."""
    max_images: Annotated[float | None, unset("N")] = None
    """Instead of --trials: training images that the whole study may use."""
    max_hours: Annotated[float | None, unset("H")] = None
    """Instead of --trials: hours of training, summed over devices, that it may use."""
    finalists: Count = None
    """How many of the best settings of each arm and size are confirmed."""
    confirm: Count = None
    """Runs of each of them, with new seeds and images, measured on the report split."""
    within: Annotated[float | None, unset("AP")] = None
    """Confirm in as many runs as make the interval of each difference at most AP wide to either
    side, in all arms alike: the first (four, or seven at 1 AP) tell how many follow. Smaller
    differences count as none (default: --confirm runs, and 0.5 AP)."""
    most_confirm: Count = None
    """Runs of each setting that --within may take (default: 24)."""
    cross: Count = None
    """How many of these are also run with the other arm's best setting (cross-tuning)."""
    audit: Annotated[float | None, unset("SHARE")] = None
    """Share of the stopped trials that are continued, to measure what stopping lost."""
    extend: Literal["auto", "never"] = "auto"
    """Search beyond a range, for every arm, when a best setting lies at its edge."""
    growth: Annotated[float | None, unset("F")] = None
    """While an arm's longest training is its best by more than 1 AP, all arms of that size get one
    that is F times as long; 1: never (default: as the search space says; 1.5 on your own data)."""
    max_length: Annotated[int | None, unset("T")] = None
    """The longest training that may be tried so, in iterations (default: as the search
    space says; four times the longest of --lengths on your own data)."""


def budget_of(spend: Spend, default: Budget) -> Budget:
    """The space's budget with what the command says instead."""
    limits = {"trials": spend.trials, "max_images": spend.max_images, "max_hours": spend.max_hours}
    given = [name for name, value in limits.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)}: give one of them; each says how many trials")
    names = ("trials", "finalists", "confirm", "cross", "audit", "growth", "max_length")
    names += ("within", "most_confirm")
    changes = {n: getattr(spend, n) for n in names if getattr(spend, n) is not None}
    found = replace(default, **changes, **({"extend": 0} if spend.extend == "never" else {}))
    rule = f"at least {FIRST} with --within, for as many are always run"
    enough = found.within is None or found.most_confirm >= FIRST
    require(enough, "most_confirm", found.most_confirm, rule)
    return found
