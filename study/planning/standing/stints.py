"""The time that trials have spent on workers, as their files show it.

Every line of `events.jsonl` and `records.jsonl` that says what the trial has cost is a sign of
life. A stint is a stay on a worker, from the trial's start there to its last sign of life; a trial
that was set aside or interrupted has several.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from study.config.schedule import Evaluation, Leg
from study.storage.run_dir import Record, TrialDir


@dataclass(frozen=True)
class Sign:
    """A sign of life."""

    time: float  # seconds since 1970, by the worker's clock
    images: int  # that the trial has trained on so far
    split: str | None  # that has just been evaluated on; None: no evaluation ends here


@dataclass(frozen=True)
class Stint:
    """A trial's stay on a worker; its signs of life are in order, and at least one."""

    signs: tuple[Sign, ...]

    @property
    def start(self) -> float:
        return self.signs[0].time

    @property
    def end(self) -> float:
        return self.signs[-1].time


@dataclass(frozen=True)
class Past:
    """What a trial's files say of its time so far, and of what it has done."""

    stints: tuple[Stint, ...] = ()
    walked: Mapping[str, int] = field(default_factory=dict)  # last known iteration, by leg's name
    recorded: frozenset[Evaluation] = frozenset()

    def left(self, leg: Leg, begun: int = 0) -> int:
        """Iterations of the leg that have not been walked yet, as far as is known.

        `begun`: the iteration of the trunk with which the trial was given its checkpoint.
        """
        start = leg.start if leg.is_tail else max(leg.start, begun)
        return max(0, leg.stop - max(start, self.walked.get(leg.name, start)))


def past(events: Sequence[Mapping[str, Any]], records: Sequence[Record]) -> Past:
    """What a trial's events and records say of its time."""
    split = records[-1]["split"] if records else None
    # a record before the event of the same moment, which says what follows from it
    rows = [(row, split) for row in records] + [(row, None) for row in events]
    found: list[list[Sign]] = []
    for row, evaluated in sorted(rows, key=lambda item: item[0].get("time") or 0.0):
        if row.get("images_spent") is None or row.get("time") is None:
            continue  # written by the driver, whose time is not the trial's
        if "device" in row or not found:  # a session of the trial begins
            found.append([])
        found[-1].append(Sign(row["time"], row["images_spent"], evaluated))
    legs = {row["leg"]: row["iteration"] for row in events if "leg" in row}
    recorded = frozenset((row["leg"], row["weights"]) for row in records)
    return Past(tuple(Stint(tuple(signs)) for signs in found), legs, recorded)


def seconds(stints: Iterable[Stint]) -> float:
    """For how long at least one of the trials was on a worker."""
    total, until = 0.0, 0.0
    for stint in sorted(stints, key=lambda one: one.start):
        total += max(0.0, stint.end - max(stint.start, until))
        until = max(until, stint.end)
    return total


class Pasts:
    """Those of a study's trials; reads again only what may have changed."""

    def __init__(self, folder: Callable[[str], TrialDir]) -> None:
        """`folder`: of a trial, by its id."""
        self._folder = folder
        self._found: dict[str, Past] = {}
        self._changing: dict[str, TrialDir] = {}  # trials that ran at the last look

    def of(self, trial_ids: Iterable[str], running: Collection[str]) -> dict[str, Past]:
        """The trials' pasts by id; `running`: the trials that are on workers now."""
        for trial_id in trial_ids:
            changes = trial_id in running or trial_id in self._changing
            if changes or trial_id not in self._found:
                trial = self._changing.get(trial_id) or self._folder(trial_id)
                self._found[trial_id] = past(trial.events(), trial.records())
        self._changing = {one: self._changing.get(one) or self._folder(one) for one in running}
        return self._found
