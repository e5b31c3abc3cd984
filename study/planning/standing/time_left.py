"""How long a study will still take: its places are filled in thought, as the plan fills them.

What a trial costs is measured on the trials of the last minutes: seconds for an image, for an
evaluation, and between one trial's end and the next one's first steady step. The estimate is the
end of the last trial when so many run at once as have done so, each taking the next place that is
free. So it holds in the tail of a study, where fewer trials than places are left.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Protocol

from study.planning.standing.stints import Stint

MEMORY_S = 240.0
"""What is so many seconds older than the newest sign of life counts a third of it."""
STEPS = 5
"""The memory is at least as long as so many steps from one checkpoint to the next."""
WINDOW_S = 600.0
"""Trials ran beside each other lately, if they did so within so many seconds."""


class Stage(IntEnum):
    """Where in its study a training belongs; earlier ones are handed out first."""

    TUNING = 0
    EXTENDING = 1  # tuning trials beyond a range's end, when those within have ended
    GROWING = 2  # tuning trials that go on to longer lengths, when those of their size have ended
    CONFIRMING = 3  # when all tuning of its size has ended
    AUDITING = 4  # whenever there is a place


@dataclass(frozen=True)
class Work:
    """What is left of one training since its last sign of life."""

    size: int
    stage: Stage
    images: float
    evaluations: int
    trial_id: str | None = None  # None: it does not exist yet


class Cost(Protocol):
    """What a training takes."""

    @property
    def start(self) -> float:
        """Seconds from the end of the training before it in its place to its first step."""
        ...

    def seconds(self, work: Work) -> float:
        """For that work, once its trial has started."""
        ...


@dataclass(frozen=True)
class Speed:
    """What a trial's parts take, in seconds."""

    image: float
    evaluation: float
    start: float

    def seconds(self, work: Work) -> float:
        """For that work, once its trial has started."""
        return work.images * self.image + work.evaluations * self.evaluation


def speed(
    stints: Sequence[Stint], since: float, under_way: Collection[Stint] = ()
) -> Speed | None:
    """What trials have taken lately; None where none of them has come far enough.

    Args:
        stints: of all trials.
        since: when the sweep that runs now began; before that the machine may have been another.
        under_way: those stints that have not ended, whatever their last sign of life was.
    """
    steps = [step for stint in stints for step in _steps(stint)]
    trained = [step for step in steps if step.trained]
    # a first step is better than none, and all that a short trial has
    steady = _of_now([step for step in trained if not step.first] or trained, since)
    if not steady:
        return None
    weights = _weights(steady)
    seconds = sum(w * step.seconds for w, step in zip(weights, steady, strict=True))
    image = seconds / sum(w * step.images for w, step in zip(weights, steady, strict=True))
    firsts = _of_now([step for step in trained if step.first], since)
    slow = [max(0.0, step.seconds - image * step.images) for step in firsts]
    evaluations = _of_now([step for step in steps if step.evaluates], since)
    weights = _weights(evaluations)
    seconds = sum(w * step.seconds for w, step in zip(weights, evaluations, strict=True))
    return Speed(
        image=image,
        evaluation=seconds / sum(weights) if weights else 0.0,
        start=_median(_gaps(stints, since, under_way)) + _median(slow),
    )


def at_once(stints: Iterable[Stint], running: int, now: float, since: float) -> int:
    """How many trials run beside each other: the most that did so lately.

    A place that is empty for a moment, because a decision is waited for, is a place all the same.
    """
    begin = max(since, now - WINDOW_S)
    lately = [stint for stint in stints if stint.end > max(begin, stint.start)]
    changes = [(max(stint.start, begin), 1) for stint in lately]
    changes += [(stint.end, -1) for stint in lately]
    most = there = 0
    for _, change in sorted(changes):  # ends before starts
        there += change
        most = max(most, there)
    return max(most, running)


