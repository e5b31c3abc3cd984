"""Whether the nodes of a cluster see the run directory: checked before any trial starts.

The directory is the whole state of a study. On a node that does not see it every trial would fail,
or write where nobody reads.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from rich.console import Console

from study.storage import Store

LOOK_S = 5.0  # NFS may remember for moments that something was not there
ANSWER_S = 120.0  # for a busy node to start a process


@ray.remote(num_cpus=0, max_retries=0)
def _look(path: str, content: str) -> tuple[str, bool]:
    """The node's name, and whether it sees a file with this content."""
    deadline = time.monotonic() + LOOK_S
    while True:
        with contextlib.suppress(OSError):
            if Path(path).read_text() == content:
                return socket.gethostname(), True
        if time.monotonic() > deadline:
            return socket.gethostname(), False
        time.sleep(0.2)


def require_shared(store: Store, place: dict[str, float], console: Console) -> None:
    """Refuse a run directory that some node of the cluster does not see.

    Where no other node runs yet and this one has no room for trials, the first to come is waited
    for: it is needed anyway, and a mistake then costs one machine, not all. Nodes that join later
    are not asked; a trial there says what is wrong.

    Args:
        store: the run directory. An object store is the same for all nodes.
        place: what one worker takes, in CPUs and GPUs.
        console: where it is said that a node is waited for.

    Raises:
        ValueError: names the nodes that do not see it.
    """
    if store.folder is None:
        return
    folder = store.folder.resolve()
    here = ray.get_runtime_context().get_node_id()
    working = [n for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU", 0) > 0]
    others = [node["NodeID"] for node in working if node["NodeID"] != here]
    room = all(ray.cluster_resources().get(name, 0) >= much for name, much in place.items())
    if not others and room:
        return
    with _probe(folder) as probe:
        if others:
            on = (NodeAffinitySchedulingStrategy(node, soft=False) for node in others)
            asked = [_look.options(scheduling_strategy=one).remote(*probe) for one in on]
            answers = _answers(asked)
        else:
            console.print("waiting for a node, to check that it sees the run directory")
            resources = {"num_cpus": place.get("CPU", 0), "num_gpus": place.get("GPU", 0)}
            answers = [ray.get(_look.options(**resources).remote(*probe))]
    blind = sorted({name for name, sees in answers if not sees})
    if blind:
        raise ValueError(
            f"run_dir = '{folder}': not seen by {', '.join(blind)}; on a cluster of several nodes"
            " it must be on storage that all of them mount at the same path (NFS, EFS), or"
            " on an object store (s3://bucket/prefix): choose a --run-dir there"
        )


def _answers(asked: list[Any]) -> list[tuple[str, bool]]:
    """What the nodes say; one that is lost meanwhile says nothing."""
    ready, _ = ray.wait(asked, num_returns=len(asked), timeout=ANSWER_S)
    answers = []
    for one in ready:
        with contextlib.suppress(RayError):
            answers.append(ray.get(one))
    return answers


@contextlib.contextmanager
def _probe(folder: Path) -> Iterator[tuple[str, str]]:
    """A file in the folder, with a name that nobody has looked for before: path and content."""
    content = secrets.token_hex(16)
    path = folder / f".seen-{content}"
    with path.open("w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        yield str(path), content
    finally:
        path.unlink(missing_ok=True)
