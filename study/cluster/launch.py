"""Runs a plan's trials on Ray Tune until none is left to do."""

from __future__ import annotations

import os
from typing import Any

from ray import tune
from rich.console import Console

from study.cluster.hooks import Pace, Unsaved
from study.cluster.progress import Progress
from study.cluster.ray_session import cluster, interruptible, quiet
from study.cluster.room import Room, device_for, fully_grown
from study.cluster.scheduler import PlanScheduler
from study.cluster.searcher import PlanSearcher
from study.cluster.shared_folder import require_shared
from study.planning.optuna_journal import Journal
from study.planning.plan import Plan
from study.storage import Store
from study.storage.run_dir import State

JOURNAL_S = 2.0  # between updates


def run(
    plan: Plan,
    *,
    workers: int,
    gpus: float | None = None,
    max_concurrent: int | None,
    console: Console,
) -> None:
    """Run the plan's trials until none is left to do in this session.

    Args:
        plan: hands out trials; the caller holds the study's lock.
        workers: per trial; more than one makes a Ray Train group (DDP).
        gpus: that each worker is given; None: one, or none where trials run on CPUs.
        max_concurrent: trials at once; None: as many as the cluster has, or may get, room for.
        console: where progress is shown.

    Raises:
        ValueError: no cluster answers at RAY_ADDRESS, one of its nodes does not see the run
            directory, or this machine or the grown cluster has no room for one trial.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the trials under way are marked preempted.
    """
    hidden = plan.study.store.absolute().within(".tune")
    hidden.clear()
    searcher: PlanSearcher | None = None
    try:
        with interruptible(), cluster(workers) as own:
            grown = None if own else fully_grown()
            device = device_for(plan.design.space.fixed.device, grown)
            room = Room(workers, device, gpus, max_concurrent, own, grown)
            if not own:
                require_shared(plan.study.store, room.place(), console)
            # else Tune asks a cluster that grows for one node after another
            os.environ.setdefault("TUNE_MAX_PENDING_TRIALS_PG", str(room.trials()))
            searcher = PlanSearcher(plan, room.trials, {"workers": workers, "device": device})
            shown = [Progress(plan, console), Journalist(plan)]
            _fit(plan, searcher, room, hidden, shown)
    finally:
        # after the workers' end, so that none of them writes another event
        for trial_id in searcher.active.values() if searcher else ():
            trial = plan.study.trial(trial_id)
            if not (trial.state and trial.state.is_final):  # it may have ended unheard
                trial.mark(State.PREEMPTED)
        hidden.clear()


def _fit(
    plan: Plan, searcher: PlanSearcher, room: Room, hidden: Store, shown: list[tune.Callback]
) -> None:
    quiet()
    tune.Tuner(
        room.trainable(),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=PlanScheduler(plan),
            num_samples=-1,  # until the plan is done
            reuse_actors=room.one_worker,
            trial_name_creator=_name,
            trial_dirname_creator=_name,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(hidden),
            verbose=0,
            callbacks=shown,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=0),  # the plan decides who runs again
        ),
    ).fit()


def _name(trial: Any) -> str:
    return f"{trial.config['trial_id']}-{trial.trial_id}"


class Journalist(Unsaved, tune.Callback):
    """Keeps Optuna's journal up to date."""

    def __init__(self, plan: Plan) -> None:
        self._journal, self._pace = Journal(plan), Pace(JOURNAL_S)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if self._pace.due:
            with self._pace.look():
                self._journal.update()

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        self._journal.update()
