"""A search space: what is compared, what is tuned, and what may be spent."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

from study.config.checks.kinds import require_kinds
from study.config.checks.meant import hint
from study.config.checks.require import (
    MOST_IMAGES,
    MOST_LENGTH,
    MOST_LISTED,
    MOST_RUNS,
    MOST_TRIALS,
    require,
    whole,
)
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
        require_kinds(self)
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
        require_kinds(self)
        require(len(set(self.arms)) == len(self.arms) >= 1, "arms", self.arms, "each once")
        few = max(len(self.arms), len(self.sizes)) <= MOST_LISTED
        require(few, "sizes", self.sizes, f"at most {MOST_LISTED}, as of arms")
        ok = bool(self.sizes) and list(self.sizes) == sorted(set(self.sizes))
        require(ok and self.sizes[0] >= 1, "sizes", self.sizes, "ascending, each at least 1")
        rule = f"at most {MOST_IMAGES:,} images each"
        require(self.sizes[-1] <= MOST_IMAGES, "sizes", self.sizes, rule)


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
        require_kinds(self, "nuisance.")
        for name in sorted(self.ranges.keys() - known):
            rule = f"no such hyper-parameter; {hint(name, known)}one of {', '.join(known)}"
            require(False, "nuisance.ranges", name, rule)
        require(bool(self.ranges), "nuisance.ranges", self.ranges, "at least one to search")
        for lengths in (self.lengths, *self.longer.values()):
            ok = bool(lengths) and list(lengths) == sorted(set(lengths)) and lengths[0] >= 1
            require(ok, "nuisance.lengths", lengths, "at least one, ascending, each at least 1")
            few = len(lengths) <= MOST_LISTED and lengths[-1] <= MOST_LENGTH
            rule = f"at most {MOST_LISTED}, of at most {MOST_LENGTH:,} iterations each"
            require(few, "nuisance.lengths", lengths, rule)

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
        require_kinds(self)
        for name, (low, high) in dict(
            trials=(1, MOST_TRIALS),
            finalists=(1, MOST_TRIALS),
            confirm=(0, MOST_RUNS),
            cross=(0, MOST_RUNS),
            extend=(0, 10),
        ).items():
            value = getattr(self, name)
            require(value >= low, name, value, f"at least {low}")
            whole(name, value, low, high)
        require(0 <= self.audit <= 1, "audit", self.audit, "a share between 0 and 1")
        rule = "at least 1.1, or 1 for lengths that never grow"
        require(self.growth == 1 or self.growth >= 1.1, "growth", self.growth, rule)
        require(self.growth <= 100, "growth", self.growth, "at most 100")
        wide = self.within is None or self.within > 0
        require(wide, "within", self.within, "more than 0 AP")
        fine = self.within is None or 0.01 <= self.within <= 100
        require(fine, "within", self.within, "from 0.01 to 100 AP")
        rule = "at least 2, for one run has no interval"
        require(self.most_confirm >= 2, "most_confirm", self.most_confirm, rule)
        whole("most_confirm", self.most_confirm, 2, MOST_RUNS)
        require(1 <= self.max_times <= 10_000, "max_times", self.max_times, "from 1 to 10,000")
        if self.max_length is not None:
            whole("max_length", self.max_length, 1, MOST_LENGTH, " iterations")

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

    def __post_init__(self) -> None:
        require_kinds(self)
        fast = self.assumed_speed is None or self.assumed_speed > 0
        require(fast, "assumed_speed", self.assumed_speed, "above 0, or None")
