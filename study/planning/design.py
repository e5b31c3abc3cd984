"""A study's design: its question and its budget.

The question stays fixed in a run directory; the budget may grow.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from study.config import Budget, LogUniform, RunConfig, ScheduleConfig, SearchSpace, to_dict
from study.config.arms import Arm
from study.config.checks.require import MOST_STUDY_SEED, require, whole
from study.config.question import asked
from study.planning.search.search import Search
from study.planning.stopping import Halving, Rungs, Stopping


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is asked, of which arms, how it is searched, and how much may be spent on it."""

    space: SearchSpace
    arms: tuple[Arm, ...]
    budget: Budget = field(default_factory=Budget)
    seed: int = 0
    search: Search = field(default_factory=Search)
    schedule: Literal["shared", "independent"] = "shared"
    tails: Literal["every", "last"] = "every"
    stopping: Stopping | None = field(default_factory=lambda: Stopping(Halving()))  # None: none

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "at least 0")
        whole("seed", self.seed, 0, MOST_STUDY_SEED)
        names = [arm.name for arm in self.arms]
        require(len(set(names)) == len(names), "arms", names, "each once")
        on_tails = self.stopping is not None and self.stopping.by == "tail"
        rule = (
            "trials are compared by their tails, which most lengths then lack; compare them by"
            " --compare average, or stop none (--stopping none)"
        )
        require(not on_tails or self.tails == "every", "tails", self.tails, rule)
        rule = (
            "separate runs have no common trunk to compare; use --compare tail, or the shared"
            " schedule"
        )
        trunk = self.stopping is not None and not on_tails
        by = self.stopping and self.stopping.by
        require(not trunk or self.schedule == "shared", "compare", by, rule)
        for size in self.space.scientific.sizes:
            self.schedule_at(size)  # refused here, as are lengths that do not fit the tail
        for name, limits in self.space.nuisance.ranges.items():
            for value in (limits.low, limits.high):
                self._require_possible(name, value)

    def _require_possible(self, name: str, value: float) -> None:
        """Raises ValueError where a range has an end that the optimiser does not take: a trial
        there would be refused when others have been trained.
        """
        try:
            self.space.fixed.optim.at({name: value})
        except ValueError as error:
            limits = self.space.nuisance.ranges[name]
            told = f"{name} from {limits.low:g} to {limits.high:g}"
            raise ValueError(f"nuisance.ranges = {told}: {error}; narrow the range") from error

    @property
    def cells(self) -> list[Cell]:
        return [Cell(arm, size) for size in self.space.scientific.sizes for arm in self.arms]

    @property
    def confirm_runs(self) -> int:
        """Of each cell, if no arm chooses another's setting by itself."""
        budget = self.budget
        return budget.finalists * budget.first + (len(self.arms) - 1) * budget.crossed

    def cells_at(self, size: int) -> list[Cell]:
        """Every arm at one size: what is compared, and pays the same."""
        return [cell for cell in self.cells if cell.size == size]

    def lengths_at(self, size: int) -> tuple[int, ...]:
        """The lengths (iterations) that were given for that size; the ladder may grow beyond."""
        return self.space.nuisance.at(size).lengths

    @property
    def grows(self) -> bool:
        """Whether lengths are added while the longest is the best."""
        # the later stages of a cascade join by the last length: longer ones share no trunk with it
        return self.budget.growth > 1 and self.space.fixed.schedule.cascade_last is None

    def schedule_at(self, size: int) -> ScheduleConfig:
        """What a tuning trial of that size walks, if nothing stops it."""
        if size not in self._schedules:  # asked for again at every record
            self._schedules[size] = self._schedule(size)
        return self._schedules[size]

    @cached_property
    def _schedules(self) -> dict[int, ScheduleConfig]:
        return {}

    def _schedule(self, size: int) -> ScheduleConfig:
        nuisance = self.space.nuisance.at(size)
        schedule = replace(
            self.space.fixed.schedule,
            lengths=nuisance.lengths,
            factors=nuisance.factors,
            shared=self.schedule == "shared",
            tails=self.tails,
        )
        if self.stopping is None or self.stopping.by == "tail":
            return schedule
        rule, by = self.stopping.rule, self.stopping.by
        rungs = Rungs(rule, by, schedule).places(self.budget.trials)
        watch = tuple(schedule.fork(length) for length in rungs)
        return replace(schedule, watch=watch, watched=(by,))

    @property
    def grid(self) -> int | None:
        """The number of points of a grid; None for another search."""
        return self.search.grid(self.budget.trials)

    def rungs_at(self, size: int) -> Rungs | None:
        """How the trials of one arm are compared at that size; None: they are not."""
        if self.stopping is None:
            return None
        return Rungs(self.stopping.rule, self.stopping.by, self.schedule_at(size))

    def ranges_at(self, size: int) -> dict[str, LogUniform]:
        """What is searched at that size before any extension, by name."""
        return self.space.nuisance.at(size).ranges

    @property
    def names(self) -> tuple[str, ...]:
        """The hyper-parameters that are searched."""
        return self.space.nuisance.names

    def question(self, data: dict[str, Any]) -> dict[str, Any]:
        """What may not change within a run directory; `data`: digests of the data set."""
        return {
            "space": self.space.name,
            "arms": {arm.name: arm.identity for arm in self.arms},
            "sizes": list(self.space.scientific.sizes),
            "seed": self.seed,
            "search": self.search.question(self.budget.trials),
            "schedule": self.schedule,
            "tails": self.tails,
            "stopping": self.stopping.question() if self.stopping else None,
            "nuisance": to_dict(self.space.nuisance),
            "fixed": self._fixed(self.space.fixed),
            "data": data,
        }

    def unsaid(self) -> dict[str, Any]:
        """What an older run directory means where it does not mention a field of the question."""
        return {"fixed": self._fixed(RunConfig())}

    def _fixed(self, run: RunConfig) -> dict[str, Any]:
        found = to_dict(asked(run))
        for name in self.names:
            del found["optim"][name]  # searched
        return found


@dataclass(frozen=True)
class Cell:
    """One arm at one size."""

    arm: Arm
    size: int

    @property
    def name(self) -> str:
        return f"{self.arm.name}-{self.size}"
