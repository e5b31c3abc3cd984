"""Which trials go on to longer lengths, when a ladder grows; `growth` says when.

A trial that goes on keeps its trunk: growth costs the added iterations and their tails, and the
records are those of a trial that had the longer ladder from the start, bit for bit. Of each arm
the better half goes on. What has been decided is seen by what trials have been given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from study.config import Nuisance, from_dict
from study.planning.design import Cell, Design
from study.planning.ladder import growth
from study.planning.trials.index import TrialIndex
from study.planning.trials.tuning import TuningTrial
from study.storage.run_dir import State, StudyDir


@dataclass(frozen=True)
class Lengthening:
    """A length by which a ladder grows, and why."""

    size: int
    before: int  # the longest so far, in iterations
    after: int
    arms: tuple[str, ...]  # that still gain; none: the length was given to a study that had begun
    trials: int  # of all arms, that go on


class Growing:
    """The ladder of each size: what was given, and what it has grown by."""

    def __init__(self, design: Design, trials: TrialIndex) -> None:
        self._design = design
        self._trials = trials
        self.lengthened: list[Lengthening] = []  # decided in this session

    def advance(self, size: int) -> bool:
        """Let trials go on where the ladder is too short; the size's trials have all ended.

        Returns whether its ladder has ended too. Else some trials have work again.
        """
        cells = self._design.cells_at(size)
        ladder = self._ladder(size, cells)
        for longest, longer in pairwise(ladder):
            tried = {cell: self._trials.tuning(cell) for cell in cells}
            if longer not in self._design.lengths_at(size) and not (
                _are_beyond(tried.values(), longest)
                or growth.is_wanted(_best(tried), longest, self._floor)
            ):
                return self._end(tried, longest)
            going = _going(tried, longest)
            if self._lengthen(going, longer):
                arms = growth.gaining(_best(tried), longest, self._floor)
                told = Lengthening(size, longest, longer, arms, len(going))
                self.lengthened.append(told)
                return False
        return self._end({cell: self._trials.tuning(cell) for cell in cells}, ladder[-1])

    def _ladder(self, size: int, cells: Sequence[Cell]) -> list[int]:
        """From the last length that all trials have been given to the longest possible one."""
        given = self._design.lengths_at(size)
        tried = [one for cell in cells for one in self._trials.tuning(cell)]
        ended = [one.run.schedule.lengths[-1] for one in tried if one.state is State.FINISHED]
        start = min([given[-1], *ended])
        there = {length for one in tried for length in one.run.schedule.lengths}
        grows, budget = self._design.grows, self._design.budget
        added = growth.longer(given[-1], budget, there) if grows else ()
        return [start, *(length for length in (*given, *added) if length > start)]

    @cached_property
    def _floor(self) -> float:
        return growth.floor(self._trials.study.manifest)

    def _lengthen(self, going: Sequence[TuningTrial], length: int) -> bool:
        """Returns whether any of them has work now."""
        return any([self._trials.lengthen(one, length) for one in going])

    def _end(self, tried: dict[Cell, list[TuningTrial]], longest: int) -> bool:
        """Leave the trunks of those trials alone that would go on, should the ladder be longer."""
        kept = {one.trial_id for one in _going(tried, longest)}
        for trials in tried.values():
            for one in trials:
                if one.run.keep_trunk and one.trial_id not in kept:
                    self._trials.forget_trunk(one)
        return True


def _best(tried: dict[Cell, list[TuningTrial]]) -> dict[str, dict[int, float]]:
    """Each arm's best box AP by length."""
    best: dict[str, dict[int, float]] = {}
    for cell, trials in tried.items():
        by_length = best.setdefault(cell.arm.name, {})
        for one in trials:
            for length, ap in one.by_length.items():
                by_length[length] = max(ap, by_length.get(length, -math.inf))
    return best


def _going(tried: dict[Cell, list[TuningTrial]], longest: int) -> list[TuningTrial]:
    """The better half of each arm's trials that have come to the length; as many of every arm."""
    reached = {
        cell: [
            (-one.by_length[longest], one.index, one)
            for one in trials
            if longest in one.by_length
            and one.stopped_at is None
            and one.state is not State.DIVERGED
        ]
        for cell, trials in tried.items()
    }
    places = growth.places(max(map(len, reached.values())))
    return [
        one
        for there in reached.values()
        for *_, one in sorted(there, key=lambda item: item[:2])[:places]
    ]


def _are_beyond(tried: Iterable[Sequence[TuningTrial]], longest: int) -> bool:
    """Whether a trial has been given a longer length already: a decision is taken once."""
    return any(one.run.schedule.lengths[-1] > longest for trials in tried for one in trials)


def require_beyond(design: Design, study: StudyDir) -> None:
    """Refuse lengths that are new to a study and shorter than what its trials have come to.

    Where a ladder has grown beyond a length, the trunk of the trials lies behind it.

    Raises:
        ValueError: names the length, and how long trainings of that size have become.
    """
    if not study.exists:
        return
    recorded = from_dict(Nuisance, study.manifest["question"]["nuisance"])
    new = {
        size: [n for n in design.lengths_at(size) if n not in recorded.at(size).lengths]
        for size in design.space.scientific.sizes
    }
    if not any(new.values()):
        return
    for trial in study.trials():
        config = trial.config()
        size, lengths = config["run"]["size"], config["run"]["schedule"]["lengths"]
        if config["role"] != "tune":
            continue
        for length in new.get(size, ()):
            if length < lengths[-1] and length not in lengths:
                raise ValueError(
                    f"lengths = {length}: trainings with {size:,} images have grown to"
                    f" {lengths[-1]:,} iterations in {study.store}, and what is new must be"
                    f" longer; leave {length} out, or give more than {lengths[-1]}"
                )
