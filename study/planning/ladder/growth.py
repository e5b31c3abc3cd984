"""When a ladder of lengths is too short, and how it grows.

Where the longest training of an arm is its best one, a longer one may be better still, and whether
another arm catches up is open. Then all arms of that size get a longer length, a factor beyond the
last. The ladder has ended when no arm gains more than a margin from its longest length, or at the
longest that may be tried.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from study.config import Budget

MARGIN = 1.0
"""AP (points on the tuning split) that the longest length must gain over all shorter ones."""
APART = 1.2
"""A length counts as shorter where the longest is so many times as long: less gains little."""
NOT_LEARNT = 1.0
"""AP below which an arm has learnt nothing, whatever it gained: it is given more time. More where
the same boxes on every image score more, which study.json holds (`floor`)."""


def floor(manifest: Mapping[str, Any], split: str = "tune") -> float:
    """Box AP (points) below which a detector has learnt nothing, on `tune` or `report`.

    The chance level of the split (`study.training.evaluation.chance`), at least `NOT_LEARNT`; that
    alone where a study does not know its chance level.
    """
    return max(NOT_LEARNT, (manifest.get("chance") or {}).get(split, 0.0))


def is_wanted(
    best: Mapping[str, Mapping[int, float]], longest: int, floor: float = NOT_LEARNT
) -> bool:
    """Whether some arm still gains from training longer.

    Args:
        best: each arm's best box AP (points) by length.
        longest: the ladder's last length so far, in iterations.
        floor: AP below which nothing has been learnt.
    """
    return bool(gaining(best, longest, floor))


def gaining(
    best: Mapping[str, Mapping[int, float]], longest: int, floor: float = NOT_LEARNT
) -> tuple[str, ...]:
    """The arms that still gain from training longer; the arguments are those of `is_wanted`."""
    return tuple(arm for arm, of in best.items() if gain(of, longest, floor) > MARGIN)


def gain(by_length: Mapping[int, float], longest: int, floor: float = NOT_LEARNT) -> float:
    """What an arm's longest length scores more than its best shorter one, in points of AP.

    Infinite where it is the only one, or where nothing has been learnt yet; minus infinity where
    it has no AP there.
    """
    there = by_length.get(longest, -math.inf)
    if not math.isfinite(there):
        return -math.inf
    shorter = [ap for length, ap in by_length.items() if APART * length <= longest]
    return math.inf if not shorter or there < floor else there - max(shorter)


def most(given: int, budget: Budget) -> int:
    """The longest length that may be tried, where `given` is the longest that was asked for."""
    return max(given, budget.max_length or round(budget.max_times * given))


def longer(given: int, budget: Budget, there: Collection[int] = ()) -> Iterator[int]:
    """The lengths by which a ladder may grow, shortest first.

    The last step makes up for what would be left: it is a little shorter or longer than the
    others, for a tiny one would gain nothing and seem to say that longer training does not help.

    `there`: lengths that trials have been given. Those beyond `given` stay, whatever the budget
    was by which they came, and others follow the last of them.
    """
    before = sorted({length for length in there if length > given and budget.growth > 1})
    yield from before
    last, end, step = (given, *before)[-1], most(given, budget), math.sqrt(budget.growth)
    while budget.growth > 1 and last * step <= end:
        longer = max(last + 1, round(last * budget.growth))
        last = longer if longer * step <= end else end
        yield last


def places(reached: int) -> int:
    """How many of an arm's trials that have come to the longest length go on to the next."""
    return math.ceil(reached / 2)
