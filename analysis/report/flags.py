"""What to know before believing the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.answers import ranges, settings
from analysis.answers.answer import answer
from analysis.answers.ladder import ladder
from analysis.answers.learnt import learnt
from analysis.reading.frames import frame, rows, scored, where
from analysis.reading.load import Results
from analysis.report import columns
from analysis.text.words import counted, listed, points, titled
from analysis.tuning import stop_audit
from study.planning.ladder.growth import NOT_LEARNT

_SHORTEST = "the best length is the shortest tried: a shorter one may do as well"
_LONGEST = {  # by why it is the longest; a settled ladder needs no flag
    "fixed": "a longer one may score more; --growth 1.5 tries them",
    "staged": "a longer one may score more; a study with longer --lengths tells, for those of a"
    " cascade whose stages join late do not grow",
    "limit": "a longer one may score more; --max-length allows it",
    "open": "longer ones follow, when all arms of this size are tuned",
}
_RUNS = {
    "tune": "trials",
    "audit": "continued trials",
    "confirm": "confirm runs",
    "cross": "cross-tuned runs",
}


def flags(results: Results) -> pd.DataFrame:
    """Everything that weakens the answer, as `columns.FLAGS`; no rows if nothing does."""
    every: list[dict[str, Any]] = []
    for study in results.manifests:
        found = [
            *(*_unfinished(results, study), *_lost(results, study)),
            *(*_edges(results, study), *_stopped(results, study), *_wide(results, study)),
        ]
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
    waiting = sum(state in ("running", "waiting", "preempted") for state in trials["state"])
    if waiting:
        message = f"{waiting} of {counted(len(trials), 'trial')} still running or to be resumed"
        yield {"kind": "unfinished", "message": message}
    confirmed = where(scored(settings.confirmed(results)), study=study)
    order = results.arms(study)
    for size in results.sizes(study):
        here = where(trials, size=size, role="tune")
        counts = {arm: len(where(here, arm=arm)) for arm in order}
        in_strips = {arm: len(where(here, arm=arm, strategy="strip")) for arm in order}
        within = {arm: n - in_strips[arm] for arm, n in counts.items()}
        asked = budget.get("trials", 0)
        too_few = min(within.values(), default=0) < asked
        told = within if too_few else counts
        text = listed(f"{n} for {arm}" for arm, n in told.items()) if told else "none"
        if too_few:
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
        runs = _RUNS.get(row["role"], "runs")
        for state in ("failed", "diverged"):
            if not row[state]:
                continue
            message = f"{row[state]} of {row['trials']} {runs} {state}"
            if row["role"] == "confirm":
                message += "; the mean over the others may be too high for this arm"
            yield {k: row[k] for k in ("size", "arm")} | {"kind": state, "message": message}


def _edges(results: Results, study: str) -> Iterator[dict[str, Any]]:
    ladders = {row["size"]: row["end"] for row in rows(where(ladder(results), study=study))}
    stages = {(row["size"], row["arm"]): row for row in rows(where(learnt(results), study=study))}
    for row in rows(where(settings.best(results), study=study)):
        stage = stages[row["size"], row["arm"]]
        if stage["stage"] != "learnt":  # where its best setting lies says nothing
            place = {k: row[k] for k in ("size", "arm")}
            yield place | _unlearnt(stage, _LONGEST.get(ladders.get(row["size"], ""), ""))
            continue
        limits = ranges.searched(results, study, row["size"])
        for name in (*results.searched(study), "length"):
            if end := row[f"{name}_edge"]:
                if name != "length":
                    message = _edge(results, study, row["size"], name, end, limits[name])
                elif end == "low":
                    message = _SHORTEST
                elif ladders[row["size"]] in _LONGEST:
                    then = _LONGEST[ladders[row["size"]]]
                    message = f"the best length is the longest tried: {then}"
                else:
                    continue
                yield {k: row[k] for k in ("size", "arm")} | {"kind": "edge", "message": message}


def _unlearnt(stage: dict[str, Any], then: str) -> dict[str, Any]:
    """Why an arm is said to have yet to learn; `then`: what a longer training may bring."""
    if stage["stage"] == "rising":
        text = "AP grew at least as fast as the length, up to the longest tried"
        return {"kind": "edge", "message": f"{text}: {then}"}
    if stage["AP_box"] == 0:
        message = "no trial scored above 0 AP: train longer, or search elsewhere"
        return {"kind": "zero", "message": message}
    on_report = not stage["AP_box"] < stage["floor"]
    scored, floor = (
        (stage["AP_box_report"], stage["floor_report"])
        if on_report
        else (stage["AP_box"], stage["floor"])
    )
    what = "the confirm runs scored" if on_report else "the best trial scored"
    text = f"{what} {points(scored)} AP, "
    if floor == NOT_LEARNT:
        text += f"less than {points(floor)}"
    else:
        text += f"the same boxes on every image would score {points(floor)}"
    return {"kind": "unlearnt", "message": f"{text}: train longer, or search elsewhere"}


def _edge(
    results: Results, study: str, size: int, name: str, end: str, of: ranges.Searched
) -> str:
    """What to do about a best setting at an edge: depends on what the study did about it."""
    budget = results.manifests[study].get("budget") or {}
    again = "widen it, or allow one more extension (`extend` in the space's budget)"
    if end in of.extended:
        then = f", though that was extended: {again}"
    elif not budget.get("extend"):
        then = ": widen it, or run again without --extend never"
    elif (
        where(results.strips, study=study, size=size).empty
        and "completed" not in results.manifests[study]
    ):
        then = ": the same command will extend it, when all arms of this size are tuned"
    else:
        then = f": {again}"
    side = {"low": "lower", "high": "upper"}[end]
    return f"the best {titled(name)} is near the {side} end of its range{then}"


def _wide(results: Results, study: str) -> Iterator[dict[str, Any]]:
    """Intervals that the budget did not let become as short as was asked."""
    budget = results.budget(study)
    if budget.within is None:
        return
    for row in rows(where(answer(results), study=study)):
        half = (row["AP_box_difference_high"] - row["AP_box_difference_low"]) / 2
        if row["seeds_arm"] >= budget.most_runs and half > budget.within:
            message = (
                f"the difference is known to ±{points(half)} AP after {row['seeds_arm']} runs, and"
                f" ±{budget.within:g} was asked for: --most-confirm allows more"
            )
            yield {key: row[key] for key in ("size", "arm")} | {"kind": "wide", "message": message}


def _stopped(results: Results, study: str) -> Iterator[dict[str, Any]]:
    for row in rows(where(stop_audit.stop_audit(results), study=study)):
        if row["false_stops"]:
            message = (
                f"stopping lost {points(row['regret'])} AP on the tuning split, or more:"
                f" {row['false_stops']} of {counted(row['audited'], 'stopped trial')} that"
                f" {'was' if row['audited'] == 1 else 'were'} continued ended above the"
                f" {stop_audit.compared_with(row)}; {stop_audit.advice(results.manifests[study])}"
            )
            place = {key: row[key] for key in ("size", "arm")}
            yield place | {"kind": "stopping", "message": message}
