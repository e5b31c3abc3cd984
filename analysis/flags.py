"""What to know before believing the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis import columns, tables
from analysis.frames import frame, rows, scored, where
from analysis.load import Results
from analysis.words import images, listed, number

_HINT = {
    ("lr_edge", "low"): "widen the range downwards",
    ("lr_edge", "high"): "widen the range upwards",
    ("weight_decay_edge", "low"): "widen the range downwards",
    ("weight_decay_edge", "high"): "widen the range upwards",
    ("length_edge", "low"): "a shorter training may do as well",
    ("length_edge", "high"): "longer training may score more",
}


def flags(results: Results) -> pd.DataFrame:
    """Everything that weakens the answer, as `columns.FLAGS`; no rows if nothing does."""
    every: list[dict[str, Any]] = []
    for study in results.manifests:
        found = [*_unfinished(results, study), *_lost(results, study), *_edges(results, study)]
        every += [{"study": study, "size": None, "arm": None} | flag for flag in found]
    return frame(every, columns.FLAGS)


def _unfinished(results: Results, study: str) -> Iterator[dict[str, Any]]:
    budget = results.manifests[study].get("budget") or {}
    trials = where(results.trials, study=study)
    waiting = sum(state in ("running", "preempted") for state in trials["state"])
    if waiting:
        message = f"{waiting} of {len(trials)} trials are still running or wait to be resumed"
        yield {"kind": "unfinished", "message": message}
    confirmed = where(scored(tables.confirmed(results)), study=study)
    order = results.arms(study)
    for size in results.sizes(study):
        here = where(trials, size=size, role="tune")
        counts = {arm: len(where(here, arm=arm)) for arm in order}
        text = listed(f"{n} for {arm}" for arm, n in counts.items()) if counts else "none"
        asked = budget.get("trials")
        if asked and min(counts.values(), default=0) < asked:
            message = f"{images(size)}: {asked} trials per arm asked for, so far {text}"
            yield {"size": size, "kind": "unfinished", "message": message}
        elif len(set(counts.values())) > 1:
            message = f"{images(size)}: the arms were not tuned equally: {text} trials"
            yield {"size": size, "kind": "uneven", "message": message}
        few = [arm for arm in order if len(where(confirmed, size=size, arm=arm)) < 2]
        if few:
            message = (
                f"{images(size)}: {listed(few)} not confirmed with at least two seeds on the"
                " report split, so there is no interval"
            )
            yield {"size": size, "kind": "unconfirmed", "message": message}


def _lost(results: Results, study: str) -> Iterator[dict[str, Any]]:
    for row in rows(where(results.costs, study=study)):
        place = f"{images(row['size'])}, {row['arm']}"
        runs = {"tune": "trials", "confirm": "confirmation runs"}.get(row["role"], "runs")
        for state in ("failed", "diverged"):
            if not row[state]:
                continue
            message = f"{place}: {row[state]} of {row['trials']} {runs} {state}"
            if row["role"] == "confirm":
                message += "; the mean over the others may flatter this arm"
            yield {k: row[k] for k in ("size", "arm")} | {"kind": state, "message": message}


def _edges(results: Results, study: str) -> Iterator[dict[str, Any]]:
    for row in rows(where(tables.best(results), study=study)):
        for name in ("lr", "weight_decay", "length"):
            end = row[f"{name}_edge"]
            if not end:
                continue
            what = {"lr": "learning rate", "weight_decay": "weight decay"}.get(name, name)
            side = {"low": "lower", "high": "upper"}[end]
            message = (
                f"{images(row['size'])}, {row['arm']}: the best {what}, {number(row[name])},"
                f" is at the {side} end of what was searched: {_HINT[f'{name}_edge', end]}"
            )
            yield {k: row[k] for k in ("size", "arm")} | {"kind": "edge", "message": message}
