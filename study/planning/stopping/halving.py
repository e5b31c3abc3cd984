"""Successive halving in brackets.

What leads early is what starts fast. Of the measured settings of the embedded data
(benchmarks/README.md) tails at 0.14 of the longest length ranked no better than by chance, or in
reverse; at a third they told something.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from study.config.checks.kinds import require_kinds
from study.config.checks.require import MOST_COUNT, require, whole


@dataclass(frozen=True)
class Halving:
    """At the k-th length (from 1) the best `1/eta^k` of each bracket go on, rounded up."""

    name: ClassVar[str] = "halving"

    eta: int = 2
    """The best 1/eta of each bracket go on from one rung to the next."""
    earliest: float = 0.3
    """No trial stops before this share of the longest length."""
    bracket: int = 4
    """Consecutive trials that are compared with each other."""

    def __post_init__(self) -> None:
        require_kinds(self, "halving.")
        require(self.eta >= 2, "halving.eta", self.eta, "at least 2")
        require(self.bracket >= 2, "halving.bracket", self.bracket, "at least 2")
        whole("halving.eta", self.eta, 2, MOST_COUNT)
        whole("halving.bracket", self.bracket, 2, MOST_COUNT)
        share = 0 <= self.earliest < 1
        rule = "a share of the longest length, below 1"
        require(share, "halving.earliest", self.earliest, rule)

    def places(self, num_trials: int, lengths: Sequence[int]) -> dict[int, int]:
        """Every length is a rung that is late enough, but the last."""
        rungs = [length for length in lengths[:-1] if length >= self.earliest * lengths[-1]]
        return {
            length: math.ceil(num_trials / self.eta**rung)
            for rung, length in enumerate(rungs, start=1)
        }

    def gentler(self) -> list[str]:
        """A later first rung; a larger share that goes on, unless that is the largest."""
        share = [f"--halving.eta below {self.eta}"] if self.eta > 2 else []
        return [*share, f"--halving.earliest above {self.earliest:g}"]
