"""What is left of a study, training by training: as it usually goes, and at most.

Both are what the bill counts, of a study from its beginning; of one that has begun they are what
its plan has left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from study.config.schedule import iterations
from study.planning.design import Cell
from study.planning.ladder import growth
from study.planning.plan import Plan
from study.planning.pricing import bill
from study.planning.standing.time_left import Stage, Work
from study.planning.standing.work_left import (
    Pasts,
    audits,
    batch_of,
    ladder,
    left_of,
    of_run,
    work_left,
)


def usual(plan: Plan, pasts: Pasts) -> list[Work]:
    """The trainings that are expected, in about the order in which the plan hands them out."""
    design, found = plan.design, []
    for size, strips in bill.strips(design).items():
        if plan.extensions_left(size) < design.budget.extend:
            continue  # has been decided, and is known to the plan
        images = bill.expected_iterations(design, size) * batch_of(plan)
        evaluated = math.ceil(bill.expected_evaluations(design, size))
        number = strips * design.budget.extra * len(design.arms)
        found += [Work(size, Stage.EXTENDING, images, evaluated)] * number
    known = work_left(plan, pasts)
    for cell in design.cells:
        last = [one for one in known if one.stage is Stage.CONFIRMING and one.size == cell.size]
        more = _confirm_runs(plan, cell)[0]
        found += [replace(one, trial_id=None) for one in last[-1:]] * more
    return [*known, *found]


def most(plan: Plan, pasts: Pasts) -> list[Work]:
    """The trainings that there may be at most, each as long as it may be."""
    for size in plan.design.space.scientific.sizes:
        plan.extensions_left(size)  # what can be decided, is: the rest of the plan follows from it
    cells, left = plan.design.cells, plan.remaining()
    return [
        *(one for cell in cells for one in _tuning(plan, cell, left[cell][0], pasts)),
        *(one for cell in cells for one in _growth(plan, cell)),
        *(one for cell in cells for one in _confirming(plan, cell, left[cell][1], pasts)),
        *audits(plan, pasts),
    ]


def _tuning(plan: Plan, cell: Cell, number: int, pasts: Pasts) -> Iterator[Work]:
    design, size = plan.design, cell.size
    whole, dearest = design.schedule_at(size), bill.dearest(design, size)
    images, evaluated = dearest * _largest_batch(plan), bill.evaluations(whole)
    for one in plan.tuning_trials(cell):
        if one.state and one.state.is_final:
            continue
        number -= 1
        batch, walk = one.run.optim.batch_size, one.run.schedule
        if one.stopped_at is not None:
            walk = walk.up_to(one.stopped_at)  # its audit is another training
        left = left_of(walk, batch, size, Stage.TUNING, one.trial_id, pasts)
        if one.stopped_at is None:  # it may be stopped yet, and audited
            left = replace(left, images=left.images + (dearest - iterations(whole)) * batch)
        yield left
    extended = plan.extensions_left(size) * bill.ends_of_ranges(design) * design.budget.extra
    for stage, trials in ((Stage.TUNING, number), (Stage.EXTENDING, extended)):
        for _ in range(trials):
            yield Work(size, stage, images, evaluated)


def _growth(plan: Plan, cell: Cell) -> Iterator[Work]:
    schedule, size = plan.design.schedule_at(cell.size), cell.size
    extra = plan.extensions_left(size) * bill.ends_of_ranges(plan.design)
    extra *= plan.design.budget.extra
    reached = max(plan.design.budget.trials, len(plan.tuning_trials(cell))) + extra
    there = ladder(plan, size)[-1]
    for length in _longer(plan, size):
        reached = growth.places(reached)
        longer = replace(schedule, lengths=(*schedule.lengths, length))
        added = iterations(longer) - iterations(schedule)
        if length > there and _is_open(plan, size):
            for _ in range(reached):
                images = added * _largest_batch(plan)
                yield Work(size, Stage.GROWING, images, len(schedule.factors))
        schedule = longer


def _confirming(plan: Plan, cell: Cell, number: int, pasts: Pasts) -> Iterator[Work]:
    for trial_id, run in plan.trials.of[cell].confirming.items():
        if not plan.trials.has_ended(trial_id):
            number -= 1
            yield of_run(run, trial_id, Stage.CONFIRMING, pasts)
    length = ladder(plan, cell.size)[-1]
    if _is_open(plan, cell.size):
        length = [length, *_longer(plan, cell.size)][-1]
    for _ in range(number + _confirm_runs(plan, cell)[1]):
        yield Work(cell.size, Stage.CONFIRMING, length * _largest_batch(plan), 1)


def _confirm_runs(plan: Plan, cell: Cell) -> tuple[int, int]:
    """Confirm runs that may follow the first ones: as expected, and at most.

    None, where their number is decided: it is when the first of all arms and sizes have ended.
    """
    design, first = plan.design, plan.design.confirm_runs
    there = plan.trials.of.values()
    decided = any(len(one.confirming) > first for one in there) or not any(
        runs for _, runs in plan.remaining().values()
    )
    if design.budget.within is None or decided:
        return 0, 0
    expected, at_most = bill.confirm_runs(design)
    return max(0, expected - first), max(0, at_most - first)


def _is_open(plan: Plan, size: int) -> bool:
    """Whether lengths of that size may still grow: nothing of it is confirmed yet."""
    return not any(plan.trials.of[cell].confirming for cell in plan.design.cells_at(size))


def _longer(plan: Plan, size: int) -> list[int]:
    """The lengths by which the ladder may grow from the one that was given, shortest first."""
    given, *there = ladder(plan, size)
    return list(growth.longer(given, plan.design.budget, there)) if plan.design.grows else []


def _largest_batch(plan: Plan) -> float:
    ranges = plan.design.space.nuisance.ranges.get("batch_size")
    return ranges.high if ranges else plan.design.space.fixed.optim.batch_size
