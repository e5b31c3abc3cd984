"""Our own cluster, without the parts of Ray that nobody here talks to.

Before it starts a worker, `ray.init` starts five other processes of Python: an autoscaler, a
dashboard (also where none is wanted), a forwarder of logs, and two agents, for whose ports the
first worker waits. There is one machine, no forwarded log, and for trials of one worker no
dashboard and no environment but the one that workers inherit. Ray's node service ends where one of
its agents does, so that in their places something must be that only waits: they would take seconds
of the CPU for each start. `ray.init` has no options for it, so its parts are replaced here, by
names that are its own affair: where a version of Ray has them no more, it starts as it always
does, only later.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

from ray._private import parameter, services

PYTHON = "_build_python_executable_command_memory_profileable"  # what begins an agent's command
RUNTIME_ENV_PORT = "RUNTIME_ENV_AGENT_PORT_NAME"
PORTS = (
    "METRICS_AGENT_PORT_NAME",
    "METRICS_EXPORT_PORT_NAME",
    "DASHBOARD_AGENT_LISTEN_PORT_NAME",
    RUNTIME_ENV_PORT,
)
WAITS = ("sh", "-c", "while kill -0 $PPID 2> /dev/null; do sleep 1; done")
"""A process that ends with its parent."""


@contextlib.contextmanager
def lean(dashboard: bool, port: int) -> Iterator[None]:
    """Inside, `ray.init` starts neither the autoscaler nor the forwarder of logs.

    Without a `dashboard` it starts none, and no agents.

    Args:
        dashboard: whether one is wanted.
        port: without one, where the agent would listen that sets up environments.
    """
    if not _known():
        yield
        return
    fewer: dict[str, Any] = {"no_monitor": True, "include_log_monitor": False}
    if not dashboard:
        fewer["runtime_env_agent_port"] = port
    with contextlib.ExitStack() as changed:
        params = functools.partial(parameter.RayParams, **fewer)
        changed.enter_context(_replaced(parameter, "RayParams", params))
        if not dashboard:
            for module, name, value in (
                (services, "start_api_server", lambda *_, **__: ("", None)),
                (services, "start_raylet", _unwaiting(services.start_raylet, port)),
                (services, PYTHON, lambda *_, **__: [*WAITS]),
            ):
                changed.enter_context(_replaced(module, name, value))
        yield


@contextlib.contextmanager
def inherited_environment() -> Iterator[None]:
    """Inside, Tune's actors take the environment of the cluster, which is this process's own.

    What Tune would tell them is in it. Told once more, it would let no worker that Ray has started
    beforehand do as an actor.
    """
    from ray.tune.execution import class_cache  # here: takes a second

    told = {"DEFAULT_ENV_VARS": {}, "ENV_VARS_TO_PROPAGATE": set()}
    with contextlib.ExitStack() as changed:
        for name, nothing in told.items():
            if hasattr(class_cache, name):  # an affair of Tune's own, too
                changed.enter_context(_replaced(class_cache, name, nothing))
        yield


@contextlib.contextmanager
def uncounted() -> Iterator[None]:
    """Inside, Tune does not count its callbacks for Ray's reports of usage, where these are off.

    To tell them by their classes it imports MLflow and W&B wherever they are installed. That takes
    two seconds, and MLflow leaves a file in the home directory.
    """
    usage: Any = importlib.import_module("ray.air._internal.usage")
    with contextlib.ExitStack() as changed:
        if os.environ.get("RAY_USAGE_STATS_ENABLED") == "0" and hasattr(usage, "tag_callbacks"):
            changed.enter_context(_replaced(usage, "tag_callbacks", lambda *_: False))
        yield


@contextlib.contextmanager
def wordless() -> Iterator[None]:
    """Inside, Ray prints none of what it thinks of processes that end: pages, on our output."""
    worker: Any = importlib.import_module("ray._private.worker")
    name = "print_to_stdstream"
    said = _replaced(worker, name, lambda *_, **__: None)
    with said if hasattr(worker, name) else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def speechless() -> Iterator[None]:
    """Inside, nothing comes to stderr: what Ray's libraries say there as they start is for its
    makers, as that there is no way to the internet; what an exception says is said by us.
    """
    screen = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)
        os.close(nowhere)


def _known() -> bool:
    """Whether this version of Ray has the parts that are replaced, with what they are given."""
    given = inspect.signature(parameter.RayParams).parameters
    raylet: Any = importlib.import_module("ray._raylet")  # compiled: its names are not known
    raylets = inspect.signature(services.start_raylet).parameters
    return (
        {"no_monitor", "include_log_monitor", "runtime_env_agent_port"} <= given.keys()
        and {"session_dir", "node_id"} <= raylets.keys()
        and all(hasattr(services, name) for name in ("start_api_server", PYTHON))
        and all(hasattr(raylet, name) for name in ("persist_port", *PORTS))
    )


def _unwaiting(start_raylet: Callable[..., Any], port: int) -> Callable[..., Any]:
    """`start_raylet` that finds the ports of its agents written down, as they would write them."""
    raylet: Any = importlib.import_module("ray._raylet")
    numbers = dict.fromkeys(PORTS, -1) | {RUNTIME_ENV_PORT: port}  # -1: none
    ports = {getattr(raylet, name): number for name, number in numbers.items()}

    def start(*args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(start_raylet).bind(*args, **kwargs).arguments
        for name, number in ports.items():
            raylet.persist_port(given["session_dir"], given["node_id"], name, number)
        return start_raylet(*args, **kwargs)

    return start


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
