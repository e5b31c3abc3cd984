"""Whether a study that was written down as complete still is, by the trials that are there.

Folders and files get lost: copied in part, deleted, on a disk that failed. What is counted is what
a complete study surely has. Cross-tuned runs, audits, and confirm runs that short intervals asked
for may rightly be fewer than its budget, so that they only have to have ended.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from study.config import Budget
from study.planning.trials.best import rank

Cell = tuple[str, int]
"""Arm and size."""


@dataclass(frozen=True)
class Kept:
    """A trial, as its files tell of it."""

    role: str
    cell: Cell
    index: int
    setting: Hashable  # its values of the hyper-parameters
    has_ended: bool  # and nothing of it is lost
    is_in_strip: bool  # beyond the budget's
    best: tuple[float, int] | None  # AP and length of its best result; None: no AP


@dataclass(frozen=True)
class Lacking:
    """What is not there, or not as it should be."""

    tuning: int = 0  # trials that are gone
    confirming: int = 0  # runs that are gone
    unended: int = 0  # trials

    def __bool__(self) -> bool:
        return bool(self.tuning or self.confirming or self.unended)

    @property
    def told(self) -> str:
        """In words: `2 tuning trials are gone, 1 trial has not ended`."""
        parts = (
            (self.tuning, ("tuning trial is gone", "tuning trials are gone")),
            (self.confirming, ("confirm run is gone", "confirm runs are gone")),
            (self.unended, ("trial has not ended", "trials have not ended")),
        )
        return ", ".join(f"{n} {words[n != 1]}" for n, words in parts if n)


def lacking(cells: Iterable[Cell], budget: Budget, trials: Sequence[Kept]) -> Lacking:
    """What a study of these cells and this budget lacks, at least."""
    of = {cell: [one for one in trials if one.cell == cell] for cell in cells}
    finalists = {cell: _finalists(there, budget.finalists) for cell, there in of.items()}
    tuning = confirming = 0
    for cell, there in of.items():
        mine = [one for one in there if one.role == "tune" and not one.is_in_strip]
        runs = [one for one in there if one.role == "confirm"]
        tuning += max(0, budget.trials - len(mine))
        confirming += max(0, budget.first * len(finalists[cell]) - len(runs))
    wanted = {(size, setting) for (_, size), settings in finalists.items() for setting in settings}
    unended = [
        one
        for one in trials
        # one that was begun to confirm a setting since overtaken is never gone on with
        if not one.has_ended
        and not (one.role == "confirm" and (one.cell[1], one.setting) not in wanted)
    ]
    return Lacking(tuning, confirming, len(unended))


def _finalists(trials: Iterable[Kept], count: int) -> list[Hashable]:
    """The settings of the best trials, each once."""
    scored = [(one, one.best) for one in trials if one.role == "tune" and one.best]
    scored.sort(key=lambda pair: rank(*pair[1], pair[0].index))
    return list(dict.fromkeys(one.setting for one, _ in scored[:count]))
