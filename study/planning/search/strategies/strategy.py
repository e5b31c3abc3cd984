"""What a strategy is asked, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from study.config import LogUniform
from study.planning.search.proposal import Outcome, Values


@dataclass(frozen=True)
class Asked:
    """One question to a strategy: the point of trial `index` (from 0) of an arm and size."""

    ranges: Mapping[str, LogUniform]
    index: int
    num_trials: int  # of each arm and size in the whole study
    seed: int
    outcomes: Sequence[Outcome] = ()  # that arm's and size's earlier trials, running ones too
    follows: bool = False  # another strategy has proposed the first points

    @property
    def names(self) -> tuple[str, ...]:
        """The hyper-parameters that are searched, in the order of a point's coordinates."""
        return tuple(sorted(self.ranges))

    def at(self, unit: Sequence[float]) -> Values:
        """The values at `unit`, a coordinate in [0, 1] for each hyper-parameter."""
        pairs = zip(self.names, unit, strict=True)
        return {name: self.ranges[name].at(share) for name, share in pairs}


@dataclass(frozen=True)
class Strategy:
    """A way to propose points; the same for every arm."""

    name: str  # on the command line and in the records
    propose: Callable[[Asked], Values]
    learns: bool  # from outcomes; otherwise a point is a function of seed and index alone
