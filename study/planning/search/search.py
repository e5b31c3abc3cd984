"""Where the next trial of an arm and size lies in the search space.

`first` proposes the first points; after `paired` of them `then` takes over, if there is one. Both
are names of strategies (`study.planning.search.strategies`), and the same for every arm.

Grid, random and Sobol points are functions of (seed, index): all arms are tried at the same
points, and the same command gives the same records on any machine, in any order, however often it
is killed. What TPE and the Gaussian process propose is a function of (seed, index, what is
recorded of that arm and size by then): with more than one trial at a time it depends on which
trial ended first, and two runs of a study differ. `--max-concurrent 1` makes them repeatable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from study.config import Nuisance
from study.config.checks.require import MOST_TRIALS, require, whole
from study.planning.search.proposal import Outcome, Proposal
from study.planning.search.strategies import Asked, named


@dataclass(frozen=True, kw_only=True)
class Search:
    """How settings are searched; part of a study's question."""

    first: str = "sobol"
    then: str | None = "tpe"
    paired: int = 8  # points of `first` for each arm and size, the same for every arm

    def __post_init__(self) -> None:
        first = named(self.first)
        require(self.paired >= 0, "paired", self.paired, "at least 0")
        whole("paired", self.paired, 0, MOST_TRIALS)
        if self.then is not None:
            named(self.then, "then")
            rule = "learns from its own first points: leave out --then, or begin with sobol"
            require(not first.learns, "search", self.first, rule)
            complete = self.first != "grid"
            rule = "a part of a grid covers a part of the ranges; leave out --then, or use sobol"
            require(complete, "search", self.first, rule)

    @property
    def label(self) -> str:
        """For people: sobol, or sobol then tpe."""
        return f"{self.first} then {self.then}" if self.then else self.first

    @property
    def repeats(self) -> bool:
        """Whether every proposal is a function of seed and index."""
        return not named(self.then or self.first).learns

    def grid(self, num_trials: int) -> int | None:
        """The number of points of a grid; None for another search."""
        return num_trials if self.first == "grid" else None

    def question(self, num_trials: int) -> dict[str, Any]:
        """What of it belongs to the question: a larger grid does not contain a smaller one."""
        paired = self.paired if self.then else None
        return asdict(self) | {"paired": paired, "points": self.grid(num_trials)}

    def learns_at(self, index: int) -> bool:
        """Whether proposal `index` depends on outcomes; the others need nothing read."""
        return named(self._at(index)).learns

    def propose(
        self,
        nuisance: Nuisance,
        index: int,
        num_trials: int,
        seed: int,
        outcomes: Sequence[Outcome],
    ) -> Proposal:
        """Proposal `index` (from 0) for an arm and size.

        Args:
            nuisance: what is searched at that size.
            index: of the trial within its arm and size.
            num_trials: of each arm and size; only a grid depends on it.
            seed: of the study.
            outcomes: of that arm's and size's earlier trials, running ones included; nothing
                depends on them unless `learns_at(index)`.
        """
        strategy = named(self._at(index))
        follows = strategy.name != self.first
        asked = Asked(nuisance.ranges, index, num_trials, seed, outcomes, follows)
        return Proposal(strategy.propose(asked), strategy.name)

    def _at(self, index: int) -> str:
        """The strategy that proposes `index`."""
        return self.then if self.then and index >= self.paired else self.first
