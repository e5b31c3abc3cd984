"""A search space: what is compared, what is tuned, and what may be spent."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

from study.config.require import require
from study.config.run import OptimConfig, RunConfig

FIRST = 4
"""Confirm runs of each arm and size that tell how much runs scatter, at least."""
FIRST_AT_1 = 7
"""As many for intervals of 1 AP to either side: half of what those are likely to need. Fewer would
tell so little of the scatter that more had to follow."""


@dataclass(frozen=True, kw_only=True)
class LogUniform:
    """A range searched uniformly in the logarithm, both ends included."""

    low: float
    high: float

    def __post_init__(self) -> None:
        require(0 < self.low <= self.high, "range", (self.low, self.high), "0 < low <= high")

    def at(self, unit: float) -> float:
        """The value at `unit` in [0, 1] of the range."""
        return float(self.low * (self.high / self.low) ** unit)


@dataclass(frozen=True, kw_only=True)
class Scientific:
    """What the study asks about: every arm at every size."""

    arms: tuple[str, ...] = ("scratch", "pretext")
    sizes: tuple[int, ...] = (24, 64)

    def __post_init__(self) -> None:
        require(len(set(self.arms)) == len(self.arms) >= 1, "arms", self.arms, "each once")
        ok = bool(self.sizes) and list(self.sizes) == sorted(set(self.sizes))
        require(ok and self.sizes[0] >= 1, "sizes", self.sizes, "ascending, each at least 1")


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """What is tuned, separately for each arm and size, over the same ranges.

    `ranges` has a range for each hyper-parameter of the trunk that is searched: any number in
    OptimConfig, by its name there. `lengths` and `factors` belong to tails. More images deserve
    longer training: `longer` holds other lengths, each from a number of images on.
    """

    ranges: dict[str, LogUniform] = field(
        default_factory=lambda: {
            "lr": LogUniform(low=0.005, high=0.1),
            "weight_decay": LogUniform(low=1e-5, high=1e-2),
        }
    )
    lengths: tuple[int, ...] = (100, 200, 400)
    longer: dict[int, tuple[int, ...]] = field(default_factory=dict)  # size: lengths
    factors: tuple[float, ...] = (0.1,)

    def __post_init__(self) -> None:
        known = [field.name for field in dataclasses.fields(OptimConfig)]
        for name in self.ranges:
            rule = f"no such hyper-parameter; one of {', '.join(known)}"
            require(name in known, "nuisance.ranges", name, rule)
        require(bool(self.ranges), "nuisance.ranges", self.ranges, "at least one to search")

    @property
    def names(self) -> tuple[str, ...]:
        """The hyper-parameters that are searched; a point of the search has them in this order."""
        return tuple(sorted(self.ranges))

    def at(self, size: int) -> Nuisance:
        """What is tuned for a training set of that size; `longer` is then empty."""
        reached = [start for start in self.longer if start <= size]
        lengths = self.longer[max(reached)] if reached else self.lengths
        return dataclasses.replace(self, lengths=lengths, longer={})


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What each arm may spend at each size, the same for all of them; it may grow later."""

    trials: int = 4  # for tuning
    finalists: int = 1  # best settings that are confirmed
    confirm: int = 2  # runs of each finalist: fresh seeds and draws, on the report split
    cross: int = 1  # how many of these also with each other arm's values, as the paper tuned
    audit: float = 0.1  # share of the stopped trials that are continued, to see what was lost
    extend: int = 1  # times that a range is extended when a best setting lies at its edge
    growth: float = 1.0  # factor by which lengths grow while the longest is the best; 1: never
    max_times: float = 4.0  # up to so many times the longest length that was given
    max_length: int | None = None  # iterations, instead of that
    within: float | None = None  # AP that the interval of each difference may reach either way
    most_confirm: int = 24  # runs of each finalist that may be spent on that

    def __post_init__(self) -> None:
        for name, low in dict(trials=1, finalists=1, confirm=0, cross=0, extend=0).items():
            value = getattr(self, name)
            require(value >= low, name, value, f"at least {low}")
        require(0 <= self.audit <= 1, "audit", self.audit, "a share between 0 and 1")
        rule = "at least 1.1, or 1 for lengths that never grow"
        require(self.growth == 1 or self.growth >= 1.1, "growth", self.growth, rule)
        wide = self.within is None or self.within > 0
        require(wide, "within", self.within, "more than 0 AP")
        rule = "at least 2, for one run has no interval"
        require(self.most_confirm >= 2, "most_confirm", self.most_confirm, rule)
        require(self.max_times >= 1, "max_times", self.max_times, "at least 1")
        low = self.max_length is None or self.max_length >= 1
        require(low, "max_length", self.max_length, "at least 1 iteration")

    @property
    def first(self) -> int:
        """Runs of each finalist that are always run; more follow where `within` asks for them."""
        if self.within is None:
            return self.confirm
        likely = min(math.ceil(FIRST_AT_1 / self.within**2), self.most_confirm)
        return max(self.confirm, FIRST, likely)

    @property
    def most_runs(self) -> int:
        """Runs of each finalist, at most."""
        return self.confirm if self.within is None else max(self.first, self.most_confirm)

    @property
    def crossed(self) -> int:
        """Cross-tuned runs that have a confirm run of the same seed to be compared with."""
        return min(self.cross, self.confirm)

    @property
    def extra(self) -> int:
        """Trials of each arm in each strip by which a range is extended."""
        return max(1, self.trials // 4)


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """One question: what is compared, what is tuned for each side, and what stays fixed."""

    name: str
    scientific: Scientific = field(default_factory=Scientific)
    nuisance: Nuisance = field(default_factory=Nuisance)
    fixed: RunConfig = field(default_factory=RunConfig)
    budget: Budget = field(default_factory=Budget)
    assumed_speed: float | None = None  # images per second of a GPU, for a bill without the data
