"""Which trials stop early: successive halving whose rungs are the lengths but the last.

At rung k the best `ceil(n / eta^k)` of the n trials of an arm and size go on. A trial that cannot
be judged yet is set aside and its place given to another: workers never wait, trials do. That is
the promotion form of ASHA (Li et al., MLSys 2020) with one change, which a small budget needs: a
trial is promoted when nothing that may still arrive can overtake it, so who goes on does not
depend on who arrived first. ASHA lets the first arrivals through whatever they are worth: of four
trials it passes 2.7 on average, and another run of the same study passes others.

Values at a rung come from finished tails of the same length and are comparable; trials of other
arms and sizes are never looked at, because a rung shared by both arms would stop the slow starter
and decide the question by accident.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from study.rundir import Record


class Verdict(Enum):
    """What a trial that has reached a rung is to do."""

    GO = "goes on"
    WAIT = "waits for trials that may still be better"
    STOP = "stops"


@dataclass(frozen=True)
class Halving:
    """At rung k (from 1) the best `1/eta^k` of the arm's and size's trials go on, rounded up."""

    eta: int = 2
    num_factors: int = 1  # tails at each length; a rung is reached when all are recorded

    def __post_init__(self) -> None:
        if self.eta < 2:
            raise ValueError(f"stopping.eta = {self.eta}: at least 2")

    def places(self, num_trials: int, rung: int) -> int:
        """How many of the trials go on from a rung; rung 0 is the start."""
        return math.ceil(num_trials / self.eta**rung)


def at_rung(records: Iterable[Record], length: int, num_factors: int = 1) -> float | None:
    """The trial's best box AP at rung `length`; None until each drop factor's tail is recorded."""
    tails = [record for record in records if record["length"] == length]
    if len({record["factor"] for record in tails}) < num_factors:
        return None
    return max(map(box_ap, tails))


def verdict(
    trial_id: str,
    records: Mapping[str, Sequence[Record]],
    under_way: Collection[str],
    unborn: int,
    lengths: Sequence[int],
    halving: Halving,
) -> tuple[Verdict, int | None]:
    """What the trial is to do now, and the rung at which that was decided.

    Equal values go on together: they are no ground to stop one and not the other.

    Args:
        trial_id: the trial in question.
        records: those of every tuning trial of its arm and size, by trial id, its own included.
        under_way: trials among them that may still record something.
        unborn: trials of the budget that have not begun.
        lengths: that the trials run through, ascending; all but the last are rungs.
        halving: the rule.
    """
    num_trials = len(records) + unborn
    for rung, length in reversed(list(enumerate(lengths[:-1], start=1))):
        values = {key: at_rung(rows, length, halving.num_factors) for key, rows in records.items()}
        own = values.pop(trial_id)
        if own is None:
            continue
        places = halving.places(num_trials, rung)
        better = sum(value is not None and value > own for value in values.values())
        absent = unborn + sum(value is None and key in under_way for key, value in values.items())
        if better >= places:
            return Verdict.STOP, length
        return (Verdict.GO if better + absent < places else Verdict.WAIT), length
    return Verdict.GO, None


def box_ap(record: Record) -> float:
    """Box AP in points; where there is none (no objects to find) it ranks below all others."""
    value = record["AP_box"]
    return float(value) if value is not None and math.isfinite(value) else -math.inf
