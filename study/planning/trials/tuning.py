"""What the tuning trials of an arm and size have shown, and which settings that makes the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from study.config import RunConfig
from study.planning.search.proposal import Outcome, Proposal, Values
from study.planning.stopping import box_ap
from study.planning.trials.best import rank
from study.storage.run_dir import Record, State

COMPARED = ("weights", "iteration", "length", "factor", "AP_box")
"""What trials are compared by: the fields of a record that a plan keeps in memory."""


@dataclass(frozen=True)
class TuningTrial:
    """A tuning trial as the run directory shows it."""

    trial_id: str
    index: int
    run: RunConfig
    values: Values  # of the hyper-parameters that are searched
    strategy: str
    state: State | None
    stopped_at: int | None  # the rung (a length) at which it was told to end
    promoted: int  # the last rung at which it was told to go on; 0: none yet
    in_strip: bool  # proposed beyond a range's end
    records: tuple[Record, ...]  # with the fields `COMPARED`, at least

    @property
    def tails(self) -> list[Record]:
        """The records of finished runs of some length; those of the trunk are left out."""
        return [r for r in self.records if r["length"] is not None and math.isfinite(box_ap(r))]

    @property
    def proposal(self) -> Proposal:
        return Proposal(self.values, self.strategy)

    @cached_property
    def by_length(self) -> dict[int, float]:
        """Box AP (points) by length, the best over the drop factors."""
        found: dict[int, float] = {}
        for record in self.tails:
            length = record["length"]
            found[length] = max(box_ap(record), found.get(length, -math.inf))
        return found

    def outcome(self) -> Outcome:
        """What a search strategy learns from it."""
        return Outcome(self.proposal, self.state, self.by_length)


@dataclass(frozen=True)
class Choice:
    """A setting that was tried: a tuning trial at one of its lengths and drop factors."""

    trial: TuningTrial
    length: int
    factor: float
    AP_box: float

    @property
    def values(self) -> Values:
        """Of the hyper-parameters that are searched."""
        return self.trial.values


def finalists(tried: Sequence[TuningTrial], count: int) -> list[Choice]:
    """The best result of each of the `count` best trials, best first.

    Stopped trials count. Trials without a tail that has an AP do not.
    """

    def order(choice: Choice) -> tuple[float, int, int]:
        return rank(choice.AP_box, choice.length, choice.trial.index)

    choices = [
        min((Choice(one, r["length"], r["factor"], box_ap(r)) for r in one.tails), key=order)
        for one in tried
        if one.tails
    ]
    return sorted(choices, key=order)[:count]


def up_to(length: int, tried: Sequence[TuningTrial]) -> list[TuningTrial]:
    """The trials as they stood before their ladder grew beyond the length."""
    return [
        replace(
            one,
            records=tuple(r for r in one.records if r["length"] is None or r["length"] <= length),
        )
        for one in tried
    ]


def chosen(tried: Sequence[TuningTrial]) -> Choice | None:
    """The best setting; None where no record has a finite AP."""
    return next(iter(finalists(tried, 1)), None)
