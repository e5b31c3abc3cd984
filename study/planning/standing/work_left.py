"""What a study still has to train, training by training, as far as it has decided it.

Who goes on from a rung is not known before all have come there, but how many do is. So the work is
known all the same: of the trials that may go on, those that have come least far are taken to do
so, because a rung's decision waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from study.config import RunConfig, ScheduleConfig, schedule
from study.config.schedule import iterations
from study.planning.design import Cell
from study.planning.ladder import growth
from study.planning.plan import Plan
from study.planning.pricing.bill import audit_iterations, finishing
from study.planning.standing.stints import Past
from study.planning.standing.time_left import Stage, Work
from study.planning.stopping import Rungs
from study.planning.trials import specs
from study.planning.trials.tuning import TuningTrial, chosen
from study.storage.run_dir import State

Pasts = Mapping[str, Past]


def work_left(plan: Plan, pasts: Pasts) -> list[Work]:
    """All trainings that have not ended, in about the order in which the plan hands them out.

    Args:
        plan: of the study.
        pasts: by trial, of all that exist.
    """
    left, cells, share = plan.remaining(), plan.design.cells, plan.design.budget.audit
    ends = [end for cell in cells for end in _tuning(plan, cell, left[cell][0])]
    open_ones = [end for end in ends if not end.entrant.has_ended]
    # those that exist go on first
    open_ones.sort(key=lambda end: (end.entrant.trial is None, end.entrant.index))
    confirming = [one for cell in cells for one in enumerate(_confirming(plan, cell, left, pasts))]
    confirming.sort(key=lambda item: item[0])
    return [
        *(_tune(end, plan, pasts) for end in open_ones),
        *_growth(plan, left),
        *(one for _, one in confirming),
        *audits(plan, pasts),
        *_audits_to_come([end for end in open_ones if end.is_guess], plan, share),
    ]


@dataclass(frozen=True)
class _Entrant:
    """A tuning trial among those that it is compared with, or the place of one to come."""

    cell: Cell
    index: int
    schedule: ScheduleConfig
    trial: TuningTrial | None = None

    @property
    def has_ended(self) -> bool:
        return self.trial is not None and bool(self.trial.state and self.trial.state.is_final)

    def passes(self, length: int) -> bool:
        """Whether it is known to go on from the rung."""
        one = self.trial
        if one is None:
            return False
        if one.stopped_at is not None:
            return one.stopped_at > length
        return one.state is State.FINISHED or one.promoted >= length

    def ends(self, length: int) -> bool:
        """Whether it is known not to go on from the rung."""
        one = self.trial
        return one is not None and (one.stopped_at == length or one.state is State.DIVERGED)

    def has_come(self, rungs: Rungs, length: int) -> bool:
        return self.trial is not None and rungs.value(self.trial.records, length) is not None


@dataclass(frozen=True)
class _End:
    """The length at which a tuning trial ends, or is taken to end."""

    entrant: _Entrant
    length: int
    is_guess: bool = False  # that it will be stopped there


def _tuning(plan: Plan, cell: Cell, left: int) -> Iterator[_End]:
    """Of all the cell's tuning trials that there are or will be; `left` have not ended."""
    design, there = plan.design, plan.tuning_trials(cell)
    whole, rungs = design.schedule_at(cell.size), design.rungs_at(cell.size)
    number = design.budget.trials
    begun = [_Entrant(cell, one.index, one.run.schedule, one) for one in there]
    own = {one.index: one for one in begun if one.trial and not one.trial.in_strip}
    for bracket in rungs.brackets(number) if rungs else [range(number)]:
        group = [own.get(index) or _Entrant(cell, index, whole) for index in bracket]
        yield from _ends(group, rungs)
    # trials of strips are compared with the whole cell; about as many go on as of the others
    strips = [one for one in begun if one.trial and one.trial.in_strip]
    unended = sum(not one.has_ended for one in begun)
    to_come = left - unended - sum(i not in own for i in range(number))
    last = max((one.index for one in begun), default=0)
    strips += [_Entrant(cell, last + 1 + i, whole) for i in range(to_come)]
    yield from _ends(strips, rungs)


def _ends(group: Sequence[_Entrant], rungs: Rungs | None) -> Iterator[_End]:
    going = list(group)
    for length, number in sorted(rungs.places(len(group)).items()) if rungs and group else []:
        assert rungs is not None
        sure = [one for one in going if one.passes(length)]
        told = [one for one in going if one.ends(length)]
        rest = [one for one in going if one not in sure and one not in told]
        rest.sort(key=lambda one: (one.has_come(rungs, length), -one.index))
        free = max(0, number - len(sure))
        yield from (_End(one, length) for one in told)
        yield from (_End(one, length, is_guess=True) for one in rest[free:])
        going = [*sure, *rest[:free]]
    yield from (_End(one, one.schedule.lengths[-1]) for one in going)


def _growth(plan: Plan, left: Mapping[Cell, tuple[int, int]]) -> Iterator[Work]:
    """What longer lengths will add to a ladder that may grow; the bill counts with all of them."""
    for cell in plan.design.cells:
        schedule = plan.design.schedule_at(cell.size)
        there, reached = ladder(plan, cell.size)[-1], finishing(plan.design, cell.size)
        for length in _longer(plan, cell.size, left):
            grown = replace(schedule, lengths=(*schedule.lengths, length))
            reached = growth.places(reached)
            images = (iterations(grown) - iterations(schedule)) * batch_of(plan)
            for _ in range(reached if length > there else 0):
                yield Work(cell.size, Stage.GROWING, images, len(schedule.factors))
            schedule = grown


