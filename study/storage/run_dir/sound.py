"""What lines of a trial's files must say: each by itself, and by the trial's configuration.

A line that was edited, restored or copied from elsewhere can be whole and still be wrong. It would
change the answer without a word.
"""

from __future__ import annotations

import math
from typing import Any

from study.config.printable import brief

NEEDED = (
    *("leg", "weights", "iteration", "images_seen", "length", "factor", "split"),
    "AP_box",
)
"""Columns that every record has."""
TEXTS = ("leg", "weights", "split")
WHOLE = ("iteration", "images_seen")
COSTS = ("images_spent", "device_seconds", "eval_seconds", "images_per_second", "time")
"""Columns of a record that a kill and a resume may change; all others are bit-identical."""
AP = ("AP", "mAP")
"""How scores begin."""
TOP = 100.0  # points
NOISE = 1e-6  # points by which rounding may pass an end
OF_RUN = ("arm", "size", "draw", "seed", "split")
OF_OPTIM = ("lr", "weight_decay")
"""What a record repeats of its run's configuration."""


def wrong_record(record: dict[str, Any], run: dict[str, Any]) -> str | None:
    """What is wrong with a record; None: nothing that can be seen.

    Args:
        run: the trial's RunConfig as it is written; what it does not say is not looked at.
    """
    if missing := [key for key in NEEDED if key not in record]:
        return f"has no {missing[0]}"
    for key, value in record.items():
        if rule := _broken(key, value):
            return f"{key} = {brief(value)}: {rule}"
    optim = run.get("optim") or {}
    own = {key: run[key] for key in OF_RUN if key in run}
    own |= {key: optim[key] for key in OF_OPTIM if key in optim}
    for key, value in own.items():
        if record.get(key, value) != value:
            return f"{key} = {brief(record[key])}, and its trial's is {brief(value)}"
    seen = record["iteration"] * optim.get("batch_size", 0)
    if seen and record["images_seen"] != seen:
        return (
            f"images_seen = {record['images_seen']}: {record['iteration']} iterations are {seen}"
        )
    length, factor, leg = record["length"], record["factor"], record["leg"]
    is_tail = length is not None
    if is_tail and (factor is None or leg != f"tail-{length:g}-{factor:g}"):
        return f"leg = {leg!r}, and length = {length}, factor = {factor}"
    if not is_tail and leg.startswith("tail-"):
        return f"length = null, and leg = {leg!r}"
    return None


def wrong_event(event: dict[str, Any]) -> str | None:
    """What is wrong with the costs of a change of state; None: nothing that can be seen."""
    wrong = [key for key in COSTS if not _is_number(event.get(key))]
    return f"{wrong[0]} = {brief(event[wrong[0]])}: must be a finite number" if wrong else None


def _broken(key: str, value: Any) -> str | None:
    """The rule that a value breaks."""
    if key in TEXTS:
        return None if isinstance(value, str) else "must be text"
    if key in WHOLE:
        fine = type(value) is int and value >= 0
        return None if fine else "must be a whole number, 0 or more"
    if key == "length" and value is not None:
        fine = type(value) is int and value > 0
        return None if fine else "must be null or a whole number above 0"
    if key.startswith(AP):
        if not _is_number(value):
            return "is no number, and no null, which stands for a score without ground truth"
        fine = value is None or -NOISE <= value <= TOP + NOISE
        return None if fine else f"an AP is from 0 to {TOP:g} points"
    if key in (*COSTS, "factor") and not _is_number(value):
        return "must be null or a finite number"
    return None


def _is_number(value: Any) -> bool:
    """Whether it may be one: there, none is null."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (known and abs(value) < 1e18 and math.isfinite(value))
