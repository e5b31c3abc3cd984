"""What a study does next: a function of its run directory.

Each arm and size is a cell. All cells have the same budget and advance together: every cell's
trial k starts before any cell's trial k + 1. When a cell's tuning is over, its best setting is
confirmed with fresh seeds and draws on the report split.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from study.config import OptimConfig, RunConfig, ScheduleConfig, from_dict, to_dict
from study.rundir import Record, State, StudyDir
from study.search import Outcome, Proposal
from study.settings import Cell, Settings
from study.stopping import Verdict, box_ap, verdict

PROCESS_DEATHS = 3  # of one trial in one session; then it is left to the next session


@dataclass(frozen=True)
class Tried:
    """A tuning trial as the run directory shows it."""

    trial_id: str
    index: int
    run: RunConfig
    strategy: str
    state: State | None
    records: tuple[Record, ...]

    def outcome(self, separate_lengths: bool) -> Outcome:
        """What a search strategy learns from it."""
        optim, by_length = self.run.optim, {}
        for record in self.records:
            best = max(box_ap(record), by_length.get(record["length"], -math.inf))
            by_length[record["length"]] = best
        length = self.run.schedule.lengths[0] if separate_lengths else None
        proposal = Proposal(optim.lr, optim.weight_decay, length, self.strategy)
        return Outcome(proposal, self.state, by_length)


@dataclass(frozen=True)
class Choice:
    """The best setting of a cell: a tuning trial at one of its lengths and drop factors."""

    tried: Tried
    length: int
    factor: float
    AP_box: float


def chosen(tried: Sequence[Tried]) -> Choice | None:
    """Highest box AP over all records; ties: shorter length, then lower trial index.

    Records of stopped trials count. None where no record has a finite AP.
    """
    found = [
        Choice(one, record["length"], record["factor"], box_ap(record))
        for one in tried
        for record in one.records
        if math.isfinite(box_ap(record))
    ]
    return max(found, key=lambda c: (c.AP_box, -c.length, -c.tried.index), default=None)


class Plan:
    """Hands out trials. One process plans a study at a time (`StudyDir.lock`)."""

    def __init__(self, settings: Settings, study: StudyDir) -> None:
        self.settings = settings
        self.study = study
        self.done = False  # nothing was left to do at the last call of `next`
        self._given: Counter[str] = Counter()  # times handed out in this session
        self._settled: dict[str, Tried] = {}  # final trials are read once
        self._tuning: dict[Cell, dict[int, str]] = {cell: {} for cell in settings.cells}
        self._confirming: dict[Cell, list[str]] = {cell: [] for cell in settings.cells}
        cells = {cell.name: cell for cell in settings.cells}
        for trial in study.trials():
            config = trial.config()
            cell = cells.get(f"{config['run']['arm']}-{config['run']['size']}")
            if cell and config["role"] == "tune":
                self._tuning[cell][config["index"]] = trial.id
            elif cell and config["role"] == "confirm":
                self._confirming[cell].append(trial.id)

    def next(self, active: set[str]) -> tuple[str, dict[str, Any]] | None:
        """The trial to start now and its config.json, already written.

        None: wait until one of `active`, the trials under way, has ended; without any, `done`.
        """
        for step in (self._unfinished(active), self._new(), self._confirmations(active)):
            for trial_id in step:
                self._given[trial_id] += 1
                return trial_id, self._refreshed(trial_id)
        self.done = not active
        return None

    def tried(self, cell: Cell) -> list[Tried]:
        """The cell's tuning trials, by index."""
        return [self._tried(trial_id) for _, trial_id in sorted(self._tuning[cell].items())]

    def states(self, cell: Cell) -> dict[str, State | None]:
        """Of all the cell's trials and confirm runs that have begun to exist."""
        ids = [*self._tuning[cell].values(), *self._confirming[cell]]
        return {trial_id: self._tried(trial_id).state for trial_id in ids}

    def remaining(self) -> dict[Cell, tuple[int, int]]:
        """Tuning trials and confirm runs that have not ended, those under way included."""
        left: dict[Cell, tuple[int, int]] = {}
        for cell in self.settings.cells:
            tuned = sum(one.trial_id in self._settled for one in self.tried(cell))
            confirmed = sum(trial_id in self._settled for trial_id in self._confirming[cell])
            budget = self.settings
            left[cell] = max(0, budget.trials - tuned), max(0, budget.confirm - confirmed)
        return left

    def unended(self) -> list[str]:
        """Trials handed out in this session that need another one."""
        states = {trial_id: self.study.trial(trial_id).state for trial_id in self._given}
        return [trial_id for trial_id, state in states.items() if not (state and state.is_final)]

    def heard_from(self, trial_id: str) -> Verdict:
        """What a trial that has recorded something is to do; a stop is written down."""
        self._given[trial_id] = min(self._given[trial_id], 1)  # whatever died before, it advances
        cell = next((c for c, ids in self._tuning.items() if trial_id in ids.values()), None)
        return self._judge(trial_id, cell, self.tried(cell)) if cell else Verdict.GO

    def _judge(self, trial_id: str, cell: Cell, found: Sequence[Tried]) -> Verdict:
        """`found`: all tuning trials of the cell, which is the trial's."""
        halving = self.settings.halving
        if halving is None:
            return Verdict.GO
        result, length = verdict(
            trial_id,
            {one.trial_id: one.records for one in found},
            [one.trial_id for one in found if self._may_advance(one.trial_id)],
            max(0, self.settings.trials - len(found)),
            self.settings.schedule_at(cell.size).lengths,
            halving,
        )
        if result is Verdict.STOP:
            stopped = self.study.trial(trial_id)
            stopped.mark(State.STOPPED, iteration=length)
            stopped.remove("trunk")  # for good: nobody will go on from there
        return result

    def _unfinished(self, active: set[str]) -> Iterator[str]:
        """Tuning trials that were interrupted, or set aside at a rung where they may now go on."""
        found = {cell: self.tried(cell) for cell in self.settings.cells}
        everyone = [(one.index, one.trial_id, cell) for cell in found for one in found[cell]]
        everyone.sort(key=lambda item: item[:2])
        stopped = True
        while stopped:  # one that stops may be the one that another waits for
            stopped = False
            for _, trial_id, cell in everyone:
                if not self._is_open(trial_id, active):
                    continue
                heard = self._judge(trial_id, cell, found[cell])
                if heard is Verdict.GO:
                    yield trial_id
                stopped |= heard is Verdict.STOP

    def _new(self) -> Iterator[str]:
        for index in range(self.settings.trials):
            for cell in self.settings.cells:
                if index in self._tuning[cell]:
                    continue
                search = self.settings.points(cell.size)
                separate = search.separate_lengths
                outcomes = [one.outcome(separate) for one in self.tried(cell)]
                proposal = search.propose(index, cell.name, outcomes)
                trial_id = f"{cell.name}-t{index:03d}"
                run = self._run(cell, trial_id, proposal)
                self._write(trial_id, "tune", index, proposal.strategy, run)
                self._tuning[cell][index] = trial_id
                yield trial_id

    def _confirmations(self, active: set[str]) -> Iterator[str]:
        choices = {
            cell: chosen(self.tried(cell))
            for cell in self.settings.cells
            if self._tuning_is_over(cell, active)
        }
        for repeat in range(self.settings.confirm):
            for cell, choice in choices.items():
                if choice is None:
                    continue
                run = self._confirm_run(choice, repeat)
                trial_id = self._same_run(cell, run)
                if trial_id is None:
                    # numbered on: runs of a setting that a larger budget has overtaken remain
                    trial_id = f"{cell.name}-c{len(self._confirming[cell])}"
                    run = replace(run, trial_id=trial_id)
                    self._write(
                        trial_id, "confirm", repeat, "confirm", run, of=choice.tried.trial_id
                    )
                    self._confirming[cell].append(trial_id)
                if self._is_open(trial_id, active):
                    yield trial_id

    def _tuning_is_over(self, cell: Cell, active: set[str]) -> bool:
        ids = self._tuning[cell]
        return all(index in ids for index in range(self.settings.trials)) and not any(
            trial_id in active or self._is_open(trial_id, active) for trial_id in ids.values()
        )

    def _is_open(self, trial_id: str, active: set[str]) -> bool:
        """Whether the trial is not under way and has work left for this session."""
        return trial_id not in active and self._may_advance(trial_id)

    def _may_advance(self, trial_id: str) -> bool:
        """Whether the trial may record more in this session."""
        if trial_id in self._settled:
            return False
        state = self.study.trial(trial_id).state
        if state is not None and state.is_final:
            return False
        return self._given[trial_id] < (1 if state is State.FAILED else PROCESS_DEATHS)

    def _run(self, cell: Cell, trial_id: str, proposal: Proposal) -> RunConfig:
        fixed, schedule = self.settings.space.fixed, self.settings.schedule_at(cell.size)
        if proposal.length is not None:
            schedule = replace(schedule, lengths=(proposal.length,))
        return replace(
            fixed,
            trial_id=trial_id,
            arm=cell.arm.name,
            init=cell.arm.init,
            size=cell.size,
            draw=0,
            seed=self.settings.seed,
            split="tune",
            optim=replace(fixed.optim, lr=proposal.lr, weight_decay=proposal.weight_decay),
            schedule=schedule,
        )

    def _confirm_run(self, choice: Choice, repeat: int) -> RunConfig:
        run = choice.tried.run
        return replace(
            run,
            draw=1 + repeat,
            seed=1000 * (1 + self.settings.seed) + repeat,  # the same for all arms
            split="report",
            schedule=replace(run.schedule, lengths=(choice.length,), factors=(choice.factor,)),
        )

    def _same_run(self, cell: Cell, run: RunConfig) -> str | None:
        """The confirm run that has this setting, seed and draw already."""
        for trial_id in self._confirming[cell]:
            there = from_dict(RunConfig, self.study.trial(trial_id).config()["run"])
            if _setting(there) == _setting(run):
                return trial_id
        return None

    def _write(
        self, trial_id: str, role: str, index: int, strategy: str, run: RunConfig, **more: str
    ) -> None:
        config = {"role": role, "index": index, "strategy": strategy, "run": to_dict(run)}
        self.study.trial(trial_id).write_config(config | more)

    def _refreshed(self, trial_id: str) -> dict[str, Any]:
        """The trial's config.json, with where and how it runs brought up to date."""
        trial, fixed = self.study.trial(trial_id), self.settings.space.fixed
        config = trial.config()
        run = from_dict(RunConfig, config["run"])
        inits = {arm.name: arm.init for arm in self.settings.arms}
        now = replace(
            run,
            data=fixed.data,
            init=inits[run.arm],
            device=fixed.device,
            threads=fixed.threads,
            checkpoint_every=fixed.checkpoint_every,
        )
        if now != run:
            config["run"] = to_dict(now)
            trial.write_config(config)
        return config

    def _tried(self, trial_id: str) -> Tried:
        if trial_id in self._settled:
            return self._settled[trial_id]
        trial = self.study.trial(trial_id)
        state, config = trial.state, trial.config()
        run = from_dict(RunConfig, config["run"])
        tried = Tried(
            trial_id, config["index"], run, config["strategy"], state, tuple(trial.records())
        )
        if state is not None and state.is_final:
            self._settled[trial_id] = tried
        return tried


def _setting(run: RunConfig) -> tuple[OptimConfig, ScheduleConfig, int, int]:
    return run.optim, run.schedule, run.seed, run.draw
