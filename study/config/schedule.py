"""The learning rate as a pure function of the step; a run as trunk and tails.

"Rethinking ImageNet Pre-training" (Sec. 3) divides the rate by ten at T - 60k and T - 20k for
*every* length T, so that all lengths share their constant-rate phase. A run therefore walks one
trunk and leaves it for a tail at each length; what a tail computes is what a separate run of that
length would have computed, bit for bit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal

from study.config.checks.kinds import require_kinds
from study.config.checks.require import MOST_LENGTH, MOST_LISTED, require
from study.config.question import apart

Evaluation = tuple[str, str]
"""What a record is known by: the leg's name, and which weights were evaluated at its end."""


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Lengths T in iterations; every T ends in the same tail ("Rethinking", Sec. 3).

    The rate is multiplied by `factor` at T - tail[0] and again at T - tail[1]. All lengths share
    the constant-rate trunk before that, which may be evaluated too, at the iterations of `watch`:
    its weights as they are ("trunk"), or their moving average ("average").
    """

    lengths: tuple[int, ...] = apart((400,))
    tail: tuple[int, int] = (50, 16)  # iterations before the end
    factors: tuple[float, ...] = apart((0.1,))
    warmup: int = 40  # iterations, linear
    cascade_last: int | None = None  # later stages join so many iterations before the end
    shared: bool = apart(True)  # one trunk for all; otherwise each length and factor starts anew
    tails: Literal["every", "last"] = apart("every")  # the lengths that are ended by their tails
    watch: tuple[int, ...] = apart(())  # iterations of the trunk
    watched: tuple[Literal["trunk", "average"], ...] = apart(("average",))

    def __post_init__(self) -> None:
        require_kinds(self, "schedule.")
        lengths, tail = self.lengths, self.tail
        few = max(len(lengths), len(self.factors)) <= MOST_LISTED
        require(few, "schedule.lengths", lengths, f"at most {MOST_LISTED}, as of factors")
        rule = f"at most {MOST_LENGTH:,} iterations"
        require(max(lengths, default=0) <= MOST_LENGTH, "schedule.lengths", lengths, rule)
        ascending = bool(lengths) and list(lengths) == sorted(set(lengths))
        require(ascending, "schedule.lengths", lengths, "at least one, ascending")
        require(tail[0] >= tail[1] >= 0, "schedule.tail", tail, "first drop before the second")
        require(
            lengths[0] > tail[0],
            "schedule.lengths",
            lengths,
            f"each longer than the tail of {tail[0]} iterations",
        )
        good = bool(self.factors) and all(0 < f <= 1 for f in self.factors)
        require(good, "schedule.factors", self.factors, "at least one, each in (0, 1]")
        different = len({f"{factor:g}" for factor in self.factors}) == len(self.factors)
        require(different, "schedule.factors", self.factors, "each once, to six digits")
        require(self.warmup >= 0, "schedule.warmup", self.warmup, "0 or more iterations")
        on_trunk = all(0 < iteration <= lengths[-1] - tail[0] for iteration in self.watch)
        ascending = list(self.watch) == sorted(set(self.watch))
        rule = f"ascending, within the trunk of {lengths[-1] - tail[0]} iterations"
        require(on_trunk and ascending, "schedule.watch", self.watch, rule)
        last = self.cascade_last
        require(last is None or last > 0, "schedule.cascade_last", last, "above 0")
        rule = (
            f"one length where a cascade's later stages join {last} iterations before the end, for"
            " several would not share their trunk"
        )
        require(last is None or len(lengths) == 1, "schedule.lengths", lengths, rule)
        alone = self.shared or (self.tails == "every" and not self.watch)
        rule = "separate runs have no common trunk to watch, and each has its tail"
        require(alone, "schedule.shared", self.shared, rule)

    def fork(self, length: int) -> int:
        """The iteration at which a length leaves the trunk."""
        return length - self.tail[0]

    def up_to(self, length: int) -> ScheduleConfig:
        """The same schedule, ended at one of its lengths."""
        return dataclasses.replace(
            self,
            lengths=tuple(one for one in self.lengths if one <= length),
            watch=tuple(one for one in self.watch if one <= self.fork(length)),
        )


@dataclass(frozen=True)
class Leg:
    """Iterations `start` to `stop` of a run; a tail also knows its length and drop factor."""

    start: int
    stop: int
    length: int | None = None  # of the run that ends here; None: trunk
    factor: float | None = None
    trunk: str = ""  # on which it lies, or which it leaves; there is one, unless runs are separate
    evaluated: tuple[str, ...] = ()  # weights: "tail"; or "trunk" and "average" on the way

    @property
    def is_tail(self) -> bool:
        return self.length is not None

    @cached_property
    def name(self) -> str:
        """What records and checkpoints call this leg."""
        if self.is_tail:
            return f"tail-{self.length}-{self.factor:g}"
        return f"trunk-{self.stop}" + (f"-of-{self.trunk}" if self.trunk else "")

    def needs(self, walked: Leg) -> bool:
        """Whether this leg must be found, with what is evaluated, at the end of a trunk's leg."""
        here = self == walked and bool(self.evaluated)
        return here or (self.is_tail and (self.trunk, self.start) == (walked.trunk, walked.stop))

    def pending(self, recorded: Collection[Evaluation]) -> list[str]:
        """The weights still to be evaluated at its end."""
        return [weights for weights in self.evaluated if (self.name, weights) not in recorded]

    def without(self, recorded: Collection[Evaluation]) -> Leg:
        """The same leg, with what is still to be evaluated at its end."""
        left = tuple(self.pending(recorded))
        return self if left == self.evaluated else replace(self, evaluated=left)