def _longer(plan: Plan, size: int, left: Mapping[Cell, tuple[int, int]]) -> list[int]:
    """The lengths by which a size's ladder is taken to grow, those that it has by now among them;
    none, if its trials have ended.
    """
    design, cells = plan.design, plan.design.cells_at(size)
    if not design.grows or not any(left[cell][0] for cell in cells):
        return []
    given, *there = ladder(plan, size)
    return list(growth.longer(given, design.budget, there))


def ladder(plan: Plan, size: int) -> list[int]:
    """The longest length that was given at that size, and those that have been added to it."""
    given = plan.design.lengths_at(size)[-1]
    there = [one for cell in plan.design.cells_at(size) for one in plan.tuning_trials(cell)]
    return [given, *sorted({n for one in there for n in one.run.schedule.lengths if n > given})]


def _tune(end: _End, plan: Plan, pasts: Pasts) -> Work:
    one, trial = end.entrant, end.entrant.trial
    walk = _up_to(one.schedule, end.length)
    trial_id = trial.trial_id if trial else None
    batch = trial.run.optim.batch_size if trial else batch_of(plan)
    return left_of(walk, batch, one.cell.size, Stage.TUNING, trial_id, pasts)


@lru_cache(maxsize=256)
def _up_to(walk: ScheduleConfig, length: int) -> ScheduleConfig:
    return walk.up_to(length)


def _confirming(
    plan: Plan, cell: Cell, left: Mapping[Cell, tuple[int, int]], pasts: Pasts
) -> Iterator[Work]:
    """The cell's confirm runs that have not ended."""
    stage = Stage.CONFIRMING
    number = left[cell][1]
    for trial_id, run in plan.trials.of[cell].confirming.items():
        if not plan.trials.has_ended(trial_id):
            number -= 1
            yield of_run(run, trial_id, stage, pasts)
    is_tuned = not any(left[one][0] for one in plan.design.cells_at(cell.size))
    best = chosen(plan.tuning_trials(cell)) if is_tuned else None
    # which length it will be is not known before; mostly the longest
    longest = max([*ladder(plan, cell.size), *_longer(plan, cell.size, left)])
    length = best.length if best else longest
    batch = best.trial.run.optim.batch_size if best else batch_of(plan)
    for _ in range(number):
        yield Work(cell.size, stage, length * batch, 1)


def audits(plan: Plan, pasts: Pasts) -> Iterator[Work]:
    """Those that exist and have not ended; a trial that is stopped has its audit at once."""
    stopped = {
        specs.audit_id(one.trial_id): one.stopped_at or 0
        for cell in plan.design.cells
        for one in plan.tuning_trials(cell)
    }
    for run in plan.audits_left():
        length = stopped.get(run.trial_id, 0)
        # it goes on from the trunk of the trial that was stopped
        begun = run.schedule.fork(length) if length and run.schedule.shared else 0
        yield of_run(run, run.trial_id, Stage.AUDITING, pasts, begun)


def _audits_to_come(guesses: Sequence[_End], plan: Plan, share: float) -> Iterable[Work]:
    """As many as that share of trials that will be stopped."""
    for number, end in enumerate(guesses):
        if int((number + 1) * share) > int(number * share):
            one, whole = end.entrant, plan.design.schedule_at(end.entrant.cell.size)
            images = audit_iterations(whole, end.length) * batch_of(plan)
            later = sum(length > end.length for length in whole.lengths)
            yield Work(one.cell.size, Stage.AUDITING, images, later * len(whole.factors))


def of_run(run: RunConfig, trial_id: str, stage: Stage, pasts: Pasts, begun: int = 0) -> Work:
    """What is left of a run whose trunk is given up to the iteration `begun`."""
    return left_of(run.schedule, run.optim.batch_size, run.size, stage, trial_id, pasts, begun)


def left_of(
    walk: ScheduleConfig,
    batch: float,
    size: int,
    stage: Stage,
    trial_id: str | None,
    pasts: Pasts,
    begun: int = 0,
) -> Work:
    """What is left of a walk, if a trial has done some of it."""
    past = pasts.get(trial_id or "")
    iterations, evaluations = _left(walk, past, begun) if past else _whole(walk, begun)
    return Work(size, stage, batch * iterations, evaluations, trial_id)


def _left(walk: ScheduleConfig, past: Past, begun: int) -> tuple[int, int]:
    """Iterations, and evaluations."""
    legs = schedule.remaining(walk, past.recorded)
    return sum(past.left(leg, begun) for leg in legs), sum(len(leg.evaluated) for leg in legs)


@lru_cache(maxsize=256)  # of a large study most trials have not begun, and are alike
def _whole(walk: ScheduleConfig, begun: int) -> tuple[int, int]:
    return _left(walk, Past(), begun)


def batch_of(plan: Plan) -> float:
    """Images of an iteration of a trial that does not exist yet."""
    ranges = plan.design.space.nuisance.ranges.get("batch_size")
    return ranges.at(0.5) if ranges else plan.design.space.fixed.optim.batch_size
