"""A study's question and budget: what is asked, of whom, and how much may be spent on it.

The question stays fixed in a run directory; the budget may grow.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from study.config import Budget, LogUniform, ScheduleConfig, SearchSpace, to_dict
from study.config.arms import Arm
from study.planning.search import Search, Strategy
from study.planning.stopping import Halving, KeepBest, Metric, Rungs


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A study's question and budget."""

    space: SearchSpace
    arms: tuple[Arm, ...]
    budget: Budget = field(default_factory=Budget)
    seed: int = 0
    search: Strategy = "sobol+tpe"
    paired: int = 8  # of sobol+tpe: points per arm and size that are the same for every arm
    schedule: Literal["shared", "independent"] = "shared"
    tails: Literal["every", "last"] = "every"
    rule: Halving | KeepBest | None = field(default_factory=Halving)  # None: nothing stops
    rung: Metric = "tail"

    def __post_init__(self) -> None:
        for name, low in (("seed", 0), ("paired", 0)):
            value = getattr(self, name)
            if value < low:
                raise ValueError(f"{name} = {value}: at least {low}")
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError(f"arms = {names}: each once")
        on_tails = self.rule is not None and self.rung == "tail"
        if on_tails and self.tails == "last":
            raise ValueError(
                "tails = 'last': trials are compared by their tails, which most lengths then lack;"
                " compare them by --rung average, or stop none"
            )
        if self.rule is not None and not on_tails and self.schedule == "independent":
            raise ValueError(
                f"rung = {self.rung!r}: separate runs have no common trunk to compare; use"
                " --rung tail, or the shared schedule"
            )
        for size in self.space.scientific.sizes:
            self.schedule_at(size)  # refused here, as are lengths that do not fit the tail

    @property
    def cells(self) -> list[Cell]:
        return [Cell(arm, size) for size in self.space.scientific.sizes for arm in self.arms]

    @property
    def confirm_runs(self) -> int:
        """Of each cell, if no arm chooses another's setting by itself."""
        budget = self.budget
        return budget.finalists * budget.confirm + (len(self.arms) - 1) * budget.crossed

    def cells_at(self, size: int) -> list[Cell]:
        """Every arm at one size: what is compared, and pays the same."""
        return [cell for cell in self.cells if cell.size == size]

    def schedule_at(self, size: int) -> ScheduleConfig:
        """What a tuning trial of that size walks, if nothing stops it."""
        nuisance = self.space.nuisance.at(size)
        schedule = replace(
            self.space.fixed.schedule,
            lengths=nuisance.lengths,
            factors=nuisance.factors,
            shared=self.schedule == "shared",
            tails=self.tails,
        )
        if self.rule is None or self.rung == "tail":
            return schedule
        rungs = Rungs(self.rule, self.rung, schedule).places(self.budget.trials)
        watch = tuple(schedule.fork(length) for length in rungs)
        return replace(schedule, watch=watch, watched=(self.rung,))

    @property
    def grid(self) -> int | None:
        """The number of points of a grid; None for another search."""
        return self.budget.trials if self.search == "grid" else None

    def rungs_at(self, size: int) -> Rungs | None:
        """How the trials of one arm are compared at that size; None: they are not."""
        if self.rule is None:
            return None
        return Rungs(self.rule, self.rung, self.schedule_at(size))

    def ranges_at(self, size: int) -> dict[str, LogUniform]:
        """What is searched at that size before any extension, by name."""
        nuisance = self.space.nuisance.at(size)
        return {"lr": nuisance.lr, "weight_decay": nuisance.weight_decay}

    def points(self, size: int) -> Search:
        """The search that every arm makes at a size."""
        return Search(
            nuisance=self.space.nuisance.at(size),
            strategy=self.search,
            num_trials=self.budget.trials,
            paired=self.paired,
            seed=self.seed,
        )

    def question(self, data: dict[str, Any]) -> dict[str, Any]:
        """What may not change within a run directory; `data`: digests of the data set."""
        fixed = to_dict(self.space.fixed)
        for key in ("trial_id", "arm", "init", "size", "draw", "seed", "split"):
            del fixed[key]  # differ from trial to trial
        for key in ("device", "threads", "checkpoint_every", "keep_detections"):
            del fixed[key]  # where and how it runs and what it leaves behind, not what it is
        for key in ("train", "val", "tune"):
            del fixed["data"][key], fixed["data"][f"{key}_images"]  # digests say it
        for key in ("root", "train_within", "annotated_only", "digests"):
            del fixed["data"][key]  # so here
        for part, key in (("optim", "lr"), ("optim", "weight_decay")):
            del fixed[part][key]
        for key in ("lengths", "factors", "shared", "tails", "watch", "watched"):
            del fixed["schedule"][key]
        return {
            "space": self.space.name,
            "arms": {arm.name: arm.identity for arm in self.arms},
            "sizes": list(self.space.scientific.sizes),
            "seed": self.seed,
            "search": self.search,
            # a larger grid does not contain the smaller one
            "grid": self.grid,
            "paired": self.paired if self.search == "sobol+tpe" else None,
            "schedule": self.schedule,
            "tails": self.tails,
            "stopping": self._stopping(),
            "nuisance": to_dict(self.space.nuisance),
            "fixed": fixed,
            "data": data,
        }

    def _stopping(self) -> dict[str, Any] | None:
        if self.rule is None:
            return None
        name = "halving" if isinstance(self.rule, Halving) else "best"
        return {"rule": name, "by": self.rung} | asdict(self.rule)


@dataclass(frozen=True)
class Cell:
    """One arm at one size."""

    arm: Arm
    size: int

    @property
    def name(self) -> str:
        return f"{self.arm.name}-{self.size}"
