"""What a study will cost, before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from study.config import ScheduleConfig
from study.config.schedule import independent_iterations, iterations
from study.planning.confirming.enough import LEVEL, needed
from study.planning.confirming.scatter import Spread, single
from study.planning.design import Design
from study.planning.ladder import growth

SIDES = 2  # ends of a range, each of which may be extended
SCATTER = 1.5
"""AP by which a difference between two arms scatters from seed to seed (standard deviation), as in
the studies of embedded data: 1.7 at 64 images and 1.4 at 1,024 (benchmarks/rungs.csv)."""


@dataclass(frozen=True)
class Bill:
    """Trials and iterations of the whole study, all arms and sizes, confirm runs included.

    `expected` assumes that no range is extended, that the confirmed lengths are, on average, the
    mean of the ladder, and that no arm chooses another's setting by itself. A ladder that may grow
    is taken to grow once, and its longest length to be confirmed, as it was in studies so far.
    `most` assumes that all ranges are extended, that nothing stops, because all values are equal,
    that lengths grow as far as they may, and that the longest wins. Where intervals of some width
    are asked for, `expected` assumes that differences scatter as in studies so far (`SCATTER`).
    """

    cells: int
    tuning_trials: int
    confirm_runs: int
    cross_runs: int
    expected: int
    most: int
    independent: int  # the tuned points, every length and factor run by itself, and confirmed
    batch_size: float  # images per iteration; the mean, if it is searched
    largest_batch: float

    @property
    def expected_images(self) -> float:
        return self.expected * self.batch_size

    @property
    def most_images(self) -> float:
        return self.most * self.largest_batch


def bill(design: Design) -> Bill:
    """The bill for the study from its beginning."""
    expected, most, separate = 0.0, 0.0, 0.0
    budget, runs, most_runs = design.budget, *confirm_runs(design)
    for cell in design.cells:
        schedule, trials = design.schedule_at(cell.size), budget.trials
        lengths = schedule.lengths
        grown = list(growth.longer(lengths[-1], budget)) if design.grows else []
        expected += trials * expected_iterations(design, cell.size)
        expected += _growth(schedule, finishing(design, cell.size), grown[:1])
        expected += runs * (grown[0] if grown else sum(lengths) / len(lengths))
        extended = trials + budget.extend * SIDES * len(design.names) * budget.extra
        most += extended * dearest(design, cell.size)
        most += _growth(schedule, extended, grown) + most_runs * (*lengths, *grown)[-1]
        separate += trials * independent_iterations(schedule) + runs * lengths[-1]
    cells, fixed = len(design.cells), design.space.fixed.optim
    batch = design.space.nuisance.ranges.get("batch_size")
    return Bill(
        cells=cells,
        tuning_trials=cells * budget.trials,
        confirm_runs=cells * runs,
        cross_runs=cells * (len(design.arms) - 1) * budget.crossed,
        expected=round(expected),
        most=round(most),
        independent=round(separate),
        batch_size=batch.at(0.5) if batch else fixed.batch_size,
        largest_batch=batch.high if batch else fixed.batch_size,
    )


def confirm_runs(design: Design) -> tuple[int, int]:
    """Confirm runs of each arm and size: expected, and at most."""
    budget, arms = design.budget, len(design.arms)
    crossed = (arms - 1) * budget.crossed
    if budget.within is None:
        return design.confirm_runs, design.confirm_runs
    spread = Spread(SCATTER**2, budget.first - 1)
    runs = needed(spread, budget.within, single(LEVEL, max(1, math.comb(arms, 2))))
    expected = min(max(runs, budget.first), budget.most_runs)
    found = [budget.finalists * number + crossed for number in (expected, budget.most_runs)]
    return found[0], found[1]


def expected_iterations(design: Design, size: int) -> float:
    """Of one tuning trial at that size, on average over its cell, its share of audits included."""
    schedule, rungs = design.schedule_at(size), design.rungs_at(size)
    trials, audit = design.budget.trials, design.budget.audit
    spent = 0.0
    for bracket in rungs.brackets(trials) if rungs else [range(trials)]:
        going = len(bracket)
        for length, promoted in sorted(rungs.places(going).items()) if rungs else []:
            ended = max(0, going - promoted)
            walked = iterations(schedule.up_to(length))
            rest = audit_iterations(schedule, length)
            spent += ended * (walked + audit * rest)
            going -= ended
        spent += going * iterations(schedule)
    return spent / trials


def finishing(design: Design, size: int) -> int:
    """Tuning trials of one cell that nothing stops."""
    rungs, trials = design.rungs_at(size), design.budget.trials
    if rungs is None:
        return trials
    brackets = map(len, rungs.brackets(trials))
    return sum(min([number, *rungs.places(number).values()]) for number in brackets)


def _growth(schedule: ScheduleConfig, reached: int, lengths: Sequence[int]) -> int:
    """Iterations that longer lengths add, where so many trials have come to the ladder's end."""
    spent = 0
    for length in lengths:
        reached = growth.places(reached)
        longer = replace(schedule, lengths=(*schedule.lengths, length))
        spent += reached * (iterations(longer) - iterations(schedule))
        schedule = longer
    return spent


def dearest(design: Design, size: int) -> int:
    """Iterations of the tuning trial that costs most: it may be a stopped and audited one."""
    schedule, rungs = design.schedule_at(size), design.rungs_at(size)
    whole = [iterations(schedule)]
    if rungs and design.budget.audit:
        whole += [
            iterations(schedule.up_to(length)) + audit_iterations(schedule, length)
            for length in rungs.places(design.budget.trials)
        ]
    return max(whole)


def affordable(design: Design, images: float) -> Design:
    """The design with as many trials for each arm and size as that many images pay for.

    Raises:
        ValueError: they do not pay for one; says what that costs.
    """

    def costs(trials: int) -> tuple[Design, float]:
        asked = replace(design, budget=replace(design.budget, trials=trials))
        cost = bill(asked)
        return asked, cost.expected_images

    found, least = costs(1)
    if least > images:
        raise ValueError(
            f"budget of {images:,.0f} images: one trial for each arm and size, with its"
            f" confirmation, is expected to need {least:,.0f}; give more, or ask for less"
        )
    low, high = 1, 2
    while costs(high)[1] <= images:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if costs(middle)[1] <= images else (low, middle)
    found, _ = costs(low)
    return found


def audit_iterations(schedule: ScheduleConfig, length: int) -> int:
    """Iterations that an audit adds to a trial stopped there."""
    longer = tuple(n for n in schedule.lengths if n > length)
    rest = iterations(replace(schedule, lengths=longer, watch=()))
    return rest - schedule.fork(length) if schedule.shared else rest
