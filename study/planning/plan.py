"""What a study does next: a function of its run directory.

Each arm and size is a cell. All cells have the same budget and advance together: every cell's
trial k starts before any cell's trial k + 1. When the arms of a size are tuned, ranges that turned
out too narrow are extended for all of them; then the best settings are confirmed with fresh seeds
and draws on the report split. What audits find changes nothing, so they come last.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from study.config import RunConfig, from_dict
from study.planning import trial_specs
from study.planning.design import Cell, Settings
from study.planning.range_extension import Strip, beyond
from study.planning.stopping import Rungs, Verdict, audited
from study.planning.trial_index import Trials
from study.planning.trial_specs import Wanted
from study.planning.tuning_trial import Choice, Tried, chosen, finalists
from study.storage.run_dir import State, StudyDir

PROCESS_DEATHS = 3  # of one trial in one session; then it is left to the next session


@dataclass(frozen=True)
class _Contest:
    """The tuning trials of one cell at one moment: what a rung's verdict looks at."""

    cell: Cell
    tried: dict[str, Tried]
    under_way: set[str]  # those that may still come to a rung
    unborn: set[str]  # trials of the budget that have not begun


class Plan:
    """Hands out trials. One process plans a study at a time (`StudyDir.lock`)."""

    def __init__(self, settings: Settings, study: StudyDir) -> None:
        self.settings = settings
        self.study = study
        self.done = False  # nothing was left to do at the last call of `next`
        self._given: Counter[str] = Counter()  # times handed out in this session
        self._active: set[str] = set()  # under way, as far as is known
        self._strips: dict[int, list[Strip]] = {
            size: [] for size in settings.space.scientific.sizes
        }
        self._rounds: Counter[int] = Counter()  # of extension, decided so far, by size
        self._trials = Trials(settings.cells, study)

    def next(self, active: set[str]) -> tuple[str, dict[str, Any]] | None:
        """The trial to start now and its config.json, already written.

        None: wait until one of `active`, the trials under way, has ended; without any, `done`.
        """
        self._active = set(active)
        self._extend(active)  # first: how many trials a rung has room for depends on it
        for step in (
            self._unfinished(active),
            self._new(),
            self._in_strips(),
            self._confirmations(active),
            self._audits(active),
        ):
            for trial_id in step:
                self._given[trial_id] += 1
                self._active.add(trial_id)
                return trial_id, self._trials.refresh(trial_id, self.settings)
        self.done = not active
        return None

    def tried(self, cell: Cell) -> list[Tried]:
        """The cell's tuning trials, by index."""
        return self._trials.tried(cell)

    def states(self, cell: Cell) -> dict[str, State | None]:
        """Of all the cell's trials that have begun to exist."""
        return self._trials.states(cell)

    def audits_left(self) -> list[RunConfig]:
        """The runs of audits that have not ended."""
        ids = [trial_id for there in self._trials.of.values() for trial_id in there.audits]
        left = (self.study.trial(i) for i in ids if not self._trials.has_ended(i))
        return [from_dict(RunConfig, trial.config()["run"]) for trial in left]

    def remaining(self) -> dict[Cell, tuple[int, int]]:
        """Tuning trials and confirm runs that have not ended, those under way included."""
        left: dict[Cell, tuple[int, int]] = {}
        best = self._best(self._active)
        wanted: dict[Cell, set[Any]] = {cell: set() for cell in best}
        for cell, confirmation in self._to_confirm(best):
            wanted[cell].add(trial_specs.setting(confirmation.run))
        for cell, there in self._trials.of.items():
            tuning = {*there.tuning, *self._wanted(cell)}
            ended = [
                sum(map(self._trials.has_ended, ids)) for ids in (there.tuning, there.confirming)
            ]
            confirms = {trial_specs.setting(run) for run in there.confirming.values()}
            if cell in best:  # what is wanted is known: an arm may have chosen another's setting
                confirms |= wanted[cell]
            more = 0 if cell in best else self.settings.confirm_runs - len(confirms)
            left[cell] = len(tuning) - ended[0], len(confirms) + max(0, more) - ended[1]
        return left

    def unended(self) -> list[str]:
        """Trials handed out in this session that need another one."""
        states = {trial_id: self.study.trial(trial_id).state for trial_id in self._given}
        return [trial_id for trial_id, state in states.items() if not (state and state.is_final)]

    def heard_from(self, trial_id: str) -> Verdict:
        """What a trial that has recorded something is to do; a stop is written down."""
        self._given[trial_id] = min(self._given[trial_id], 1)  # whatever died before, it advances
        cell = self._trials.cell_of(trial_id)
        return self._judge(trial_id, self._contest(cell)) if cell else Verdict.GO

    def _contest(self, cell: Cell) -> _Contest:
        tried = {one.trial_id: one for one in self.tried(cell)}
        under_way = {
            trial_id
            for trial_id, one in tried.items()
            if one.stopped_at is None
            and not self._trials.has_ended(trial_id)
            and (trial_id in self._active or self._may_advance(trial_id))
        }
        return _Contest(cell, tried, under_way, {*self._wanted(cell)} - tried.keys())

    def _judge(self, trial_id: str, contest: _Contest) -> Verdict:
        cell, mine = contest.cell, contest.tried[trial_id]
        rungs = self.settings.rungs_at(cell.size)
        if rungs is None or mine.stopped_at is not None:
            return Verdict.STOP if mine.state is State.STOPPED else Verdict.GO
        rivals = self._rivals(mine, contest, rungs)
        records = {key: one.records for key, one in contest.tried.items() if key in rivals}
        unborn = len(contest.unborn & rivals)
        result, length = rungs.verdict(trial_id, records, contest.under_way, unborn)
        if length is not None and length <= mine.passed:
            return Verdict.GO  # said before; a budget that has grown since takes nothing back
        if result is Verdict.GO and length is not None:
            self._trials.passes(mine, length)
        if result is Verdict.STOP:
            assert length is not None
            if self._is_audited(mine):
                self._begin_audit(replace(mine, stopped_at=length), cell)
            self._trials.stop(mine, length)
        return result

    def _rivals(self, mine: Tried, contest: _Contest, rungs: Rungs) -> set[str]:
        """The trials that this one is judged with: its bracket; of a strip, all of the cell."""
        if mine.in_strip:  # what lies beyond a range must be worth it beside what lies within
            return contest.tried.keys() | contest.unborn
        brackets = rungs.brackets(self.settings.budget.trials)
        own = next(bracket for bracket in brackets if mine.index in bracket)
        return {trial_specs.tuning_id(contest.cell, index) for index in own}

    def _is_audited(self, tried: Tried) -> bool:
        return audited(tried.trial_id, self.settings.seed, self.settings.budget.audit)

    def _begin_audit(self, stopped: Tried, cell: Cell) -> None:
        wanted = trial_specs.audit(self.settings, stopped)
        if wanted and wanted.run.trial_id not in self._trials.of[cell].audits:
            # first: without its config.json a folder is no trial, and this is done again
            self.study.trial(stopped.trial_id).copy("trunk", self.study.trial(wanted.run.trial_id))
            self._trials.write(cell, wanted)

    def _unfinished(self, active: set[str]) -> Iterator[str]:
        """Tuning trials that were interrupted, or set aside at a rung where they may now go on."""
        contests = {cell: self._contest(cell) for cell in self.settings.cells}
        everyone = [
            (one.index, one.trial_id, cell)
            for cell, contest in contests.items()
            for one in contest.tried.values()
            if self._is_open(one.trial_id, active)
        ]
        everyone.sort(key=lambda item: item[:2])
        stopped = True
        while stopped:  # one that stops may be the one that another waits for
            stopped = False
            for _, trial_id, cell in everyone:
                if contests[cell].tried[trial_id].stopped_at and not self._may_advance(trial_id):
                    continue  # stopped a moment ago
                heard = self._judge(trial_id, contests[cell])
                if heard is Verdict.STOP:
                    stopped, contests[cell] = True, self._contest(cell)
                if heard is not Verdict.WAIT and self._is_open(trial_id, active):
                    yield trial_id  # also one that stops, but lacks its tail

    def _new(self) -> Iterator[str]:
        for index in range(self.settings.budget.trials):
            for cell in self.settings.cells:
                if trial_specs.tuning_id(cell, index) in self._trials.of[cell].tuning:
                    continue
                search = self.settings.points(cell.size)
                outcomes = [one.outcome() for one in self.tried(cell) if not one.in_strip]
                proposal = search.propose(index, outcomes)
                yield self._trials.write(
                    cell, trial_specs.tuning(self.settings, cell, index, proposal)
                )

    def _extend(self, active: set[str]) -> None:
        """Add strips beyond the ranges at whose edge some arm has its best setting."""
        for size, strips in self._strips.items():
            cells, rounds = self.settings.cells_at(size), self.settings.budget.extend
            while self._rounds[size] < rounds and self._are_tuned(cells, active):
                best = [chosen(self._within(cell)) for cell in cells]
                settings = [choice.setting for choice in best if choice and choice.AP_box > 0]
                ranges = self.settings.ranges_at(size)
                strips += beyond(ranges, strips, settings, self.settings.grid)
                self._rounds[size] += 1

    def _in_strips(self) -> Iterator[str]:
        for size, strips in self._strips.items():
            numbers = range(self.settings.budget.extra)
            for number, strip in itertools.product(numbers, strips):
                for cell in self.settings.cells_at(size):
                    if (
                        trial_specs.strip_id(cell, strip, number)
                        not in self._trials.of[cell].tuning
                    ):
                        wanted = trial_specs.in_strip(self.settings, cell, strip, number)
                        yield self._trials.write(cell, wanted)

    def _confirmations(self, active: set[str]) -> Iterator[str]:
        for cell, wanted in self._to_confirm(self._best(active)):
            trial_id = self._same_run(cell, wanted.run) or self._number(cell, wanted)
            if self._is_open(trial_id, active):
                yield trial_id

    def _best(self, active: set[str]) -> dict[Cell, list[Choice]]:
        """The finalists of every cell whose size has been tuned."""
        best: dict[Cell, list[Choice]] = {}
        budget = self.settings.budget
        for size in self._strips:
            cells = self.settings.cells_at(size)
            if self._rounds[size] == budget.extend and self._are_tuned(cells, active):
                best |= {cell: finalists(self.tried(cell), budget.finalists) for cell in cells}
        return best

    def _to_confirm(self, best: dict[Cell, list[Choice]]) -> Iterator[tuple[Cell, Wanted]]:
        """Runs of each cell's own finalists and, for cross-tuning, of the other arms' best."""
        budget, settings = self.settings.budget, self.settings
        for repeat in range(budget.confirm):
            for cell, choices in best.items():
                crossed = [
                    others[0]
                    for other, others in best.items()
                    if other.size == cell.size and other != cell and others
                ]
                if repeat >= budget.crossed or not choices:
                    crossed = []
                # as in the paper, an arm that is given another's values keeps its own length
                crossed = [replace(one, length=choices[0].length) for one in crossed]
                for choice in (*choices, *crossed):
                    own = choice in choices
                    yield cell, trial_specs.confirmation(settings, cell, choice, repeat, own)

    def _audits(self, active: set[str]) -> Iterator[str]:
        for cell in self.settings.cells:
            for one in self.tried(cell):
                if one.state is State.STOPPED and self._is_audited(one):
                    self._begin_audit(one, cell)  # unless it has been, when the trial was stopped
                trial_id = trial_specs.audit_id(one.trial_id)
                there = trial_id in self._trials.of[cell].audits
                if there and one.state is State.STOPPED and self._is_open(trial_id, active):
                    yield trial_id

    def _wanted(self, cell: Cell) -> list[str]:
        """The tuning trials that the cell has or will have, as far as that is known."""
        budget = self.settings.budget
        base = [trial_specs.tuning_id(cell, index) for index in range(budget.trials)]
        return base + [
            trial_specs.strip_id(cell, strip, number)
            for strip in self._strips[cell.size]
            for number in range(budget.extra)
        ]

    def _within(self, cell: Cell) -> list[Tried]:
        """The trials of the ranges as they have been extended so far."""
        wanted = set(self._wanted(cell))
        return [one for one in self.tried(cell) if one.trial_id in wanted]

    def _are_tuned(self, cells: Sequence[Cell], active: set[str]) -> bool:
        return all(
            trial_id in self._trials.of[cell].tuning
            and trial_id not in active
            and not self._may_advance(trial_id)
            for cell in cells
            for trial_id in self._wanted(cell)
        )

    def _is_open(self, trial_id: str, active: set[str]) -> bool:
        """Whether the trial is not under way and has work left for this session."""
        return trial_id not in active and self._may_advance(trial_id)

    def _may_advance(self, trial_id: str) -> bool:
        """Whether the trial may record more in this session."""
        if self._trials.has_ended(trial_id):
            return False
        failed = self.study.trial(trial_id).state is State.FAILED
        return self._given[trial_id] < (1 if failed else PROCESS_DEATHS)

    def _same_run(self, cell: Cell, run: RunConfig) -> str | None:
        """The confirm run that has this setting, seed and draw already, whoever wanted it."""
        for trial_id, there in self._trials.of[cell].confirming.items():
            if trial_specs.setting(there) == trial_specs.setting(run):
                return trial_id
        return None

    def _number(self, cell: Cell, wanted: Wanted) -> str:
        """Write a confirm run; numbered on, for those of settings since overtaken remain."""
        trial_id = f"{cell.name}-c{len(self._trials.of[cell].confirming)}"
        return self._trials.write(
            cell, replace(wanted, run=replace(wanted.run, trial_id=trial_id))
        )
