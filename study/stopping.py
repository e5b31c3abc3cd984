"""Which trials stop early: successive halving whose rungs are the lengths but the last.

A verdict is a pure function of records, so it can be taken again at any time and by anybody: the
values that a trial is compared with are those recorded up to its own (ASHA, Li et al., MLSys 2020,
decides on arrival). Values at a rung come from finished tails of the same length and are
comparable; trials of other arms and sizes are never looked at, because a rung shared by both arms
would stop the slow starter and decide the question by accident.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from study.rundir import Record


@dataclass(frozen=True)
class Halving:
    """At each rung the best `1/eta` of the values seen so far go on, rounded up."""

    eta: int = 2
    num_factors: int = 1  # tails at each length; a rung is reached when all are recorded

    def __post_init__(self) -> None:
        if self.eta < 2:
            raise ValueError(f"stopping.eta = {self.eta}: at least 2")


@dataclass(frozen=True)
class Arrival:
    """A trial at a rung: its best box AP over the drop factors, and when that was known."""

    AP_box: float
    time: float


def arrival(records: Iterable[Record], length: int, num_factors: int = 1) -> Arrival | None:
    """The trial's arrival at rung `length`; None until each drop factor's tail is recorded."""
    tails = [record for record in records if record["length"] == length]
    if len({record["factor"] for record in tails}) < num_factors:
        return None
    return Arrival(max(map(box_ap, tails)), max(record["time"] for record in tails))


def goes_on(own: Arrival, others: Iterable[Arrival], eta: int) -> bool:
    """Whether `own` is among the best ceil(n / eta) of the n values seen at its rung by then.

    `others` are the arrivals of all other trials of the arm and size. The first always goes on.
    """
    seen = [other.AP_box for other in others if other.time <= own.time]
    better = sum(value > own.AP_box for value in seen)
    return better < math.ceil((len(seen) + 1) / eta)


def stops_at(
    trial_id: str,
    records: Mapping[str, Sequence[Record]],
    lengths: Sequence[int],
    halving: Halving,
) -> int | None:
    """The length at which the trial is to stop now; None: it goes on.

    Args:
        trial_id: the trial in question.
        records: those of every tuning trial of its arm and size, by trial id, its own included.
        lengths: that the trials run through, ascending; all but the last are rungs.
        halving: the rule.
    """
    n = halving.num_factors
    for length in reversed(lengths[:-1]):
        own = arrival(records[trial_id], length, n)
        if own is None:
            continue
        others = (arrival(rows, length, n) for key, rows in records.items() if key != trial_id)
        return None if goes_on(own, filter(None, others), halving.eta) else length
    return None


def expected_survivors(num_trials: float, eta: int) -> float:
    """How many of the trials pass a rung on average, if their order of arrival is random.

    The k-th to arrive is equally likely to have any rank among the k, so it passes with
    probability ceil(k / eta) / k; between whole numbers of trials the sum is interpolated.
    """
    whole = int(num_trials)
    passing = [math.ceil(k / eta) / k for k in range(1, whole + 2)]
    return sum(passing[:whole]) + (num_trials - whole) * passing[whole]


def box_ap(record: Record) -> float:
    """Box AP in points; where there is none (no objects to find) it ranks below all others."""
    value = record["AP_box"]
    return float(value) if value is not None and math.isfinite(value) else -math.inf