def legs(schedule: ScheduleConfig) -> list[Leg]:
    """Trunk to the first fork, that length's tails, trunk to the next fork, and so on."""
    return list(_legs(schedule))


@lru_cache(maxsize=1024)  # a driver asks for those of all its trials, again and again
def _legs(schedule: ScheduleConfig) -> Sequence[Leg]:
    if not schedule.shared:
        return _separate(schedule)
    tailed = schedule.lengths if schedule.tails == "every" else schedule.lengths[-1:]
    forks = {schedule.fork(length): length for length in tailed}
    walk: list[Leg] = []
    for start, stop in pairwise(sorted({0, *forks, *schedule.watch})):
        walk.append(Leg(start, stop, evaluated=schedule.watched if stop in schedule.watch else ()))
        if stop in forks:
            walk += [_tail(schedule, forks[stop], factor) for factor in schedule.factors]
    return walk


def remaining(schedule: ScheduleConfig, recorded: Collection[Evaluation]) -> list[Leg]:
    """The legs that lead to something not recorded, each with what is still to be evaluated.

    Those of a trunk already walked are among them, for what lies behind may have been lost.
    """
    walk = [leg.without(recorded) for leg in _legs(schedule)]
    last = {leg.trunk: i for i, leg in enumerate(walk) if leg.evaluated}
    return [
        leg
        for i, leg in enumerate(walk)
        if i <= last.get(leg.trunk, -1) and (leg.evaluated or not leg.is_tail)
    ]


def lr(base: float, schedule: ScheduleConfig, leg: Leg, iteration: int) -> float:
    """The learning rate of `iteration` (from 0): linear warm-up, constant, two drops in a tail."""
    rate = base * min(1.0, (iteration + 1) / schedule.warmup) if schedule.warmup else base
    if leg.length is not None and leg.factor is not None:
        for before_end in schedule.tail:
            if iteration >= leg.length - before_end:
                rate *= leg.factor
    return rate


def averaging(schedule: ScheduleConfig, iteration: int) -> float:
    """Decay of the trunk's moving average at `iteration`: it looks back as far as a tail is long.

    The average stands in for the tail, so it has the tail's length and no parameter of its own.
    Early on it looks back over a tenth of what there is, or the initial weights would weigh in.
    """
    return min(1 - 1 / max(schedule.tail[0], 1), (1 + iteration) / (10 + iteration))


def cascades(schedule: ScheduleConfig, iteration: int) -> bool:
    """Whether the later stages of a cascade are there in `iteration` (from 0), or the first alone.

    "Rethinking" (Sec. 5) trains its cascade from scratch as plain Mask R-CNN at first and switches
    a fixed number of iterations before the end, to save time.
    """
    last = schedule.cascade_last
    return last is None or iteration >= schedule.lengths[-1] - last


def iterations(schedule: ScheduleConfig, lengths: int | None = None) -> int:
    """Iterations that the run executes, or one that ends with its first `lengths` lengths."""
    if lengths == 0:
        return 0
    ended = schedule.up_to(schedule.lengths[lengths - 1]) if lengths else schedule
    return sum(leg.stop - leg.start for leg in legs(ended))


def independent_iterations(schedule: ScheduleConfig) -> int:
    """What separate runs of every (length, factor) would have executed."""
    return sum(schedule.lengths) * len(schedule.factors)


def _separate(schedule: ScheduleConfig) -> list[Leg]:
    """Every length and drop factor as a run of its own: the paper's protocol, literally."""
    walk: list[Leg] = []
    for length in schedule.lengths:
        for factor in schedule.factors:
            own = f"{length}-{factor:g}"
            tail = _tail(schedule, length, factor, own)
            walk += [Leg(0, tail.start, trunk=own), tail]
    return walk


def _tail(schedule: ScheduleConfig, length: int, factor: float, trunk: str = "") -> Leg:
    return Leg(schedule.fork(length), length, length, factor, trunk, ("tail",))
