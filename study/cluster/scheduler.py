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

from study.cluster.failures.causes import Ending, Situation, of_exception, of_process
from study.cluster.failures.processes import out_of_memory
from study.cluster.failures.watchdog import Watchdog
from study.cluster.hooks import Unsaved
from study.cluster.searcher import PlanSearcher
from study.cluster.trial import our_id, trial_dir
from study.planning.plan import Plan
from study.planning.stopping import Decision
from study.storage import Busy


class PlanScheduler(Unsaved, FIFOScheduler):
    """Ends what the plan stops or sets aside; writes the states `failed` and `preempted`."""

    def __init__(
        self, plan: Plan, searcher: PlanSearcher, watchdog: Watchdog, shares: frozenset[str]
    ) -> None:
        """`shares`: memory that trials share which run at once, "machine" and "device"."""
        super().__init__()
        self._plan = plan
        self._searcher = searcher
        self._watchdog = watchdog
        self._shares = shares
        self._killed = out_of_memory()  # processes, by the system, so far

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        if self._plan.heard_from(our_id(trial.config)) is Decision.GO:
            return TrialScheduler.CONTINUE
        return TrialScheduler.STOP  # for good, or until the plan hands it out again

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        self._plan.heard_from(our_id(trial.config))  # its last record may end its stopping

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        ours = trial_dir(trial.config)
        killed, self._killed = self._killed, out_of_memory()
        situation = Situation(
            beside=len(self._searcher.active) - 1,
            shares=self._shares,
            killed="machine" in self._shares and self._killed > killed,
            silent_s=self._watchdog.ended.get(ours.id),
            events=ours.events(),
        )
        ending, text = what_ended(trial, situation)
        if ending.fewer:
            self._searcher.narrow()
        where = ours.write_traceback(text)
        cause = {"cause": ending.cause, "traceback": where}
        ours.mark(ending.state, error=ending.error, **cause, **ending.fields)


def what_ended(trial: Trial, situation: Situation) -> tuple[Ending, str]:
    """Why the trial ended, and all that is known of it: a traceback, or what Ray says."""
    file = trial.pickled_error_file
    if file is None or not Path(file).exists():
        text = "unknown error"
        if trial.error_file and Path(trial.error_file).exists():  # as of Ray's memory monitor
            text = Text.from_ansi(Path(trial.error_file).read_text()).plain
        return of_exception(situation, text), text
    error = pickle.loads(Path(file).read_bytes())
    text = Text.from_ansi(str(error)).plain  # Ray colours its tracebacks
    if isinstance(error, RayActorError):
        return of_process(situation), text
    from study.cluster.group import WorkerDied  # here: one-worker trials do without ray.train

    cause = error.cause if isinstance(error, RayTaskError) else None
    if isinstance(cause, WorkerDied):
        return of_process(situation, "a worker died"), text
    if isinstance(cause, Busy):
        # on a node that was given up; it notices within a minute, and NFS ends its locks by then
        return of_process(situation, f"its former process lives on: {cause}"), text
    return of_exception(situation, text), text
