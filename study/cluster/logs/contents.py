"""What a log is told of a trial: flat parameters, and metrics by iteration."""

from __future__ import annotations

import math
from typing import Any

from study.storage.run_dir import Record

DESCRIBING = frozenset(
    (
        *("trial_id", "arm", "size", "draw", "seed", "lr", "weight_decay", "split"),
        *("leg", "weights", "iteration", "length", "factor", "time", "done"),
    )
)
"""Columns of a record that say what was evaluated, and are no metrics."""


def parameters(config: dict[str, Any]) -> dict[str, str | float]:
    """What sets a trial apart from others, of its config.json."""
    run = config["run"]
    several = {
        name: " ".join(f"{value:g}" for value in run["schedule"][name])
        for name in ("lengths", "factors")
        if len(run["schedule"][name]) > 1
    }
    found = {
        "arm": run["arm"],
        "images": run["size"],
        **run["optim"],
        "length": run["schedule"]["lengths"][-1],  # the longest that it may reach
        "factor": run["schedule"]["factors"][0],
        **several,
        "seed": run["seed"],
        "draw": run["draw"],
        "split": run["split"],
        "backbone": run["model"]["body"]["name"],
        "role": config.get("role"),
        "strategy": config.get("strategy"),
        "of": config.get("of"),
    }
    if "factors" in several:
        del found["factor"]
    return {name: value for name, value in found.items() if value is not None}


def metrics(record: Record, factors: int = 1) -> dict[str, float]:
    """The numbers of a record, each under a name that no other record has at its iteration.

    That is the column's name for what was measured after a tail. Where a trial has several drop
    `factors`, the factor comes before it, and before what was measured on the trunk its weights:
    `factor-0.3/AP_box`, `average/AP_box`. What has no value (no ground truth) is left out.
    """
    if record["weights"] != "tail":
        before = f"{record['weights']}/"
    else:
        before = f"factor-{record['factor']:g}/" if factors > 1 else ""
    return {
        f"{before}{name}": float(value)
        for name, value in record.items()
        if name not in DESCRIBING and isinstance(value, int | float) and math.isfinite(value)
    }
