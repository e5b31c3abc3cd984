"""The study as Optuna's dashboard shows it: a journal derived from the run directory.

One Optuna study per arm and size. The file can be deleted at any time; the next sweep in the
directory writes it again. Nothing reads it to decide anything.

    optuna-dashboard RUN_DIR/optuna.journal
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.trial import TrialState

from study.config import LogUniform, digest
from study.planning.design import Cell
from study.planning.plan import Plan
from study.planning.search.strategies.samplers import distributions, optuna_state
from study.planning.trials.tuning import TuningTrial

optuna.logging.set_verbosity(optuna.logging.WARNING)


class _Collected(BaseJournalBackend):
    """A journal's file, to which what was said since the last time is added at once.

    Optuna itself waits for the disk after each value, which a study has thousands of.
    """

    def __init__(self, file: Path) -> None:
        self._backend = JournalFileBackend(str(file))
        self._written, self._new = 0, list[dict[str, Any]]()

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        since = max(0, log_number_from - self._written)
        before = range(log_number_from, self._written)
        return [*(self._backend.read_logs(log_number_from) if before else ()), *self._new[since:]]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self._new += logs

    def write(self) -> None:
        if self._new:
            self._backend.append_logs(self._new)
        self._written += len(self._new)
        self._new = []


class Journal:
    """Keeps the journal up to date. Stopped trials are pruned, diverged ones failed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._store = plan.study.store
        # Optuna appends to a file: for an object store to one that is put there when it has grown
        self._copied = tempfile.TemporaryDirectory() if self._store.folder is None else None
        folder = Path(self._copied.name) if self._copied else plan.study.path
        for stale in folder.glob("optuna.journal*"):  # and its lock
            stale.unlink()
        self._file, self._size = folder / "optuna.journal", 0
        self._backend = _Collected(self._file)
        storage = JournalStorage(self._backend)
        self._studies = {
            cell: optuna.create_study(
                study_name=self._name(cell), storage=storage, direction="maximize"
            )
            for cell in plan.design.cells
        }
        self._trials: dict[str, optuna.Trial] = {}
        self._reported: dict[str, int] = {}  # lengths told so far; -1: the trial is closed

    def update(self) -> None:
        """Tell what is new in the run directory."""
        for cell in self._studies:
            for tried in self._plan.tuning_trials(cell):
                if self._reported.get(tried.trial_id) != -1:
                    self._tell(cell, tried)
        self._backend.write()
        if self._copied and self._file.stat().st_size > self._size:
            content = self._file.read_bytes()
            self._store.write(self._file.name, content)
            self._size = len(content)

    def _tell(self, cell: Cell, tried: TuningTrial) -> None:
        outcome = tried.outcome()
        if tried.trial_id not in self._trials:
            study = self._studies[cell]
            attributes = {"trial_id": tried.trial_id, "strategy": tried.strategy}
            study.enqueue_trial(tried.values, user_attrs=attributes)
            self._trials[tried.trial_id] = study.ask(self._ranges(cell, tried))
        trial, known = self._trials[tried.trial_id], self._reported.get(tried.trial_id, 0)
        lengths = sorted(outcome.AP_box)
        for length in lengths[known:]:
            trial.report(outcome.AP_box[length], step=length)
        self._reported[tried.trial_id] = len(lengths)
        state, value = optuna_state(tried.state), None
        if state == TrialState.COMPLETE:
            value = max(outcome.AP_box.values(), default=None)
            state = TrialState.FAIL if value is None else state  # nothing to find in the split
        if state.is_finished():
            self._studies[cell].tell(trial, value, state)
            self._reported[tried.trial_id] = -1

    def _ranges(self, cell: Cell, tried: TuningTrial) -> dict[str, BaseDistribution]:
        """The search space; a point in a strip beyond it widens it for itself."""
        ranges = self._plan.design.ranges_at(cell.size)
        return distributions(
            {
                name: LogUniform(low=min(r.low, value), high=max(r.high, value))
                for name, r in ranges.items()
                for value in [tried.values[name]]
            }
        )

    def _name(self, cell: Cell) -> str:
        design = self._plan.design
        question = digest(design.question(data={}))
        return f"{design.space.name}/{cell.arm.name}/{cell.size}/{question}"
