"""How many trials a cluster has room for, and on which devices: now, and when it has grown.

Ray tells a program what there is, not what there may be: a cluster without work has only its head.
But `ray up` leaves its file on the head, where a sweep runs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import ray
import yaml

CONFIG = Path("~/ray_bootstrap_config.yaml")  # `ray up` writes it there, on the head


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

    @property
    def shares_memory(self) -> frozenset[str]:
        """Whose memory trials share that run at once: this "machine"'s, a "device"'s."""
        found = {"machine"} if self._own else set()
        return frozenset(found | ({"device"} if 0 < self._gpus < 1 else set()))

    def place(self) -> dict[str, float]:
        """What one worker takes, in CPUs and GPUs."""
        return {"CPU": 1.0} | ({"GPU": self._gpus} if self._gpus else {})

    def trainable(self) -> Any:
        """The trial's class with its resources."""
        from ray import tune  # here: takes seconds, and what there is room for is asked before

        from study.cluster.group import DRIVER, GroupTrial
        from study.cluster.trial import OneWorkerTrial

        if self._workers > 1:
            return tune.with_resources(GroupTrial, tune.PlacementGroupFactory([DRIVER]))
        return tune.with_resources(OneWorkerTrial, tune.PlacementGroupFactory([self.place()]))

    def _fitting(self) -> int:
        now, grown = ray.cluster_resources(), self._grown
        return min(
            int(max(now.get(name, 0), grown.get(name, 0)) / (each * self._workers))
            for name, each in self.place().items()
        )


def device_for(wanted: str, grown: dict[str, float] | None = None) -> str:
    """Where workers run: "cpu" or "cuda"; auto: by what the cluster has, or may come to have."""
    if wanted != "auto":
        return wanted
    return "cuda" if (ray.cluster_resources() | (grown or {})).get("GPU", 0) else "cpu"


def fully_grown(config: Path = CONFIG) -> dict[str, float] | None:
    """CPUs, GPUs and so on of all workers that the cluster may have; None: not known here.

    Where types of machines together may be more than the cluster's `max_workers`, those with GPUs
    count first.

    Args:
        config: the file, as `ray up` has completed it.
    """
    path = config.expanduser()
    if not path.exists():
        return None
    cluster = yaml.safe_load(path.read_text())
    left, total = cluster.get("max_workers", 0), Counter[str]()
    for one in sorted(_workers(cluster), key=lambda one: -one["resources"].get("GPU", 0)):
        number = min(one.get("max_workers", 0), left)
        left -= number
        total.update({name: much * number for name, much in one["resources"].items()})
    return dict(total) or None


def _workers(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    """The types of machines that say what they have; machines of one's own do not."""
    types = cluster.get("available_node_types", {})
    head = cluster.get("head_node_type")
    return [one for name, one in types.items() if name != head and one.get("resources")]