def seconds_left(
    work: Sequence[Work], running: Mapping[str, float], cost: Cost, places: int, now: float
) -> float:
    """Until the last training has ended.

    Args:
        work: all that is left, in the order in which the plan hands it out.
        running: the last sign of life of each trial on a worker, by its id.
        cost: of images, evaluations and starts.
        places: trials at once.
        now: seconds since 1970.
    """
    ends: dict[int, float] = {}  # of what has been placed so far of each size
    under_way: list[float] = []
    waiting: dict[tuple[Stage, int], deque[tuple[int, Work]]] = {}
    for order, one in enumerate(work):
        last_sign = running.get(one.trial_id or "")
        if last_sign is None:
            waiting.setdefault((one.stage, one.size), deque()).append((order, one))
        else:
            under_way.append(max(now, last_sign + cost.seconds(one)))
            _note(ends, one, under_way[-1])
    free = under_way + [now] * (max(places, 1) - len(under_way))
    heapq.heapify(free)
    last = max(free)
    while waiting:
        place = heapq.heappop(free)
        ready = {key: _ready(key, waiting, ends, place) for key in waiting}
        begin, _, _, key = min(
            (moment, key[0], waiting[key][0][0], key)
            for key, moment in ready.items()
            if moment is not None
        )
        _, one = waiting[key].popleft()
        if not waiting[key]:
            del waiting[key]
        end = begin + cost.start + cost.seconds(one)
        _note(ends, one, end)
        heapq.heappush(free, end)
        last = max(last, end)
    return last - now


def _ready(
    key: tuple[Stage, int],
    waiting: Collection[tuple[Stage, int]],
    ends: Mapping[int, float],
    place: float,
) -> float | None:
    """When work of that stage and size may begin in the place; None: other work comes before."""
    stage, size = key
    if stage in (Stage.TUNING, Stage.AUDITING):
        return place
    if any((earlier, size) in waiting for earlier in Stage if earlier < stage):
        return None
    return max(place, ends.get(size, place))


def _note(ends: dict[int, float], one: Work, end: float) -> None:
    if one.stage in (Stage.TUNING, Stage.EXTENDING, Stage.GROWING):
        ends[one.size] = max(ends.get(one.size, end), end)


@dataclass(frozen=True)
class _Step:
    """From one sign of life to the next."""

    end: float
    seconds: float
    images: int
    first: bool  # of its stint: with what is done once, and the first slow iterations
    evaluates: bool

    @property
    def trained(self) -> bool:
        return self.images > 0


def _steps(stint: Stint) -> list[_Step]:
    found: list[_Step] = []
    first = True
    for before, after in pairwise(stint.signs):
        images, taken = after.images - before.images, after.time - before.time
        found.append(_Step(after.time, taken, images, first, not images and bool(after.split)))
        first = first and not images
    return found


def _of_now(steps: Sequence[_Step], since: float) -> list[_Step]:
    """Those of this sweep; where there are none, those before."""
    return [step for step in steps if step.end > since] or list(steps)


def _weights(steps: Sequence[_Step]) -> list[float]:
    """The newest counts most: a step that is `MEMORY_S` older counts a third of it."""
    if not steps:
        return []
    newest = max(step.end for step in steps)
    memory = max(MEMORY_S, STEPS * _median([step.seconds for step in steps]))
    return [math.exp((step.end - newest) / memory) for step in steps]


def _gaps(stints: Iterable[Stint], since: float, under_way: Collection[Stint]) -> list[float]:
    """Seconds from a trial's end to the start of the next one in its place."""
    stints = [stint for stint in stints if stint.start >= since]
    ended = [stint.end for stint in stints if stint not in under_way]
    moments = sorted([(stint.start, 1) for stint in stints] + [(end, 0) for end in ended])
    free: list[float] = []
    gaps: list[float] = []
    for moment, starts in moments:
        if not starts:
            free.append(moment)
        elif free:
            gaps.append(moment - free.pop())
    return gaps


def _median(values: Collection[float]) -> float:
    return statistics.median(values) if values else 0.0
