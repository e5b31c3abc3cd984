"""The trials that a study has, by arm, size and role: the run directory as its plan sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from study.config import RunConfig, from_dict, schedule, to_dict
from study.planning.design import Cell, Design
from study.planning.trials.specs import TrialSpec
from study.planning.trials.tuning import COMPARED, TuningTrial
from study.storage.run_dir import State, StudyDir, TrialDir

_Seen = tuple[State | None, dict[str, Any], int]
"""What a trial's files said: its state, its configuration, and how many records it had."""


@dataclass
class Roles:
    """The ids of one cell's trials by role, and the runs of those that confirm."""

    tuning: dict[str, None] = field(default_factory=dict)  # in the order in which they came
    confirming: dict[str, RunConfig] = field(default_factory=dict)
    audits: list[str] = field(default_factory=list)

    def add(self, trial_id: str, role: str, run: RunConfig) -> None:
        if role == "confirm":
            self.confirming[trial_id] = run
        elif role == "tune":
            self.tuning[trial_id] = None
        elif role == "audit":
            self.audits.append(trial_id)


class TrialIndex:
    """Reads what is in the run directory once, then only what may have changed."""

    def __init__(self, design: Design, study: StudyDir) -> None:
        self.study = study
        self.of = {cell: Roles() for cell in design.cells}
        self._names = design.names
        self._settled: dict[str, TuningTrial] = {}  # tuning trials that have ended
        self._ended: set[str] = set()  # other trials that have
        self._seen: dict[str, tuple[_Seen, TuningTrial]] = {}  # tuning trials, as last read
        self._folders: dict[str, TrialDir] = {}  # of trials that may still grow
        self._glanced: dict[str, TuningTrial] | None = None  # tuning trials, by this glance
        names = {cell.name: cell for cell in design.cells}
        for trial in study.trials():
            config = trial.config()
            cell = names.get(f"{config['run']['arm']}-{config['run']['size']}")
            if cell:
                self.of[cell].add(trial.id, config["role"], from_dict(RunConfig, config["run"]))

    def folder(self, trial_id: str) -> TrialDir:
        """The trial's folder, which parses again only what has been added to its files."""
        if trial_id in self._settled or trial_id in self._ended:
            return self.study.trial(trial_id)
        if trial_id not in self._folders:
            self._folders[trial_id] = self.study.trial(trial_id)
        return self._folders[trial_id]

    @contextlib.contextmanager
    def glance(self) -> Iterator[None]:
        """Within it each tuning trial is read once: to look at them all, and to decide nothing."""
        self._glanced = {}
        try:
            yield
        finally:
            self._glanced = None

    def write(self, cell: Cell, spec: TrialSpec) -> str:
        """Make a trial exist; returns its id."""
        trial_id = spec.run.trial_id
        self.study.trial(trial_id).write_config(spec.config())
        self.of[cell].add(trial_id, spec.role, spec.run)
        return trial_id

    def refresh(self, trial_id: str, design: Design) -> dict[str, Any]:
        """The trial's config.json, with where and how it runs brought up to date."""
        trial, fixed = self.study.trial(trial_id), design.space.fixed
        config = trial.config()
        run = from_dict(RunConfig, config["run"])
        inits = {arm.name: arm.init for arm in design.arms}
        kept = design.grows and config["role"] == "tune"
        now = replace(
            run,
            data=fixed.data,
            init=inits[run.arm],
            device=fixed.device,
            threads=fixed.threads,
            at_once=fixed.at_once,
            checkpoint_every=fixed.checkpoint_every,
            keep_trunk=kept,
        )
        if now != run:
            config["run"] = to_dict(now)
            trial.write_config(config)
        return config

    def cell_of(self, trial_id: str) -> Cell | None:
        """The cell of a tuning trial; None for a trial of another role."""
        return next((cell for cell, roles in self.of.items() if trial_id in roles.tuning), None)

    def tuning(self, cell: Cell) -> list[TuningTrial]:
        """The cell's tuning trials, by index."""
        found = [self.tuning_trial(trial_id) for trial_id in self.of[cell].tuning]
        return sorted(found, key=lambda one: one.index)

    def states(self, cell: Cell) -> dict[str, State | None]:
        """Of all the cell's trials."""
        roles, tuning = self.of[cell], {one.trial_id: one.state for one in self.tuning(cell)}
        others = [*roles.confirming, *roles.audits]
        return tuning | {trial_id: self.folder(trial_id).state for trial_id in others}

    def has_ended(self, trial_id: str) -> bool:
        """Whether the trial needs no more work."""
        if trial_id in self._settled or trial_id in self._ended:
            return True
        state = self.folder(trial_id).state
        if state is None or not state.is_final:
            return False
        if self.cell_of(trial_id) is None:
            self._ended.add(trial_id)
            self._folders.pop(trial_id, None)
        else:
            self.tuning_trial(trial_id)
        return True

    def tuning_trial(self, trial_id: str) -> TuningTrial:
        """The tuning trial; one that was told to stop and has its tail is marked as stopped."""
        if trial_id in self._settled:
            return self._settled[trial_id]
        if self._glanced is None:
            return self._read(trial_id)
        if trial_id not in self._glanced:
            self._glanced[trial_id] = self._read(trial_id)
        return self._glanced[trial_id]

    def _read(self, trial_id: str) -> TuningTrial:
        trial = self.folder(trial_id)
        state, config, records = trial.state, trial.config(), trial.records()
        known = self._seen.get(trial_id)
        if known is not None and known[0] == (state, config, len(records)):
            return known[1]
        is_same = known is not None and known[0][1] == config
        run = known[1].run if known and is_same else from_dict(RunConfig, config["run"])
        stopped_at = config.get("stopped_at")
        if stopped_at is not None and state not in (State.STOPPED, State.DIVERGED):
            recorded = {(r["leg"], r["weights"]) for r in records}
            if not schedule.remaining(run.schedule, recorded):
                trial.mark(state := State.STOPPED, iteration=stopped_at)
                trial.remove("trunk")  # for good: nobody will go on from there
        tried = TuningTrial(
            trial_id=trial_id,
            index=config["index"],
            run=run,
            values=run.optim.values(self._names),
            strategy=config["strategy"],
            state=state,
            stopped_at=stopped_at,
            promoted=config.get("passed", 0),
            in_strip="strip" in config,
            records=tuple({name: record[name] for name in COMPARED} for record in records),
        )
        if state is not None and state.is_final:
            self._settled[trial_id] = tried
            self._seen.pop(trial_id, None)
            self._folders.pop(trial_id, None)
        else:
            self._seen[trial_id] = (state, config, len(records)), tried
        return tried

    def promote(self, tried: TuningTrial, length: int) -> None:
        """Write down that a tuning trial goes on from a rung, for good."""
        trial = self.study.trial(tried.trial_id)
        trial.write_config(trial.config() | {"passed": length})

    def lengthen(self, tried: TuningTrial, length: int) -> bool:
        """Let a finished tuning trial go on to a longer length; returns whether it has work now.

        Said again, it does nothing; nor does it where the trial has come further by other lengths.
        """
        trial, run = self.study.trial(tried.trial_id), tried.run
        if length > run.schedule.lengths[-1]:
            schedule = replace(run.schedule, lengths=(*run.schedule.lengths, length))
            longer = replace(run, schedule=schedule)
            trial.write_config(trial.config() | {"run": to_dict(longer)})
            self._settled.pop(tried.trial_id, None)
        elif (
            tried.state is not State.FINISHED
            or length not in run.schedule.lengths
            or length in tried.by_length
        ):
            return False
        trial.mark(State.RUNNING, lengthened=length)
        self._settled.pop(tried.trial_id, None)
        return True

    def forget_trunk(self, tried: TuningTrial) -> None:
        """Nobody will go on from the end of the trial's trunk."""
        self.study.trial(tried.trial_id).remove("trunk")

    def stop(self, tried: TuningTrial, length: int) -> None:
        """End a tuning trial at a length: with its tail there, should that be missing yet."""
        trial = self.study.trial(tried.trial_id)
        run = replace(tried.run, schedule=tried.run.schedule.up_to(length))
        trial.write_config(trial.config() | {"run": to_dict(run), "stopped_at": length})
        self._read(tried.trial_id)  # marks it, if its tail is there
