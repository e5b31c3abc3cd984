"""The simple baseline: all trials run to one rung, the best few of them to the end.

Such a rule is what cleverer ones must beat (Egele et al., "The unreasonable effectiveness of early
discarding after one epoch", 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from study.config.checks.kinds import require_kinds
from study.config.checks.require import MOST_COUNT, require, whole


@dataclass(frozen=True)
class KeepBest:
    """All but the best few of an arm and size stop at one length."""

    name: ClassVar[str] = "best"

    trials: int = 1
    """Trials of each arm and size that go on to the end."""
    rung: int = 1
    """The length at which the others stop; the first is 1."""

    def __post_init__(self) -> None:
        require_kinds(self, "best.")
        require(self.trials >= 1, "best.trials", self.trials, "at least 1")
        require(self.rung >= 1, "best.rung", self.rung, "at least 1")
        whole("best.trials", self.trials, 1, MOST_COUNT)
        whole("best.rung", self.rung, 1, MOST_COUNT)

    @property
    def bracket(self) -> None:
        """All trials are compared with each other."""
        return None

    def places(self, num_trials: int, lengths: Sequence[int]) -> dict[int, int]:
        """One rung, or none where there are too few lengths."""
        return dict.fromkeys(lengths[self.rung - 1 : self.rung], self.trials)

    def gentler(self) -> list[str]:
        """More trials that go on."""
        return [f"--best.trials above {self.trials}"]
