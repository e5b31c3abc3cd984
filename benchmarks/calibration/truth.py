"""What a study is drawn from: what an arm is expected to score, noise, and how it is asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from study.config import Budget, OptimConfig, RunConfig, ScheduleConfig, Scientific, SearchSpace
from study.config.arms import Arm
from study.planning.design import Design

CONFIRM = (2, 3, 5)  # runs of each arm's choice; the first few of the same study
REFERENCE = "scratch"
ARMS = (REFERENCE, "pretext")
SIZES = (64, 256, 1024, 4096)


@dataclass(frozen=True, kw_only=True)
class Surface:
    """What one arm at one size is expected to score."""

    peak: float = 30.0  # AP, reached with the best setting and endless training
    lr: float = 0.03  # the best
    width: float = 0.5  # decades beside it at which 39 % are lost
    weight_decay: float = 3e-4
    slowness: float = 110.0  # iterations to 63 % of the peak

    def ap(self, lr: float, weight_decay: float, length: int) -> float:
        off = math.log10(lr / self.lr) / self.width
        off_decay = math.log10(weight_decay / self.weight_decay) / 3.0
        fit = math.exp(-0.5 * (off**2 + off_decay**2))
        return self.peak * fit * (1 - math.exp(-length / self.slowness))

    def best(self, lengths: Sequence[int]) -> float:
        return self.ap(self.lr, self.weight_decay, lengths[-1])


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Where the scatter of single runs comes from; variances add up to the square of `spread`."""

    spread: Sequence[float] = (1.8, 1.5, 1.3, 1.2)  # standard deviation of a run, AP, by size
    shared: float = 0.2  # share of the variance that a seed and draw bring to both arms alike
    arm: float = 0.3  # share that they bring to one arm, whatever its setting
    sizes: float = 0.25  # of these two, the share that is the same at all sizes
    images: float = 0.0  # what the report split's images do to an arm, in spreads
    first: float = 1.0  # how much more the first arm's runs scatter than those of the others


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A truth, and how a study asks about it."""

    name: str
    surfaces: Callable[[str, int], Surface]  # by arm and place of the size
    noise: Noise = field(default_factory=Noise)
    sizes: tuple[int, ...] = SIZES
    trials: int = 8
    arms: tuple[str, ...] = ARMS
    pinned: float | None = (
        None  # what each arm's lead over the first, with the settings chosen, is made to be
    )
    equal: bool = False  # whether the arms, each at its best, are

    @cached_property
    def design(self) -> Design:
        """What a sweep would be asked."""
        space = SearchSpace(
            name="calibration",
            scientific=Scientific(arms=self.arms, sizes=self.sizes),
            fixed=RunConfig(
                optim=OptimConfig(batch_size=8), schedule=ScheduleConfig(tail=(44, 14), warmup=0)
            ),
        )
        budget = Budget(trials=self.trials, confirm=max(CONFIRM), cross=0, audit=0.0, extend=0)
        arms = tuple(Arm(name, None) for name in self.arms)
        return Design(space=space, arms=arms, budget=budget)
