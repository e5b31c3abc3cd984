"""Which tuning trials go on from a rung, wait there, or end; and what an audit is to continue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from study.planning.design import Cell, Design
from study.planning.session import Session
from study.planning.stopping import Decision, Rungs, Wait, is_audited
from study.planning.trials import specs
from study.planning.trials.index import TrialIndex
from study.planning.trials.tuning import TuningTrial
from study.storage.run_dir import State


@dataclass(frozen=True)
class _Contest:
    """The tuning trials of one cell at one moment: what a decision at a rung looks at."""

    cell: Cell
    tried: dict[str, TuningTrial]
    running: set[str]  # those that may still come to a rung
    unborn: set[str]  # trials of the budget that have not begun


class Judging:
    """Decides at rungs, and writes decisions down."""

    def __init__(
        self,
        design: Design,
        trials: TrialIndex,
        session: Session,
        wanted: Callable[[Cell], Sequence[str]],
    ) -> None:
        """`wanted`: the tuning trials that a cell has or will have."""
        self._design = design
        self._trials = trials
        self._session = session
        self._wanted = wanted
        self.waits: dict[str, Wait] = {}  # of trials that are set aside, as last looked at
        self.decided = False  # at a rung, so that others may go on, since somebody set it back

    def decide(self, trial_id: str) -> Decision:
        """What a trial that has recorded something is to do; a stop is written down."""
        cell = self._trials.cell_of(trial_id)
        if cell is None or self._design.rungs_at(cell.size) is None:
            return Decision.GO
        if self._is_decided(self._trials.tuning_trial(trial_id), cell):
            return Decision.GO  # most records are of no rung: the others need not be looked at
        self.decided = True
        return self._judge(trial_id, self._contest(cell))

    def unfinished(self) -> Iterator[str]:
        """Tuning trials that were interrupted, or set aside at a rung where they may now go on."""
        open_ones = {
            cell: [one for one in there.tuning if self._session.is_open(one)]
            for cell, there in self._trials.of.items()
        }
        contests = {cell: self._contest(cell) for cell, ids in open_ones.items() if ids}
        everyone = [
            (contest.tried[trial_id].index, trial_id, cell)
            for cell, contest in contests.items()
            for trial_id in open_ones[cell]
        ]
        everyone.sort(key=lambda item: item[:2])
        stopped = True
        while stopped:  # one that stops may be the one that another waits for
            stopped = False
            for _, trial_id, cell in everyone:
                ended = not self._session.may_advance(trial_id)
                if contests[cell].tried[trial_id].stopped_at and ended:
                    continue  # stopped a moment ago
                decision = self._judge(trial_id, contests[cell])
                if decision is Decision.STOP:
                    stopped, contests[cell] = True, self._contest(cell)
                if decision is not Decision.WAIT and self._session.is_open(trial_id):
                    yield trial_id  # also one that stops, but lacks its tail

    def audit(self, stopped: TuningTrial, cell: Cell) -> str | None:
        """The id of a stopped trial's audit, which exists from now on; None: it has none."""
        trial_id = specs.audit_id(stopped.trial_id)
        if trial_id in self._trials.of[cell].audits:
            return trial_id
        if not is_audited(stopped.trial_id, self._design.seed, self._design.budget.audit):
            return None
        spec = specs.audit(self._design, stopped)
        if spec is None:
            return None
        # first: without its config.json a folder is no trial, and this is done again
        study = self._trials.study
        study.trial(stopped.trial_id).copy("trunk", study.trial(trial_id))
        return self._trials.write(cell, spec)

    def _contest(self, cell: Cell) -> _Contest:
        tried = {one.trial_id: one for one in self._trials.tuning(cell)}
        running = {
            trial_id
            for trial_id, one in tried.items()
            if one.stopped_at is None
            and not (one.state and one.state.is_final)
            and (trial_id in self._session.active or self._session.may_advance(trial_id))
        }
        return _Contest(cell, tried, running, {*self._wanted(cell)} - tried.keys())

    def _is_decided(self, mine: TuningTrial, cell: Cell) -> bool:
        """Whether the trial is at no rung, or was told to go on from the last it has reached."""
        rungs = self._design.rungs_at(cell.size)
        if rungs is None or mine.stopped_at is not None:
            return False
        number = len(self._rivals(mine, cell, rungs))
        reached = (n for n in rungs.places(number) if rungs.value(mine.records, n) is not None)
        return max(reached, default=0) <= mine.promoted

    def _judge(self, trial_id: str, contest: _Contest) -> Decision:
        cell, mine = contest.cell, contest.tried[trial_id]
        rungs = self._design.rungs_at(cell.size)
        if rungs is None or mine.stopped_at is not None:
            return Decision.STOP if mine.state is State.STOPPED else Decision.GO
        rivals = self._rivals(mine, cell, rungs)
        records = {key: one.records for key, one in contest.tried.items() if key in rivals}
        unborn = len(contest.unborn & rivals)
        decision, length = rungs.decide(trial_id, records, contest.running, unborn)
        self.waits.pop(trial_id, None)
        if length is not None and length <= mine.promoted:
            return Decision.GO  # said before; a budget that has grown since takes nothing back
        if decision is Decision.WAIT and length is not None:
            self.waits[trial_id] = rungs.wait(length, records, contest.running, unborn)
        if decision is Decision.GO and length is not None:
            self._trials.promote(mine, length)
        if decision is Decision.STOP:
            assert length is not None
            self.audit(replace(mine, stopped_at=length), cell)
            self._trials.stop(mine, length)
        return decision

    def _rivals(self, mine: TuningTrial, cell: Cell, rungs: Rungs) -> set[str]:
        """The trials that this one is judged with: its bracket; of a strip, all of the cell."""
        if mine.in_strip:  # what lies beyond a range must be worth it beside what lies within
            return {*self._trials.of[cell].tuning, *self._wanted(cell)}
        brackets = rungs.brackets(self._design.budget.trials)
        own = next(bracket for bracket in brackets if mine.index in bracket)
        return {specs.tuning_id(cell, index) for index in own}
