"""What to know before believing the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis import columns, tables
from analysis.frames import frame, rows, scored, where
from analysis.load import Results
from analysis.words import counted, listed

_EDGE = {
    ("lr", "low"): "the best learning rate is near the lower end of its range: widen it",
    ("lr", "high"): "the best learning rate is near the upper end of its range: widen it",
    ("weight_decay", "low"): "the best weight decay is near the lower end of its range: widen it",
    ("weight_decay", "high"): "the best weight decay is near the upper end of its range: widen it",
    ("length", "low"): "the best length is the shortest tried: a shorter one may do as well",
    ("length", "high"): "the best length is the longest tried: a longer one may score more",
}


def flags(results: Results) -> pd.DataFrame:
    """Everything that weakens the answer, as `columns.FLAGS`; no rows if nothing does."""
    every: list[dict[str, Any]] = []
    for study in results.manifests:
        found = [*_unfinished(results, study), *_lost(results, study), *_edges(results, study)]
        every += [{"study": study, "size": None, "arm": None} | flag for flag in found]
    return frame(every, columns.FLAGS)


def lines(table: pd.DataFrame) -> list[str]:
    """The flags as sentences; one that is raised for several arms and sizes is said once."""
    places: dict[str, dict[int | None, list[str]]] = {}
    for row in rows(table):
        size = None if pd.isna(row["size"]) else int(row["size"])
        arms = places.setdefault(row["message"], {}).setdefault(size, [])
        arms += [] if pd.isna(row["arm"]) else [row["arm"]]
    return [f"{_place(where_)}{message}" for message, where_ in places.items()]


def _place(arms_by_size: dict[int | None, list[str]]) -> str:
    sizes_by_arms: dict[tuple[str, ...], list[int]] = {}
    for size, arms in arms_by_size.items():
        if size is not None:
            sizes_by_arms.setdefault(tuple(arms), []).append(size)
    found: list[str] = []
    for arms, sizes in sizes_by_arms.items():
        at = f"{listed(f'{size:,}' for size in sizes)} image{'' if sizes == [1] else 's'}"
        found.append(f"{at}, {listed(arms)}" if arms else at)
    return f"{'; '.join(found)}: " if found else ""


def _unfinished(results: Results, study: str) -> Iterator[dict[str, Any]]:
    budget = results.manifests[study].get("budget") or {}
    trials = where(results.trials, study=study)
    waiting = sum(state in ("running", "preempted") for state in trials["state"])
    if waiting:
        message = f"{waiting} of {counted(len(trials), 'trial')} still running or to be resumed"
        yield {"kind": "unfinished", "message": message}
    confirmed = where(scored(tables.confirmed(results)), study=study)
    order = results.arms(study)
    for size in results.sizes(study):
        here = where(trials, size=size, role="tune")
        counts = {arm: len(where(here, arm=arm)) for arm in order}
        text = listed(f"{n} for {arm}" for arm, n in counts.items()) if counts else "none"
        asked = budget.get("trials")
        if asked and min(counts.values(), default=0) < asked:
            message = f"{counted(asked, 'trial')} per arm asked for, so far {text}"
            yield {"size": size, "kind": "unfinished", "message": message}
        elif len(set(counts.values())) > 1:
            message = f"the arms were not tuned equally: {text} trials"
            yield {"size": size, "kind": "uneven", "message": message}
        for arm in order:
            if len(where(confirmed, size=size, arm=arm)) < 2:
                message = "not confirmed with two seeds on the report split: no interval"
                yield {"size": size, "arm": arm, "kind": "unconfirmed", "message": message}


def _lost(results: Results, study: str) -> Iterator[dict[str, Any]]:
    for row in rows(where(results.costs, study=study)):
        runs = {"tune": "trials", "confirm": "confirmation runs"}.get(row["role"], "runs")
        for state in ("failed", "diverged"):
            if not row[state]:
                continue
            message = f"{row[state]} of {row['trials']} {runs} {state}"
            if row["role"] == "confirm":
                message += "; the mean over the others may flatter this arm"
            yield {k: row[k] for k in ("size", "arm")} | {"kind": state, "message": message}


def _edges(results: Results, study: str) -> Iterator[dict[str, Any]]:
    for row in rows(where(tables.best(results), study=study)):
        if row["AP_box"] == 0:  # all settings tie, and where the first of them lies says nothing
            message = "no trial scored above 0 AP: train longer, or search elsewhere"
            yield {k: row[k] for k in ("size", "arm")} | {"kind": "zero", "message": message}
            continue
        for (name, end), message in _EDGE.items():
            if row[f"{name}_edge"] == end:
                yield {k: row[k] for k in ("size", "arm")} | {"kind": "edge", "message": message}
