"""A point of the search space, and what is known of one that was tried."""

from __future__ import annotations

from dataclasses import dataclass

from study.storage.run_dir import State

Values = dict[str, float]
"""A value for each hyper-parameter that is searched, by its name in OptimConfig."""


@dataclass(frozen=True)
class Proposal:
    """A point of the search space, and the name of what proposed it."""

    values: Values
    strategy: str


@dataclass(frozen=True)
class Outcome:
    """What is known of a proposal: box AP in points by length, and what became of the trial."""

    proposal: Proposal
    state: State | None
    AP_box: dict[int, float]
