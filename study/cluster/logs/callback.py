"""What Tune calls: hands the records of each trial to the logs, once.

A log that fails does not end the study: nothing more is logged there in this session, and the next
one adds what is missing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import tune
from rich.console import Console

from study.cluster.hooks import Unsaved
from study.cluster.logs.contents import metrics, parameters
from study.cluster.logs.ledger import Ledger
from study.cluster.logs.logged import LoggedTrial
from study.cluster.trial import our_id, trial_dir
from study.commands.options.log_to import Kind, without_telemetry
from study.config.schedule import Evaluation
from study.storage import Store
from study.storage.run_dir import Record, State, StudyDir, TrialDir


class Logs(Unsaved, tune.Callback):
    """The logs of a session. Trials that have ended before are added at its start."""

    def __init__(self, study: StudyDir, kinds: Collection[Kind], console: Console) -> None:
        self._study, self._console = study, console
        self._logs = {kind: Log(study, kind) for kind in kinds}

    def setup(self, *args: Any, **info: Any) -> None:
        self._each(Log.setup)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours = trial_dir(trial.config)
        self._each(lambda log: log.start(ours))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        for record in result.get("records", ()):
            self._each(lambda log, record=record: log.add(record))

    def on_trial_complete(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        self._each(lambda log: log.end(our_id(trial.config)))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._each(lambda log: log.end(our_id(trial.config), failed=True))

    def close(self) -> None:
        """End what is open: an interrupted session's trials go on in a later one."""
        self._each(Log.close)

    def _each(self, do: Callable[[Log], None]) -> None:
        for kind, log in list(self._logs.items()):
            try:
                do(log)
            except Exception as error:
                del self._logs[kind]
                said = str(error).strip().partition("\n")[0]
                self._console.print(
                    f"{kind}: {type(error).__name__}: {said}. The study goes on, and logs nothing"
                    " more there; the next session adds what is missing.",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )


@dataclass(frozen=True)
class Told:
    """A run under way, and which records it has."""

    trial: LoggedTrial
    factors: int
    records: set[Evaluation] = field(default_factory=set)


class Log:
    """One log: of all trials, each record once."""

    def __init__(self, study: StudyDir, kind: Kind) -> None:
        self._study, self._store = study, study.store.absolute().within("logs")
        self._callback = _callback(kind, study.store.absolute().name, self._store)
        self._ledger = Ledger(self._store, kind, self._callback.place)
        self._told: dict[str, Told] = {}

    def setup(self) -> None:
        """Begin, and add what earlier sessions have not logged."""
        self._callback.setup()
        known = self._ledger.records()
        for trial in self._study.trials():
            if len(trial.records()) > known.get(trial.id, 0):
                self.start(trial)
                self.end(trial.id, trial.state in (State.FAILED, State.PREEMPTED))

    def start(self, trial: TrialDir) -> None:
        """Begin the trial's run or go on with it; log what the trial has recorded already."""
        config = trial.config()
        folder = (self._store.folder or Path()) / trial.id
        told = Told(
            LoggedTrial(trial.id, parameters(config), folder),
            len(config["run"]["schedule"]["factors"]),
        )
        self._callback.log_trial_start(told.trial)
        self._told[trial.id] = told
        for record in trial.records():
            self.add(record)

    def add(self, record: Record) -> None:
        """Log a record, unless the start has found it in the trial's folder."""
        told = self._told.get(record["trial_id"])
        evaluation = record["leg"], record["weights"]
        if told and evaluation not in told.records:
            result = metrics(record, told.factors) | {"timestamp": record["time"]}
            self._callback.log_trial_result(record["iteration"], told.trial, result)
            told.records.add(evaluation)

    def end(self, trial_id: str, failed: bool = False) -> None:
        """End the trial's run, for good or until the trial goes on."""
        told = self._told.pop(trial_id, None)  # none: it ended before it began
        if told:
            self._callback.log_trial_end(told.trial, failed)
            self._ledger.note(trial_id, len(told.records))

    def close(self) -> None:
        """End the runs that are open."""
        for trial_id in list(self._told):
            self.end(trial_id, failed=True)


def _callback(kind: Kind, name: str, store: Store) -> Any:
    """Ray's logger callback for a study of that name, with its logs in `store`."""
    without_telemetry(kind)
    match kind:
        case "tensorboard":
            from study.cluster.logs.tensorboard import TensorBoard

            return TensorBoard()
        case "wandb":
            from study.cluster.logs.wandb import WandB

            return WandB(_identity(store), name, store.folder)
        case "mlflow":
            from study.cluster.logs.mlflow import MLflow

            return MLflow(_identity(store), name, store.folder and store.folder / "mlflow")


def _identity(store: Store) -> str:
    """By which the runs of this study are known among others, wherever its folder is moved."""
    if (known := store.read("id")) is None:
        known = secrets.token_hex(4).encode()
        store.write("id", known)
    return known.decode()
