"""Which trials stop early, and on what grounds.

The rungs are lengths. At each of them a rule says how many trials of an arm and size go on
(`Halving`, `KeepBest`). A trial that cannot be judged yet is set aside and its place given to
another: workers never wait, trials do. That is the promotion form of ASHA (Li et al., MLSys 2020)
with one change, which a small budget needs: a trial is promoted only once no running trial could
change that decision, so that who goes on does not depend on who arrived first. ASHA lets the first
arrivals through whatever they are worth: of four trials it passes 2.7 on average, and another run
of the same study passes others. Brackets, a few consecutive trials each, keep that wait short: the
first winners are trained to the end, and the search learns from them, long before the budget is
spent, or grown.

Trials of other arms and sizes are never looked at, because a rung shared by both arms would stop
the slow starter and decide the question by accident.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from typing import Any, Literal

from study.config import ScheduleConfig
from study.planning.stopping.rule import Rule
from study.storage.run_dir import Record

Metric = Literal["tail", "average", "trunk"]
"""What trials are compared by: AP after the tail, or of the trunk's weights where it forks."""


class Decision(Enum):
    """What a trial that has reached a rung is to do."""

    GO = "goes on"
    WAIT = "waits for trials that may still be better"
    STOP = "stops"


@dataclass(frozen=True)
class Stopping:
    """A rule, and what trials are compared by at its rungs; part of a study's question."""

    rule: Rule
    by: Metric = "tail"

    def question(self) -> dict[str, Any]:
        """As the study records it."""
        assert is_dataclass(self.rule) and not isinstance(self.rule, type)
        return {"rule": self.rule.name, "by": self.by} | asdict(self.rule)


@dataclass(frozen=True)
class Rungs:
    """What the trials of one arm and size are compared by, and how many of them go on."""

    rule: Rule
    metric: Metric
    schedule: ScheduleConfig  # that all of them walk

    def brackets(self, num_trials: int) -> list[range]:
        """The indices of trials that are judged with each other; the last may be fewer."""
        step = self.rule.bracket or num_trials
        return [range(at, min(at + step, num_trials)) for at in range(0, num_trials, step)]

    def places(self, num_trials: int) -> dict[int, int]:
        """How many of a bracket's trials go on, by rung; the last length is no rung."""
        lengths = self.schedule.lengths
        places = self.rule.places(num_trials, lengths)
        return {length: count for length, count in places.items() if length != lengths[-1]}

    def value(self, records: Iterable[Record], length: int) -> float | None:
        """A trial's number at a rung; None until it is there.

        After tails it is the best box AP over the drop factors, when each is recorded.
        """
        if self.metric == "tail":
            tails = {r["factor"]: box_ap(r) for r in records if r["length"] == length}
            return max(tails.values()) if len(tails) == len(self.schedule.factors) else None
        fork = self.schedule.fork(length)
        there = (r for r in records if (r["weights"], r["iteration"]) == (self.metric, fork))
        return next(map(box_ap, there), None)

    def decide(
        self,
        trial_id: str,
        records: Mapping[str, Sequence[Record]],
        under_way: Collection[str],
        unborn: int,
    ) -> tuple[Decision, int | None]:
        """What the trial is to do now, and the rung (a length) at which that was decided.

        Equal values go on together: they are no ground to stop one and not the other.

        Args:
            trial_id: the trial in question.
            records: those of every trial that it is judged with, its own included.
            under_way: trials among them that may still record something.
            unborn: how many more of them the budget has that have not begun.
        """
        places = self.places(len(records) + unborn)
        for length in sorted(places, reverse=True):
            values = {key: self.value(rows, length) for key, rows in records.items()}
            own = values.pop(trial_id)
            if own is None:
                continue
            better = sum(value is not None and value > own for value in values.values())
            absent = sum(value is None and key in under_way for key, value in values.items())
            if better >= places[length]:
                return Decision.STOP, length
            safe = better + absent + unborn < places[length]
            return (Decision.GO if safe else Decision.WAIT), length
        return Decision.GO, None

    def wait(
        self,
        length: int,
        records: Mapping[str, Sequence[Record]],
        under_way: Collection[str],
        unborn: int,
    ) -> Wait:
        """Who is at the rung and who may still come; the arguments are those of `decide`."""
        come = {key for key, rows in records.items() if self.value(rows, length) is not None}
        absent = sum(key in under_way for key in records.keys() - come)
        return Wait(length, len(come), len(come) + absent + unborn)


@dataclass(frozen=True)
class Wait:
    """Why a trial is set aside: others that it is compared with have not come as far."""

    length: int  # the rung
    come: int  # trials that are there, this one included
    number: int  # those and the ones that may still come


def is_audited(trial_id: str, seed: int, share: float) -> bool:
    """Whether the trial, should it be stopped, is continued all the same to see what was lost.

    A function of the trial alone: what an audit finds is a fair sample of all stops.
    """
    drawn = hashlib.sha256(f"audit {seed} {trial_id}".encode()).digest()
    return int.from_bytes(drawn[:8]) < share * 2**64


def box_ap(record: Record) -> float:
    """Box AP in points; where there is none (no objects to find) it ranks below all others."""
    value = record["AP_box"]
    return float(value) if value is not None and math.isfinite(value) else -math.inf
