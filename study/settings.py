"""A study's question and budget: what is asked, of whom, and how much may be spent on it.

The question stays fixed in a run directory; the budget may grow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from study.arms import Arm
from study.config import ScheduleConfig, SearchSpace, to_dict
from study.search import Search, Strategy
from study.stopping import Halving


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A study's question and budget."""

    space: SearchSpace
    arms: tuple[Arm, ...]
    trials: int = 4  # per arm and size
    confirm: int = 2  # runs of the chosen setting, per arm and size
    seed: int = 0
    search: Strategy = "sobol"
    schedule: Literal["shared", "independent"] = "shared"
    eta: int | None = 2  # None: no stopping

    def __post_init__(self) -> None:
        for name, low in (("trials", 1), ("confirm", 0), ("seed", 0)):
            value = getattr(self, name)
            if value < low:
                raise ValueError(f"{name} = {value}: at least {low}")
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError(f"arms = {names}: each once")
        _ = self.halving  # refused here, as are lengths that do not fit the tail
        for size in self.space.scientific.sizes:
            self.schedule_at(size)

    @property
    def cells(self) -> list[Cell]:
        return [Cell(arm, size) for size in self.space.scientific.sizes for arm in self.arms]

    def schedule_at(self, size: int) -> ScheduleConfig:
        """The lengths and drop factors that a tuning trial runs through (or one of, if alone)."""
        nuisance = self.space.nuisance.at(size)
        schedule = self.space.fixed.schedule
        return replace(schedule, lengths=nuisance.lengths, factors=nuisance.factors)

    @property
    def halving(self) -> Halving | None:
        if self.eta is None or self.schedule == "independent":
            return None  # a separate run has no number at any length but its own
        return Halving(self.eta, len(self.space.nuisance.factors))

    def points(self, size: int) -> Search:
        """The search that every arm makes at a size."""
        return Search(
            nuisance=self.space.nuisance.at(size),
            strategy=self.search,
            num_trials=self.trials,
            seed=self.seed,
            separate_lengths=self.schedule == "independent",
        )

    def question(self, data: dict[str, Any]) -> dict[str, Any]:
        """What may not change within a run directory; `data`: digests of the data set."""
        fixed = to_dict(self.space.fixed)
        for key in ("trial_id", "arm", "init", "size", "draw", "seed", "split"):
            del fixed[key]  # differ from trial to trial
        for key in ("device", "threads", "checkpoint_every"):
            del fixed[key]  # where and how it runs, not what
        for key in ("train", "val", "tune"):
            del fixed["data"][key], fixed["data"][f"{key}_images"]  # digests say it
        for key in ("root", "train_within", "digests"):
            del fixed["data"][key]  # so here
        for part, key in (("optim", "lr"), ("optim", "weight_decay")):
            del fixed[part][key]
        for key in ("lengths", "factors"):
            del fixed["schedule"][key]
        return {
            "space": self.space.name,
            "arms": {arm.name: arm.identity for arm in self.arms},
            "sizes": list(self.space.scientific.sizes),
            "seed": self.seed,
            "search": self.search,
            # a larger grid does not contain the smaller one
            "grid": self._grid() if self.search == "grid" else None,
            "schedule": self.schedule,
            "stopping": {"eta": self.eta} if self.halving else None,
            "nuisance": to_dict(self.space.nuisance),
            "fixed": fixed,
            "data": data,
        }

    def _grid(self) -> list[list[int]]:
        return [list(self.points(size).grid_shape()) for size in self.space.scientific.sizes]


@dataclass(frozen=True)
class Cell:
    """One arm at one size."""

    arm: Arm
    size: int

    @property
    def name(self) -> str:
        return f"{self.arm.name}-{self.size}"
