"""Runs a plan on a Ray cluster: the one that runs already, or one of our own on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray._private import services  # the only place that knows of `ray start` on this machine
from rich.console import Console

from study.cluster.group import DRIVER, GroupTrial
from study.cluster.growth import fully_grown
from study.cluster.pace import Pace
from study.cluster.progress import Progress
from study.cluster.scheduler import PlanScheduler
from study.cluster.searcher import PlanSearcher
from study.cluster.shared_folder import require_shared
from study.cluster.trial import OneWorkerTrial
from study.cluster.unsaved import Unsaved
from study.planning.optuna_journal import Journal
from study.planning.plan import Plan
from study.storage import Store
from study.storage.run_dir import State

JOURNAL_S = 2.0  # between updates
OBJECT_STORE_BYTES = 128 * 2**20  # nothing of ours passes through it

SWITCHES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # the old one can be silent
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours: `run`
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the scheduler writes them down
    "TUNE_GLOBAL_CHECKPOINT_S": "100000000",  # Tune's own state is never read again
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "60",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1800",  # machines may have to be rented first
}
"""Ray's environment variables; what the user has set stays."""

TOLD = ("STUDY_CACHE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION")
"""What workers on other nodes find as it is here. No credentials: the dashboard shows it."""


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
        # after the workers' end, so that none of them writes another sign of life
        for trial_id in searcher.active.values() if searcher else ():
            trial = plan.study.trial(trial_id)
            if not (trial.state and trial.state.is_final):  # it may have ended unheard
                trial.mark(State.PREEMPTED)
        hidden.clear()


class Room:
    """How many trials may run at once, and what each takes."""

    def __init__(
        self,
        workers: int,
        device: str,
        gpus: float | None = None,
        max_concurrent: int | None = None,
        own: bool = True,
        grown: dict[str, float] | None = None,
    ) -> None:
        """`grown`: what a cluster that is not our `own` may come to have, where that is known."""
        self.one_worker = workers == 1  # a worker group cannot serve a second trial
        self._workers = workers
        self._gpus = gpus if gpus is not None else float(device == "cuda")
        self._max = max_concurrent
        self._own = own
        self._grown = grown or {}
        if (own or grown) and not self._fitting():
            what = "GPUs" if self._gpus else "CPU cores"
            where = "this machine" if own else "the cluster, fully grown,"
            raise ValueError(f"workers = {workers}: {where} has fewer {what}")

    def trials(self) -> int:
        """At most so many at once. A cluster that may grow is asked for all of them."""
        if self._own:
            return min(self._max or self._fitting(), self._fitting())
        return self._max or max(1, self._fitting())

    def place(self) -> dict[str, float]:
        """What one worker takes, in CPUs and GPUs."""
        return {"CPU": 1.0} | ({"GPU": self._gpus} if self._gpus else {})

    def trainable(self) -> Any:
        """The trial's class with its resources."""
        if self._workers > 1:
            return tune.with_resources(GroupTrial, tune.PlacementGroupFactory([DRIVER]))
        return tune.with_resources(OneWorkerTrial, tune.PlacementGroupFactory([self.place()]))

    def _fitting(self) -> int:
        now, grown = ray.cluster_resources(), self._grown
        return min(
            int(max(now.get(name, 0), grown.get(name, 0)) / (each * self._workers))
            for name, each in self.place().items()
        )


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[bool]:
    """Join the running cluster or start one; yields whether it is our own.

    Raises:
        ValueError: no cluster answers at the address.
    """
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    address = os.environ.get("RAY_ADDRESS") or services.find_bootstrap_address(None)
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address:
            _join(address, options)
        else:
            _start(workers, options)
        yield not address
    finally:
        ray.shutdown()


def _join(address: str, options: dict[str, Any]) -> None:
    try:
        ray.init(address=address, runtime_env=_told(address), **options)
    except ConnectionError as error:
        raise ValueError(
            f"no Ray cluster answers at {address}: start it, or unset RAY_ADDRESS and run"
            " `ray stop`"
        ) from error


def _start(workers: int, options: dict[str, Any]) -> None:
    if not Path("~/.ray/auth_token").expanduser().exists():
        # else Ray writes one into the home directory, where later clusters would find it
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    if workers > 1:
        # Ray Train's cleaner looks for the cluster, finds others on this machine too, and dies;
        # it also needs the dashboard's State API
        port = _free_port()
        os.environ["RAY_GCS_SERVER_PORT"] = str(port)
        options |= {"runtime_env": _told(f"{ray.util.get_node_ip_address()}:{port}")}
    ray.init(
        address="local",
        include_dashboard=workers > 1,
        object_store_memory=OBJECT_STORE_BYTES,
        **options,
    )


def _told(address: str) -> dict[str, Any]:
    """What the processes of the job find in their environment, on whatever node they run."""
    told = {k: v for k, v in os.environ.items() if k in SWITCHES or k in TOLD}
    return {"env_vars": {"RAY_ADDRESS": address} | told}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        return found.getsockname()[1]


def device_for(wanted: str, grown: dict[str, float] | None = None) -> str:
    """Where workers run: "cpu" or "cuda"; auto: by what the cluster has, or may come to have."""
    if wanted != "auto":
        return wanted
    return "cuda" if (ray.cluster_resources() | (grown or {})).get("GPU", 0) else "cpu"


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


def quiet() -> None:
    """Keep Ray's loggers off the screen: what there is to say is said by us."""
    for name in ("ray.tune", "ray.train", "ray"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


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


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM, which batch systems and spot instances send, is as orderly as Ctrl-C.

    SIGINT too is set here, because a shell starts background jobs with it ignored.
    """

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
