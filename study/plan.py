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
from dataclasses import dataclass, field, replace
from typing import Any

from study import roles, schedule
from study.config import RunConfig, from_dict, to_dict
from study.extension import Strip, beyond
from study.roles import Wanted
from study.rundir import State, StudyDir
from study.settings import Cell, Settings
from study.stopping import Verdict, audited
from study.tried import Choice, Tried, chosen, finalists

PROCESS_DEATHS = 3  # of one trial in one session; then it is left to the next session


@dataclass
class _Trials:
    """The trials of one cell that are in the run directory, by role."""

    tuning: list[str] = field(default_factory=list)
    confirming: dict[str, RunConfig] = field(default_factory=dict)
    audits: list[str] = field(default_factory=list)

    def add(self, trial_id: str, role: str, run: RunConfig) -> None:
        if role == "confirm":
            self.confirming[trial_id] = run
        elif role in ("tune", "audit"):
            (self.tuning if role == "tune" else self.audits).append(trial_id)

    @property
    def everyone(self) -> list[str]:
        return [*self.tuning, *self.confirming, *self.audits]


class Plan:
    """Hands out trials. One process plans a study at a time (`StudyDir.lock`)."""

    def __init__(self, settings: Settings, study: StudyDir) -> None:
        self.settings = settings
        self.study = study
        self.done = False  # nothing was left to do at the last call of `next`
        self._given: Counter[str] = Counter()  # times handed out in this session
        self._settled: dict[str, Tried] = {}  # final tuning trials are read once
        self._ended: set[str] = set()  # other final trials
        self._strips: dict[int, list[Strip]] = {
            size: [] for size in settings.space.scientific.sizes
        }
        self._rounds: Counter[int] = Counter()  # of extension, decided so far, by size
        self._there = {cell: _Trials() for cell in settings.cells}
        cells = {cell.name: cell for cell in settings.cells}
        for trial in study.trials():
            config = trial.config()
            cell = cells.get(f"{config['run']['arm']}-{config['run']['size']}")
            if cell:
                run = from_dict(RunConfig, config["run"])
                self._there[cell].add(trial.id, config["role"], run)

    def next(self, active: set[str]) -> tuple[str, dict[str, Any]] | None:
        """The trial to start now and its config.json, already written.

        None: wait until one of `active`, the trials under way, has ended; without any, `done`.
        """
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
                return trial_id, self._refreshed(trial_id)
        self.done = not active
        return None

    def tried(self, cell: Cell) -> list[Tried]:
        """The cell's tuning trials, by index."""
        found = [self._tried(trial_id) for trial_id in self._there[cell].tuning]
        return sorted(found, key=lambda one: one.index)

    def states(self, cell: Cell) -> dict[str, State | None]:
        """Of all the cell's trials that have begun to exist."""
        tuning = {one.trial_id: one.state for one in self.tried(cell)}
        others = [i for i in self._there[cell].everyone if i not in tuning]
        return tuning | {trial_id: self.study.trial(trial_id).state for trial_id in others}

    def remaining(self) -> dict[Cell, tuple[int, int]]:
        """Tuning trials and confirm runs that have not ended, those under way included."""
        left: dict[Cell, tuple[int, int]] = {}
        for cell, there in self._there.items():
            tuned = sum(one.trial_id in self._settled for one in self.tried(cell))
            wanted = {*there.tuning, *self._wanted(cell)}
            confirmed = sum(map(self._has_ended, there.confirming))
            confirms = max(len(there.confirming), self.settings.confirm_runs)
            left[cell] = len(wanted) - tuned, confirms - confirmed
        return left

    def unended(self) -> list[str]:
        """Trials handed out in this session that need another one."""
        states = {trial_id: self.study.trial(trial_id).state for trial_id in self._given}
        return [trial_id for trial_id, state in states.items() if not (state and state.is_final)]

    def heard_from(self, trial_id: str) -> Verdict:
        """What a trial that has recorded something is to do; a stop is written down."""
        self._given[trial_id] = min(self._given[trial_id], 1)  # whatever died before, it advances
        cell = next((c for c, there in self._there.items() if trial_id in there.tuning), None)
        return self._judge(trial_id, cell, self.tried(cell)) if cell else Verdict.GO

    def _judge(self, trial_id: str, cell: Cell, found: Sequence[Tried]) -> Verdict:
        """`found`: all tuning trials of the cell, which is the trial's."""
        rungs = self.settings.rungs_at(cell.size)
        mine = next(one for one in found if one.trial_id == trial_id)
        if rungs is None or mine.stopped_at is not None:
            return Verdict.STOP if mine.state is State.STOPPED else Verdict.GO
        result, length = rungs.verdict(
            trial_id,
            {one.trial_id: one.records for one in found},
            [one.trial_id for one in found if self._may_pass_a_rung(one)],
            len({*self._wanted(cell)} - {one.trial_id for one in found}),
        )
        if result is Verdict.STOP:
            assert length is not None
            self._stop(mine, cell, length)
        return result

    def _stop(self, tried: Tried, cell: Cell, length: int) -> None:
        """End a trial at a rung: with its tail there, should that be missing yet."""
        trial = self.study.trial(tried.trial_id)
        config = trial.config()
        run = replace(tried.run, schedule=tried.run.schedule.up_to(length))
        if audited(tried.trial_id, self.settings.seed, self.settings.budget.audit):
            self._begin_audit(replace(tried, stopped_at=length), cell)
        trial.write_config(config | {"run": to_dict(run), "stopped_at": length})
        self._tried(tried.trial_id)  # marks it, if its tail is there

    def _begin_audit(self, stopped: Tried, cell: Cell) -> None:
        wanted = roles.audit(self.settings, stopped)
        if wanted and wanted.run.trial_id not in self._there[cell].audits:
            self._write(cell, wanted)
            self.study.trial(stopped.trial_id).copy("trunk", self.study.trial(wanted.run.trial_id))

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
                if heard is Verdict.STOP:
                    stopped, found[cell] = True, self.tried(cell)
                if heard is not Verdict.WAIT and self._is_open(trial_id, active):
                    yield trial_id  # also one that stops, but lacks its tail

    def _new(self) -> Iterator[str]:
        for index in range(self.settings.budget.trials):
            for cell in self.settings.cells:
                if roles.tuning_id(cell, index) in self._there[cell].tuning:
                    continue
                search = self.settings.points(cell.size)
                outcomes = [one.outcome() for one in self.tried(cell) if not one.in_strip]
                proposal = search.propose(index, outcomes)
                yield self._write(cell, roles.tuning(self.settings, cell, index, proposal))

    def _extend(self, active: set[str]) -> None:
        """Add strips beyond the ranges at whose edge some arm has its best setting."""
        for size, strips in self._strips.items():
            cells, rounds = self.settings.cells_at(size), self.settings.budget.extend
            while self._rounds[size] < rounds and self._are_tuned(cells, active):
                best = [chosen(self._within(cell)) for cell in cells]
                settings = [choice.setting for choice in best if choice and choice.AP_box > 0]
                strips += beyond(self.settings.ranges_at(size), strips, settings)
                self._rounds[size] += 1

    def _in_strips(self) -> Iterator[str]:
        for size, strips in self._strips.items():
            numbers = range(self.settings.budget.extra)
            for number, strip in itertools.product(numbers, strips):
                for cell in self.settings.cells_at(size):
                    if roles.strip_id(cell, strip, number) not in self._there[cell].tuning:
                        wanted = roles.in_strip(self.settings, cell, strip, number)
                        yield self._write(cell, wanted)

    def _confirmations(self, active: set[str]) -> Iterator[str]:
        budget, settings = self.settings.budget, self.settings
        best: dict[Cell, list[Choice]] = {}
        for size in self._strips:
            cells = settings.cells_at(size)
            if self._rounds[size] == budget.extend and self._are_tuned(cells, active):
                best |= {cell: finalists(self.tried(cell), budget.finalists) for cell in cells}
        for repeat in range(max(budget.confirm, budget.cross)):
            for cell, choices in best.items():
                wanted = choices if repeat < budget.confirm else []
                crossed = [
                    others[0]
                    for other, others in best.items()
                    if other.size == cell.size and other != cell and others
                ]
                crossed = crossed if repeat < budget.cross else []
                for choice in (*wanted, *crossed):
                    run = roles.confirmation(settings, cell, choice, repeat, own=choice in choices)
                    trial_id = self._same_run(cell, run.run) or self._number(cell, run)
                    if self._is_open(trial_id, active):
                        yield trial_id

    def _audits(self, active: set[str]) -> Iterator[str]:
        for cell, there in self._there.items():
            for one in self.tried(cell):
                if one.state is State.STOPPED and audited(
                    one.trial_id, self.settings.seed, self.settings.budget.audit
                ):
                    self._begin_audit(one, cell)  # unless it has been, when the trial was stopped
            yield from (trial_id for trial_id in there.audits if self._is_open(trial_id, active))

    def _wanted(self, cell: Cell) -> list[str]:
        """The tuning trials that the cell has or will have, as far as that is known."""
        budget = self.settings.budget
        base = [roles.tuning_id(cell, index) for index in range(budget.trials)]
        return base + [
            roles.strip_id(cell, strip, number)
            for strip in self._strips[cell.size]
            for number in range(budget.extra)
        ]

    def _within(self, cell: Cell) -> list[Tried]:
        """The trials of the ranges as they have been extended so far."""
        wanted = set(self._wanted(cell))
        return [one for one in self.tried(cell) if one.trial_id in wanted]

    def _are_tuned(self, cells: Sequence[Cell], active: set[str]) -> bool:
        return all(
            trial_id in self._there[cell].tuning
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
        if self._has_ended(trial_id):
            return False
        failed = self.study.trial(trial_id).state is State.FAILED
        return self._given[trial_id] < (1 if failed else PROCESS_DEATHS)

    def _may_pass_a_rung(self, tried: Tried) -> bool:
        return tried.stopped_at is None and self._may_advance(tried.trial_id)

    def _has_ended(self, trial_id: str) -> bool:
        if trial_id in self._settled or trial_id in self._ended:
            return True
        state = self.study.trial(trial_id).state
        if state is None or not state.is_final:
            return False
        if any(trial_id in there.tuning for there in self._there.values()):
            self._tried(trial_id)
        else:
            self._ended.add(trial_id)
        return True

    def _same_run(self, cell: Cell, run: RunConfig) -> str | None:
        """The confirm run that has this setting, seed and draw already, whoever wanted it."""
        for trial_id, there in self._there[cell].confirming.items():
            if roles.setting(there) == roles.setting(run):
                return trial_id
        return None

    def _number(self, cell: Cell, wanted: Wanted) -> str:
        """Write a confirm run; numbered on, for those of settings since overtaken remain."""
        trial_id = f"{cell.name}-c{len(self._there[cell].confirming)}"
        return self._write(cell, replace(wanted, run=replace(wanted.run, trial_id=trial_id)))

    def _write(self, cell: Cell, wanted: Wanted) -> str:
        trial_id = wanted.run.trial_id
        self.study.trial(trial_id).write_config(wanted.config())
        self._there[cell].add(trial_id, wanted.role, wanted.run)
        return trial_id

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
        """The tuning trial; one that was told to stop and has its tail is marked as stopped."""
        if trial_id in self._settled:
            return self._settled[trial_id]
        trial = self.study.trial(trial_id)
        state, config, records = trial.state, trial.config(), tuple(trial.records())
        run, stopped_at = from_dict(RunConfig, config["run"]), config.get("stopped_at")
        if stopped_at is not None and state not in (State.STOPPED, State.DIVERGED):
            recorded = {(r["leg"], r["weights"]) for r in records}
            if not schedule.remaining(run.schedule, recorded):
                trial.mark(state := State.STOPPED, iteration=stopped_at)
                trial.remove("trunk")  # for good: nobody will go on from there
        tried = Tried(
            trial_id,
            config["index"],
            run,
            config["strategy"],
            state,
            stopped_at,
            "strip" in config,
            records,
        )
        if state is not None and state.is_final:
            self._settled[trial_id] = tried
        return tried
