"""Runs a plan's trials on Ray Tune until none is left to do.

Tune, and what it needs, take seconds to import. A cluster takes as long to start, most
of it in waiting: so the one is done during the other, and Tune is imported inside functions here.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from rich.console import Console

from study.cluster.failures.interruption import interruptible
from study.cluster.failures.patience import Patience
from study.cluster.failures.processes import kill_holder
from study.cluster.lean import inherited_environment, uncounted
from study.cluster.ray_session import cluster, quiet
from study.cluster.room import Room, device_for, fully_grown
from study.cluster.shared_folder import require_shared
from study.commands.options.log_to import Kind
from study.planning.plan import Plan
from study.storage import Store
from study.storage.run_dir import State

if TYPE_CHECKING:
    from ray import tune

    from study.cluster.scheduler import PlanScheduler
    from study.cluster.searcher import PlanSearcher

NEEDED = ("pandas", "pyarrow.fs", "optuna")
"""By Tune and the journal. None of them imports ray, which the main thread is at."""


def run(
    plan: Plan,
    *,
    workers: int,
    gpus: float | None = None,
    max_concurrent: int | None,
    images: int = 0,
    log_to: Collection[Kind] = (),
    console: Console,
    release: Callable[[], None] = lambda: None,
) -> None:
    """Run the plan's trials until none is left to do in this session.

    Args:
        plan: hands out trials; the caller holds the study's lock.
        workers: per trial; more than one makes a Ray Train group (DDP).
        gpus: that each worker is given; None: one, or none where trials run on CPUs.
        max_concurrent: trials at once; None: as many as the cluster has, or may get, room for.
        images: that a trial evaluates on, at most.
        log_to: where each trial is logged besides.
        console: where progress is shown.
        release: gives back the study's lock. Called only where Ray ends, and this process with it.

    Raises:
        ValueError: no cluster answers at RAY_ADDRESS, one of its nodes does not see the run
            directory, or this machine or the grown cluster has no room for one trial.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the trials under way are marked preempted.
    """
    hidden = plan.study.store.absolute().within(".tune")
    hidden.clear()
    patience = Patience.given()
    searcher: PlanSearcher | None = None
    ends = contextlib.ExitStack()  # what every end takes, the last first

    def preempt() -> None:
        """After the workers' end, so that none of them writes another event."""
        for trial_id in list(searcher.active.values()) if searcher else ():
            trial = plan.study.trial(trial_id)
            if not (trial.state and trial.state.is_final):  # it may have ended unheard
                trial.mark(State.PREEMPTED)

    def dying() -> None:
        """Ray has ended: no worker of ours is to live on, and hold its trial."""
        for trial_id in list(searcher.active.values()) if searcher else ():
            kill_holder(plan.study.trial(trial_id).holder())
        ends.close()
        release()

    with ends:
        ends.callback(hidden.clear)
        threading.Thread(target=_import_needed, daemon=True).start()
        with interruptible() as asked, cluster(workers, asked, dying) as own:
            grown = None if own else fully_grown()
            device = device_for(plan.design.space.fixed.device, grown)
            room = Room(workers, device, gpus, max_concurrent, own, grown)
            if not own:
                require_shared(plan.study.store, room.place(), console)
            inherits = own and room.one_worker
            from study.cluster.failures.watchdog import Watchdog
            from study.cluster.logs.callback import Logs
            from study.cluster.progress import Journalist, Progress
            from study.cluster.scheduler import PlanScheduler
            from study.cluster.searcher import PlanSearcher

            # else Tune asks a cluster that grows for one node after another
            os.environ.setdefault("TUNE_MAX_PENDING_TRIALS_PG", str(room.trials()))
            searcher = PlanSearcher(plan, room.trials, {"workers": workers, "device": device})
            progress, logs = Progress(plan, console), Logs(plan.study, log_to, console)
            ends.callback(progress.close)
            ends.callback(preempt)
            watchdog = Watchdog(patience, images, plan.trials.folder)
            environment = inherited_environment() if inherits else contextlib.nullcontext()
            with environment, uncounted(), contextlib.closing(logs):
                callbacks = [progress, watchdog, Journalist(plan), logs]
                scheduler = PlanScheduler(plan, searcher, watchdog, room.shares_memory)
                _tuner(scheduler, searcher, room, hidden, callbacks).fit()


def _import_needed() -> None:
    for name in NEEDED:
        importlib.import_module(name)


def _tuner(
    scheduler: PlanScheduler,
    searcher: PlanSearcher,
    room: Room,
    hidden: Store,
    callbacks: list[tune.Callback],
) -> tune.Tuner:
    from ray import tune

    quiet()
    return tune.Tuner(
        room.trainable(),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
            num_samples=-1,  # until the plan is done
            reuse_actors=room.one_worker,
            trial_name_creator=_name,
            trial_dirname_creator=_name,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(hidden),
            verbose=0,
            callbacks=callbacks,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=0),  # the plan decides who runs again
        ),
    )


def _name(trial: Any) -> str:
    return f"{trial.config['trial_id']}-{trial.trial_id}"
