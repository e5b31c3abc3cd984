"""Tune asks the plan for decisions, and what became of each trial is written down.

Ray's own ASHA keeps its rungs in memory, loses them on a restart and compares whatever reports
under one name; here the decision is read off the run directory (`study.planning.stopping`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ray.cloudpickle as pickle
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from rich.text import Text

from study.cluster.hooks import Unsaved
from study.cluster.trial import trial_dir
from study.planning.plan import Plan
from study.planning.stopping import Decision
from study.storage import Busy
from study.storage.run_dir import State


class PlanScheduler(Unsaved, FIFOScheduler):
    """Ends what the plan stops or sets aside; writes the states `failed` and `preempted`."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        ours = trial_dir(trial.config)
        if self._plan.heard_from(ours.id) is Decision.GO:
            return TrialScheduler.CONTINUE
        return TrialScheduler.STOP  # for good, or until the plan hands it out again

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        self._plan.heard_from(trial_dir(trial.config).id)  # its last record may end its stopping

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        state, error = what_ended(trial)
        trial_dir(trial.config).mark(state, error=error)


def what_ended(trial: Trial) -> tuple[State, str]:
    """Whether an exception or the death of a process ended the trial, and what there is to say."""
    file = trial.pickled_error_file
    if file is None or not Path(file).exists():
        return State.FAILED, "unknown error"
    error = pickle.loads(Path(file).read_bytes())
    if isinstance(error, RayActorError):
        return State.PREEMPTED, f"its process died\n{_plain(error)}"
    from study.cluster.group import WorkerDied  # here: one-worker trials do without ray.train

    if isinstance(error, RayTaskError) and isinstance(error.cause, WorkerDied):
        return State.PREEMPTED, f"a worker died\n{_plain(error.cause)}"
    if isinstance(error, RayTaskError) and isinstance(error.cause, Busy):
        # on a node that was given up; it notices within a minute, and NFS ends its locks by then
        return State.PREEMPTED, f"its former process lives on\n{_plain(error.cause)}"
    return State.FAILED, _plain(error)


def _plain(error: BaseException) -> str:
    return Text.from_ansi(str(error)).plain  # Ray colours its tracebacks
