"""How far a cluster may grow, by the file that it was started with.

Ray tells a program what there is, not what there may be: a cluster without work has only its head.
But `ray up` leaves its file on the head, where a sweep runs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path("~/ray_bootstrap_config.yaml")  # `ray up` writes it there, on the head


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
