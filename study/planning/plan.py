"""What a study does next: a function of its run directory.

Each arm and size is a cell. All cells have the same budget and advance together: every cell's
trial k starts before any cell's trial k + 1. When the arms of a size are tuned, ranges that turned
out too narrow are extended for all of them, then lengths that turned out too short; then the best
settings are confirmed with fresh seeds and draws on the report split. What audits find changes
nothing, so they come last.

`judging` decides which trials go on from a rung, `growing` which go on to longer lengths,
`confirming` which runs a choice is repeated by.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from study.config import RunConfig, from_dict
from study.planning.confirming.runs import Confirming
from study.planning.design import Cell, Design
from study.planning.judging import Judging
from study.planning.ladder.growing import Growing, Lengthening
from study.planning.search.range_extension import Extension, Strip, beyond, extensions
from study.planning.session import Session
from study.planning.stopping import Decision, Wait
from study.planning.trials import specs
from study.planning.trials.index import TrialIndex
from study.planning.trials.tuning import Choice, TuningTrial, chosen, finalists, up_to
from study.storage.run_dir import State, StudyDir


class Plan:
    """Hands out trials. One process plans a study at a time (`StudyDir.lock`)."""

    def __init__(self, design: Design, study: StudyDir) -> None:
        self.design = design
        self.study = study
        self.done = False  # nothing was left to do at the last call of `next`
        self.extensions: list[Extension] = []  # of ranges, decided in this session
        self._strips: dict[int, list[Strip]] = {size: [] for size in design.space.scientific.sizes}
        self._rounds: Counter[int] = Counter()  # of extension, decided so far, by size
        self._trials = TrialIndex(design, study)
        self._session = Session(self._trials)
        self._judging = Judging(design, self._trials, self._session, self._wanted)
        self._growing = Growing(design, self._trials)
        self._grown: set[int] = set()  # sizes whose ladder of lengths has ended
        self._confirming = Confirming(design, self._trials)

    def next(self, active: set[str]) -> tuple[str, dict[str, Any]] | None:
        """The trial to start now and its config.json, already written.

        None: wait until one of `active`, the running trials, has ended; without any, `done`.
        """
        self._session.active = set(active)
        self._judging.decided = False
        self._widen()  # first: how many trials a rung has room for depends on it
        while True:
            for trial_id in self._open():
                self._session.start(trial_id)
                return trial_id, self._trials.refresh(trial_id, self.design)
            if not self._widen():  # one that stopped just now may have been its size's last
                break
        self.done = not active
        return None

    def heard_from(self, trial_id: str) -> Decision:
        """What a trial that has recorded something is to do; a stop is written down."""
        self._session.advanced(trial_id)
        return self._judging.decide(trial_id)

    @property
    def has_news(self) -> bool:
        """Whether a trial has come to a rung since the last call of `next`: others may go on."""
        return self._judging.decided

    @property
    def trials(self) -> TrialIndex:
        """All trials of the study, for reading."""
        return self._trials

    def tuning_trials(self, cell: Cell) -> list[TuningTrial]:
        """The cell's tuning trials, by index."""
        return self._trials.tuning(cell)

    def states(self, cell: Cell) -> dict[str, State | None]:
        """Of all the cell's trials that have begun to exist."""
        return self._trials.states(cell)

    def confirmed(self, cell: Cell) -> list[float]:
        """Box AP on the report split of the runs that repeat the cell's best setting."""
        best = self._best()
        runs = self._confirming.repeats(best)[cell.size]
        return list((self._confirming.scores(cell, best, runs) or {}).values())

    def wait(self, trial_id: str) -> Wait | None:
        """What a trial waits for that was set aside at a rung; None: it was not."""
        return self._judging.waits.get(trial_id)

    @property
    def lengthened(self) -> Sequence[Lengthening]:
        """The lengths by which ladders have grown, as decided in this session."""
        return self._growing.lengthened

    def audits_left(self) -> list[RunConfig]:
        """The runs of audits that have not ended."""
        ids = [trial_id for there in self._trials.of.values() for trial_id in there.audits]
        left = (self.study.trial(i) for i in ids if not self._trials.has_ended(i))
        return [from_dict(RunConfig, trial.config()["run"]) for trial in left]

    def remaining(self) -> dict[Cell, tuple[int, int]]:
        """Tuning trials and confirm runs that have not ended, running ones included."""
        best = self._best()
        left: dict[Cell, tuple[int, int]] = {}
        for cell, there in self._trials.of.items():
            tuning = {*there.tuning, *self._wanted(cell)}
            confirms = self._confirming.number(cell, best)
            ended = [
                sum(map(self._trials.has_ended, ids)) for ids in (there.tuning, there.confirming)
            ]
            left[cell] = len(tuning) - ended[0], confirms - ended[1]
        return left

    def extensions_left(self, size: int) -> int:
        """How often ranges of that size may still be extended; decides what can be, as `next`."""
        self._extend(size)  # which writes nothing
        return self.design.budget.extend - self._rounds[size]

    def unended(self) -> list[str]:
        """Trials handed out in this session that need another one."""
        states = {trial_id: self.study.trial(trial_id).state for trial_id in self._session.given}
        return [trial_id for trial_id, state in states.items() if not (state and state.is_final)]

    def _open(self) -> Iterator[str]:
        """The trials that may start or go on, the most urgent first."""
        yield from self._judging.unfinished()
        yield from self._new()
        yield from self._in_strips()
        yield from self._confirmations()
        yield from self._audits()

    def _widen(self) -> bool:
        """Extend ranges and let lengths grow where that is due; returns whether anything was."""
        return any([self._extend(size) | self._grow(size) for size in self._strips])

    def _new(self) -> Iterator[str]:
        design = self.design
        for index in range(design.budget.trials):
            for cell in design.cells:
                if specs.tuning_id(cell, index) in self._trials.of[cell].tuning:
                    continue
                seen = self.tuning_trials(cell) if design.search.learns_at(index) else []
                proposal = design.search.propose(
                    design.space.nuisance.at(cell.size),
                    index,
                    design.budget.trials,
                    design.seed,
                    [one.outcome() for one in seen if not one.in_strip],
                )
                spec = specs.tuning(design, cell, index, proposal)
                yield self._trials.write(cell, spec)

    def _extend(self, size: int) -> bool:
        """Add strips beyond the ranges at whose edge some arm has its best setting."""
        cells, strips = self.design.cells_at(size), self._strips[size]
        before = self._rounds[size]
        while self._rounds[size] < self.design.budget.extend and self._are_tuned(cells):
            given = self.design.lengths_at(size)[-1]
            # what grew beyond the lengths that were given decides nothing here
            best = [chosen(up_to(given, self._within(cell))) for cell in cells]
            values = [choice.values for choice in best if choice and choice.AP_box > 0]
            self.extensions += self._begun(size, best)
            strips += beyond(self.design.ranges_at(size), strips, values, self.design.grid)
            self._rounds[size] += 1
        return self._rounds[size] > before

    def _grow(self, size: int) -> bool:
        """Let trials go on to longer lengths where the longest is the best."""
        cells, extended = self.design.cells_at(size), self.design.budget.extend
        is_due = size not in self._grown and self._rounds[size] == extended
        if not (is_due and self._are_tuned(cells)):
            return False
        if self._growing.advance(size):
            self._grown.add(size)
        return True

    def _begun(self, size: int, best: Sequence[Choice | None]) -> list[Extension]:
        """What `_extend` is about to add; `best` by arm. What has trials is known since before."""
        cells = self.design.cells_at(size)
        settings = {
            cell.arm.name: choice.values
            for cell, choice in zip(cells, best, strict=True)
            if choice and choice.AP_box > 0
        }
        strips, grid = self._strips[size], self.design.grid
        found = extensions(size, self.design.ranges_at(size), strips, settings, grid)
        there = self._trials.of[cells[0]].tuning
        return [one for one in found if specs.strip_id(cells[0], one.strip, 0) not in there]

    def _in_strips(self) -> Iterator[str]:
        for size, strips in self._strips.items():
            numbers = range(self.design.budget.extra)
            for number, strip in itertools.product(numbers, strips):
                for cell in self.design.cells_at(size):
                    trial_id = specs.strip_id(cell, strip, number)
                    if trial_id not in self._trials.of[cell].tuning:
                        spec = specs.in_strip(self.design, cell, strip, number)
                        yield self._trials.write(cell, spec)

    def _confirmations(self) -> Iterator[str]:
        for cell, spec in self._confirming.specs(self._best()):
            trial_id = self._confirming.existing(cell, spec) or self._confirming.write(cell, spec)
            if self._session.is_open(trial_id):
                yield trial_id

    def _audits(self) -> Iterator[str]:
        for cell in self.design.cells:
            for one in self.tuning_trials(cell):
                audit = self._judging.audit(one, cell) if one.state is State.STOPPED else None
                if audit and self._session.is_open(audit):
                    yield audit

    def _best(self) -> dict[Cell, list[Choice]]:
        """The finalists of every cell whose size has been tuned."""
        best: dict[Cell, list[Choice]] = {}
        budget = self.design.budget
        for size in self._strips:
            cells = self.design.cells_at(size)
            if size in self._grown and self._are_tuned(cells):
                for cell in cells:
                    best[cell] = finalists(self.tuning_trials(cell), budget.finalists)
        return best

    def _wanted(self, cell: Cell) -> list[str]:
        """The tuning trials that the cell has or will have, as far as that is known."""
        budget = self.design.budget
        base = [specs.tuning_id(cell, index) for index in range(budget.trials)]
        return base + [
            specs.strip_id(cell, strip, number)
            for strip in self._strips[cell.size]
            for number in range(budget.extra)
        ]

    def _within(self, cell: Cell) -> list[TuningTrial]:
        """The trials of the ranges as they have been extended so far."""
        wanted = set(self._wanted(cell))
        return [one for one in self.tuning_trials(cell) if one.trial_id in wanted]

    def _are_tuned(self, cells: Sequence[Cell]) -> bool:
        return all(
            trial_id in self._trials.of[cell].tuning
            and trial_id not in self._session.active
            and not self._session.may_advance(trial_id)
            for cell in cells
            for trial_id in self._wanted(cell)
        )
