"""What a study will cost, before anything is spent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from study.config import ScheduleConfig
from study.config.checks.require import MOST_TRIALS
from study.config.schedule import independent_iterations, iterations, legs
from study.planning.confirming.enough import LEVEL, needed
from study.planning.confirming.scatter import Spread, single
from study.planning.design import Design
from study.planning.ladder import growth
from study.planning.search.range_extension import outer_shares, varied

SIDES = 2  # ends of a range, each of which may be extended
SCATTER = 1.5
"""AP by which a difference between two arms scatters from seed to seed (standard deviation), as in
the studies of embedded data: 1.7 at 64 images and 1.4 at 1,024 (benchmarks/rungs.csv)."""
SCATTER_PHOTOS = 2.5
"""The same on images of one's own: 3.6, 2.2 and 1.7 in three studies of raccoons and nuclei, with
16 to 110 training and 50 to 84 report images (benchmarks/README.md)."""


@dataclass(frozen=True)
class Bill:
    """Trials and iterations of the whole study, all arms and sizes, confirm runs included.

    `expected` assumes that best settings lie anywhere in their ranges, of which some are extended
    then (`strips`), that the longest length is confirmed, and that no arm chooses another's
    setting by itself. Lengths are taken to grow as far as they may, as they did at all three sizes
    of the study so far in which they could. `most` assumes besides that all ranges are extended,
    and that nothing stops, because all values are equal. Where intervals of some width are asked
    for, `expected` assumes that differences scatter as in studies so far (`scatter`).
    """

    cells: int
    tuning_trials: int
    extra_trials: int  # beyond the ends of ranges, as expected
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
    beyond = strips(design)
    for cell in design.cells:
        schedule, trials = design.schedule_at(cell.size), budget.trials
        lengths = schedule.lengths
        grown = list(growth.longer(lengths[-1], budget)) if design.grows else []
        extra = beyond[cell.size] * budget.extra
        expected += (trials + extra) * expected_iterations(design, cell.size)
        expected += _growth(schedule, finishing(design, cell.size), grown)
        expected += runs * (*lengths, *grown)[-1]
        extended = trials + budget.extend * ends_of_ranges(design) * budget.extra
        most += extended * dearest(design, cell.size)
        most += _growth(schedule, extended, grown) + most_runs * (*lengths, *grown)[-1]
        separate += trials * independent_iterations(schedule) + runs * lengths[-1]
    cells, fixed = len(design.cells), design.space.fixed.optim
    batch = design.space.nuisance.ranges.get("batch_size")
    return Bill(
        cells=cells,
        tuning_trials=cells * budget.trials,
        extra_trials=sum(beyond.values()) * budget.extra * len(design.arms),
        confirm_runs=cells * runs,
        cross_runs=cells * (len(design.arms) - 1) * budget.crossed,
        expected=round(expected),
        most=round(most),
        independent=round(separate),
        batch_size=batch.at(0.5) if batch else fixed.batch_size,
        largest_batch=batch.high if batch else fixed.batch_size,
    )


def ends_of_ranges(design: Design) -> int:
    """How many there are that may be extended: a single value has none."""
    return SIDES * len(varied(design.space.nuisance.ranges))


def confirm_runs(design: Design) -> tuple[int, int]:
    """Confirm runs of each arm and size: expected, and at most."""
    budget, arms = design.budget, len(design.arms)
    crossed = (arms - 1) * budget.crossed
    if budget.within is None:
        return design.confirm_runs, design.confirm_runs
    spread = Spread(scatter(design) ** 2, budget.first - 1)
    runs = needed(spread, budget.within, single(LEVEL, max(1, math.comb(arms, 2))))
    expected = min(max(runs, budget.first), budget.most_runs)
    found = [budget.finalists * number + crossed for number in (expected, budget.most_runs)]
    return found[0], found[1]


def scatter(design: Design) -> float:
    """AP by which a difference is taken to scatter, as in studies of such images so far."""
    return SCATTER if design.space.fixed.data.generated else SCATTER_PHOTOS


def strips(design: Design) -> dict[int, int]:
    """By how many strips the ranges of each size are expected to be extended, once.

    As many as there would be on average, if every arm's best setting lay anywhere in the ranges
    (in the logarithm): with two arms and two ranges three strips for four sizes.
    """
    found, mean = dict.fromkeys(design.space.scientific.sizes, 0), 0.0
    if not design.budget.extend:
        return found
    given = 0
    shares = outer_shares(design.space.nuisance.ranges, design.grid).values()
    for size in found:
        mean += sum(SIDES * (1 - (1 - share) ** len(design.arms)) for share in shares)
        found[size] = round(mean) - given
        given += found[size]
    return found


def ends(design: Design, size: int) -> list[tuple[int, float]]:
    """The lengths at which the tuning trials of a cell end, and the expected number at each."""
    schedule, rungs = design.schedule_at(size), design.rungs_at(size)
    found: Counter[int] = Counter()
    for bracket in rungs.brackets(design.budget.trials) if rungs else []:
        going = len(bracket)
        for length, promoted in sorted(rungs.places(going).items()) if rungs else []:
            found[length] += max(0, going - promoted)
            going = min(going, promoted)
        found[schedule.lengths[-1]] += going
    return sorted(found.items()) if rungs else [(schedule.lengths[-1], design.budget.trials)]


def expected_iterations(design: Design, size: int) -> float:
    """Of one tuning trial at that size, on average over its cell, its share of audits included."""
    schedule, spent = design.schedule_at(size), 0.0
    for length, number in ends(design, size):
        spent += number * iterations(schedule.up_to(length))
        if length < schedule.lengths[-1]:
            spent += number * design.budget.audit * audit_iterations(schedule, length)
    return spent / design.budget.trials


def expected_evaluations(design: Design, size: int) -> float:
    """Of one tuning trial at that size, on average over its cell, audits left aside."""
    schedule = design.schedule_at(size)
    found = (
        (evaluations(schedule.up_to(length)), number) for length, number in ends(design, size)
    )
    return sum(each * number for each, number in found) / design.budget.trials


def evaluations(schedule: ScheduleConfig) -> int:
    """How often a run is evaluated that walks the whole schedule."""
    return sum(len(leg.evaluated) for leg in legs(schedule))


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
        if high == MOST_TRIALS:
            raise ValueError(
                f"budget of {images:,.0f} images: pays for more than {MOST_TRIALS:,} trials of"
                " each arm and size, the most there may be; give less, or ask for more"
            )
        low, high = high, min(2 * high, MOST_TRIALS)
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
