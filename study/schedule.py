"""The learning rate as a pure function of the step; a run as trunk and tails.

"Rethinking ImageNet Pre-training" (Sec. 3) divides the rate by ten at T - 60k and T - 20k for
*every* length T, so that all lengths share their constant-rate phase. A run therefore walks one
trunk and leaves it for a tail at each length; what a tail computes is what a separate run of that
length would have computed, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from study.config import ScheduleConfig


@dataclass(frozen=True)
class Leg:
    """Iterations `start` to `stop` of a run; a tail also knows its length and drop factor."""

    start: int
    stop: int
    length: int | None = None  # of the run that ends here; None: trunk
    factor: float | None = None

    @property
    def is_tail(self) -> bool:
        return self.length is not None

    @property
    def name(self) -> str:
        """What records and checkpoints call this leg."""
        return f"tail-{self.length}-{self.factor:g}" if self.is_tail else f"trunk-{self.stop}"


def legs(schedule: ScheduleConfig) -> list[Leg]:
    """Trunk to the first fork, that length's tails, trunk to the next fork, and so on."""
    forks = [length - schedule.tail[0] for length in schedule.lengths]
    walk: list[Leg] = []
    for (start, fork), length in zip(pairwise([0, *forks]), schedule.lengths, strict=True):
        walk.append(Leg(start, fork))
        walk.extend(Leg(fork, length, length, factor) for factor in schedule.factors)
    return walk


def lr(base: float, schedule: ScheduleConfig, leg: Leg, iteration: int) -> float:
    """The learning rate of `iteration` (from 0): linear warm-up, constant, two drops in a tail."""
    rate = base * min(1.0, (iteration + 1) / schedule.warmup) if schedule.warmup else base
    if leg.length is not None and leg.factor is not None:
        for before_end in schedule.tail:
            if iteration >= leg.length - before_end:
                rate *= leg.factor
    return rate


def iterations(schedule: ScheduleConfig, lengths: int | None = None) -> int:
    """Iterations that the run executes up to and including its first `lengths` lengths."""
    count = len(schedule.lengths) if lengths is None else lengths
    tails = count * len(schedule.factors) * schedule.tail[0]
    return schedule.lengths[count - 1] - schedule.tail[0] + tails if count else 0


def independent_iterations(schedule: ScheduleConfig) -> int:
    """What separate runs of every (length, factor) would have executed."""
    return sum(schedule.lengths) * len(schedule.factors)
