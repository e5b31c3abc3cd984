"""How long a study will take, before it runs, and when it goes on.

A training takes what its images, its evaluations and its start take; trainings fill the places in
the order of the plan (`seconds_left`), so that places which stay empty at the end count too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from study.planning.plan import Plan
from study.planning.pricing.work import most, usual
from study.planning.standing.stints import Pasts
from study.planning.standing.time_left import Stage, Work, seconds_left

RAY_S = 5.0
"""Seconds for Ray to start and to hand out the first trial (`python -m benchmarks.price`)."""


@dataclass(frozen=True)
class Pace:
    """What trainings take, in seconds, while as many run beside each other as will."""

    image: float  # for each image that a training trains on
    tuning_evaluation: float  # on the whole tuning split
    report_evaluation: float  # on the whole report split
    start: float  # between the end of a training and the first step of the next one
    begin: float = RAY_S  # from the command to the start of the first training, besides

    def seconds(self, work: Work) -> float:
        """For that work, once its training has started."""
        reports = work.stage is Stage.CONFIRMING
        evaluation = self.report_evaluation if reports else self.tuning_evaluation
        return work.images * self.image + work.evaluations * evaluation


@dataclass(frozen=True)
class Price:
    """Of what is left of a study: how many trainings, how much, how long."""

    stages: Mapping[Stage, int]  # trainings, as expected
    trainings: int  # as expected; those that go on to a longer length are no further ones
    images: float
    most_images: float
    longest: float  # seconds of the longest training that there may be
    expected: float  # seconds
    most: float

    @property
    def done(self) -> bool:
        return not self.trainings


def price(plan: Plan, pace: Pace, places: int) -> Price:
    """The price of what is left of a study; of one that has not begun, of all.

    Args:
        plan: of the study, of which nothing runs.
        pace: of the machine.
        places: trainings at once.
    """
    known = [trial_id for cell in plan.design.cells for trial_id in plan.states(cell)]
    known += [run.trial_id for run in plan.audits_left()]
    pasts = Pasts(plan.trials.folder).of(known, ())
    expected, at_most = usual(plan, pasts), most(plan, pasts)
    stages = {stage: sum(one.stage is stage for one in expected) for stage in Stage}
    times = [seconds_left(work, {}, pace, places, 0.0) for work in (expected, at_most)]
    begin = pace.begin if expected else 0.0
    return Price(
        stages=stages,
        trainings=sum(stages.values()) - stages[Stage.GROWING],
        images=sum(one.images for one in expected),
        most_images=sum(one.images for one in at_most),
        longest=max((pace.start + pace.seconds(one) for one in at_most), default=0.0),
        expected=times[0] + begin,
        most=max(times) + begin,
    )
