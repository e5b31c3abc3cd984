"""What lines of a trial's files must say: each by itself, by the trial's configuration, together.

A line that was edited, restored or copied from elsewhere can be whole and still be wrong. It would
change the answer without a word.
"""

from __future__ import annotations

import math
from typing import Any

from study.config.printable import brief
from study.storage.run_dir.json_text import Damaged
from study.storage.run_dir.trial_dir import REMEDY, State, TrialDir

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
LATEST = 2.5e11  # seconds since 1970: some time before the year 9999 ends
NOISE = 1e-6  # points by which rounding may pass an end
OF_RUN = ("arm", "size", "draw", "seed", "split")
OF_OPTIM = ("lr", "weight_decay")
"""What a record repeats of its run's configuration."""
PLACE = ("leg", "weights", "iteration", "length", "factor")
"""Where in its run a record was made, and of which weights."""


def wrong_record(record: dict[str, Any], run: dict[str, Any]) -> str | None:
    """What is wrong with a record; None: nothing that can be seen.

    Args:
        run: the trial's RunConfig as it is written; what it does not say is not looked at.
    """
    named, own_name = record.get("trial_id"), run.get("trial_id")
    if named is not None and own_name is not None and named != own_name:
        return f"is of trial {named!r}"
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
    for key in COSTS:
        if rule := _broken(key, event.get(key)):
            return f"{key} = {brief(event[key])}: {rule}"
    return None


def require_sound(
    trial: TrialDir,
    records: list[dict[str, Any]],
    events: list[dict[str, Any]],
    config: dict[str, Any],
) -> None:
    """Refuse records of another trial or run, or with values that cannot be, and events with costs
    that are no numbers.

    Args:
        config: the trial's.

    Raises:
        Damaged: names the file and the line.
    """
    file, run = trial.store.at("records.jsonl"), run_of(config)
    for number, record in enumerate(records, 1):
        if wrong := wrong_record(record, run):
            raise Damaged(f"{file}: line {number}: {wrong}; {REMEDY}")
    require_events(trial, events)


def require_all(
    trial: TrialDir,
    records: list[dict[str, Any]],
    events: list[dict[str, Any]],
    config: dict[str, Any],
) -> None:
    """Refuse what `require_sound` does, and records that contradict each other or are fewer than
    were written.

    One may be there twice, by workers that did not know of each other: the numbers are the same.

    Raises:
        Damaged: names the file and the record.
    """
    require_sound(trial, records, events, config)
    file, first, run = trial.store.at("records.jsonl"), dict[str, int](), run_of(config)
    for number, record in enumerate(records, 1):
        before = first.setdefault(at := place(record), number)
        if before < number and (name := differs(records[before - 1], record)):
            raise Damaged(
                f"{file}: records {before} and {number} are both of {at}, and {name} differs;"
                f" {REMEDY}"
            )
    written = [event["records"] for event in events if isinstance(event.get("records"), int)]
    has_ended = bool(events) and events[-1].get("state") == State.FINISHED
    if has_ended and not records and run.get("split") != "none":
        written = written or [1]  # earlier versions did not say how many
    if written and len(records) < written[-1]:
        raise Damaged(
            f"{file}: has {len(records)} records, and {written[-1]} were written; {REMEDY}"
        )


def require_events(trial: TrialDir, events: list[dict[str, Any]]) -> None:
    """Raises Damaged, naming the line, where costs in events are no numbers."""
    for number, event in enumerate(events, 1):
        if wrong := wrong_event(event):
            raise Damaged(f"{trial.store.at('events.jsonl')}: line {number}: {wrong}; {REMEDY}")


def run_of(config: dict[str, Any]) -> dict[str, Any]:
    """The RunConfig in a trial's configuration, as it is written; empty if there is none."""
    return config.get("run") or {}


def place(record: dict[str, Any]) -> str:
    """Where in its run a record was made, and of which weights."""
    return ", ".join(f"{name} {record[name]}" for name in PLACE if record.get(name) is not None)


def differs(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """A column in which two records of one place differ that no kill can change."""
    common = one.keys() & other.keys() - {*COSTS, "done"}
    return next((name for name in sorted(common) if one[name] != other[name]), None)


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
    if key == "time" and value is not None and not 0 <= value < LATEST:
        return "must be seconds since 1970"
    return None


def _is_number(value: Any) -> bool:
    """Whether it may be one: there, none is null."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (known and abs(value) < 1e18 and math.isfinite(value))
