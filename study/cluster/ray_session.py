"""Ray around a run: the cluster that answers already, or one of our own on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ray

from study.cluster.address import LOOPBACK, require_loopback, to_join
from study.cluster.failures.guard import GOES_ON, GRACE_S, Guard
from study.cluster.failures.interruption import Interruption
from study.cluster.lean import lean, speechless, wordless
from study.cluster.ports import held_port
from study.commands.common import Failed
from study.config.printable import shown

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
WATCHER = "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER"

TOLD = (
    *("STUDY_CACHE", "STUDY_CACHE_GB", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION"),
    WATCHER,
)
"""What workers on other nodes find as it is here. No credentials: the dashboard shows it."""


@contextlib.contextmanager
def cluster(workers: int, interrupted: Interruption, dying: Callable[[], None]) -> Iterator[bool]:
    """Join the running cluster or start one; yields whether it is our own.

    Where Ray ends while this lasts, `dying` is called, and this process ends with one sentence.

    Args:
        workers: of each trial.
        interrupted: what `interruptible` yields.
        dying: writes down what is to be, within seconds; it is called in another thread.

    Raises:
        ValueError: no cluster answers at the address, or a variable is not what Ray can use.
        Failed: it could not be joined, or started.
    """
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    address = to_join()
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    guard = Guard(dying, interrupted, dashboard=workers > 1)
    if not address:
        guard.start()
    with wordless(), held_port() as port:  # until the end: Ray's programs are late to take it
        try:
            if address:
                _join(address, options)
                guard.start()
            else:
                _start(workers, port, options)
            interrupted.listen()
            here = ray.get_runtime_context()
            guard.settle(here.gcs_address, here.get_node_id(), own=not address)
            yield not address
        except Exception:
            guard.hold_if_ended(GRACE_S)
            raise
        finally:
            guard.stop()
            ray.shutdown()
            guard.sweep()


def _join(address: str, options: dict[str, Any]) -> None:
    try:
        with speechless():
            ray.init(address=address, runtime_env=_told(address), **options)
    except Exception as error:  # another version of Ray there, another token, no cluster at all
        raise Failed(f"the Ray cluster at {address} cannot be joined: {_line(error)}") from error


def _start(workers: int, port: int, options: dict[str, Any]) -> None:
    require_loopback()
    if not Path("~/.ray/auth_token").expanduser().exists():
        # else Ray writes one into the home directory, where later clusters would find it
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    if workers > 1:
        # Ray Train's cleaner looks for the cluster, finds others on this machine too, and dies;
        # it also needs the dashboard's State API
        os.environ["RAY_GCS_SERVER_PORT"] = str(port)
        # a process for each training that asks when this machine will be taken away: never
        os.environ.setdefault(WATCHER, "0")
        options |= {"runtime_env": _told(f"{LOOPBACK}:{port}")}
    with lean(dashboard=workers > 1, port=port), speechless():
        try:
            ray.init(
                address="local",
                _node_ip_address=LOOPBACK,  # needs no network, and no firewall is before it
                include_dashboard=workers > 1,
                object_store_memory=OBJECT_STORE_BYTES,
                **options,
            )
        except Exception as error:
            why = _line(error)
            if "AF_UNIX" in why or (isinstance(error, OSError) and error.filename):
                raise ValueError(
                    f"Ray's files cannot be made: {why}: set RAY_TMPDIR to a folder that can be"
                    " written to, with a path of at most 40 letters"
                ) from error
            raise Failed(f"Ray did not start on this machine: {why}; {GOES_ON}") from error


def _line(error: Exception) -> str:
    """What Ray says of it first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shown(" ".join(lines[0].split()), 300)


def _told(address: str) -> dict[str, Any]:
    """What the processes of the job find in their environment, on whatever node they run."""
    told = {k: v for k, v in os.environ.items() if k in SWITCHES or k in TOLD}
    return {"env_vars": {"RAY_ADDRESS": address} | told}


def quiet() -> None:
    """Keep Ray's loggers off the screen: what there is to say is said by us."""
    for name in ("ray.tune", "ray.train", "ray"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
