"""Whether an arm has learnt anything at a size, and whether it had the time to: decided here.

Three stages, by its best scores on the tuning split:

    nothing  below what the same boxes on every image would score (the chance level of
             `study.training.evaluation.chance`), or below 1 AP; or so in its confirm runs, on the
             report split. Studies that do not know the chance level have the 1 AP alone.
    rising   AP grew at least in proportion to the length from the last but one length to the
             longest: twice as long, twice the AP or more. So long as it does the arm is still at
             its beginning, and most of what it will reach is ahead. A share of the AP would be
             another rule at each ladder, whose steps may be 1.5 or 4 times as long.
    learnt   neither. Only of such an arm it is said which setting is best, what tuning brought,
             what matters, how soon it catches up, and what it means for the paper's claims.

No arm is rising where the ladder of lengths is settled (`analysis.answers.ladder`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.answers import columns, settings
from analysis.answers.ladder import best_by_length, ladder
from analysis.reading.frames import by_place, frame, groups, rows, scored, values, where
from analysis.reading.load import Results
from analysis.reading.remembered import remembered
from analysis.text.words import listed
from study.planning.ladder import growth

Stage = Literal["nothing", "rising", "learnt"]

STEEP = 1.0
"""Logarithm of what AP grew by over that of what the length grew by, from which it is rising."""
_UNDER_WAY = {"running", "waiting", "preempted"}
_REMEDY = {"nothing": "train longer or at a higher rate", "rising": "train longer"}


@remembered
def learnt(results: Results) -> pd.DataFrame:
    """How far each arm has come at each size, as `columns.LEARNT`; not those without a score."""
    found: list[dict[str, Any]] = []
    confirmed = by_place(scored(settings.confirmed(results)))
    ladders = {(row["study"], row["size"]): row for row in rows(ladder(results))}
    tuned = scored(where(results.tails, role="tune"))
    for (study, size), group in groups(tuned, "study", "size"):
        ends = ladders.get((study, size), {})
        under_way = ends.get("end") == "open" or _is_under_way(results, study, size)
        floors = {of: growth.floor(results.manifests[study], of) for of in ("tune", "report")}
        for arm in results.arms(study):
            by_length = best_by_length(where(group, arm=arm))
            if not by_length:
                continue
            runs = [row["AP_box"] for row in confirmed.get((study, size, arm), [])]
            row = {"study": study, "size": size, "arm": arm, "length": max(by_length)}
            row |= {"AP_box": max(by_length.values()), "floor": floors["tune"]}
            row |= {"AP_box_report": float(np.mean(runs)) if runs else math.nan}
            row |= {"floor_report": floors["report"], "steepness": _steepness(by_length)}
            is_through = row["length"] == ends.get("longest") and ends["end"] != "settled"
            row["stage"] = _stage(row, is_through)
            row["remedy"] = "" if under_way else _REMEDY.get(row["stage"], "")
            found.append(row)
    return frame(found, columns.LEARNT)


def by_arm(table: pd.DataFrame) -> dict[tuple[str, int], dict[str, dict[str, Any]]]:
    """Rows of `learnt` by study and size, and there by arm."""
    found: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in rows(table):
        found.setdefault((row["study"], row["size"]), {})[row["arm"]] = row
    return found


def spoken(table: pd.DataFrame, stages: pd.DataFrame, *arms: str) -> pd.DataFrame:
    """The rows of which more is said than numbers: no arm in these columns has yet to learn.

    `stages`: rows of `learnt`; `arms`: columns of the table.
    """
    silent = {
        (row["study"], row["size"], row["arm"]) for row in rows(stages) if row["stage"] != "learnt"
    }
    places = zip(values(table, "study"), values(table, "size"), strict=True)
    names = zip(*(values(table, arm) for arm in arms), strict=True)
    keep = [
        not any((study, size, arm) in silent for arm in here)
        for (study, size), here in zip(places, names, strict=True)
    ]
    return table.loc[np.array(keep, dtype=bool)]


def told(here: Mapping[str, Mapping[str, Any]], arms: Sequence[str], by_name: bool = False) -> str:
    """Which of these arms have not learnt at a size, and what to do: a sentence's end, or nothing.

    `here`: rows of `learnt` of the size by arm; an arm without a row says nothing. `by_name`: the
    study has more arms than these, so that "both" would mean nothing.
    """
    stages = {arm: here[arm]["stage"] for arm in arms if arm in here}
    nothing = [arm for arm, stage in stages.items() if stage == "nothing"]
    rising = [arm for arm, stage in stages.items() if stage == "rising"]
    every, parts = 0 if by_name else len(arms), list[str]()
    if len(nothing) == every > 1:
        parts.append(f"{'neither' if every == 2 else 'no'} arm has learnt yet")
    elif nothing:
        parts.append(f"{listed(nothing)} {'has' if len(nothing) == 1 else 'have'} not learnt yet")
    if rising:
        every_one = f"{'both' if every == 2 else 'all'} arms"
        who = every_one if len(rising) == every > 1 else listed(rising)
        gain = "gains" if len(rising) == 1 else "gain"
        parts.append(f"{who} still {gain} steeply from longer training")
    remedies = [here[arm]["remedy"] for arm in (*nothing, *rising)]
    remedy = f": {remedies[0]}" if remedies and remedies[0] else ""
    return ", and ".join(parts) + remedy


def _stage(row: Mapping[str, Any], is_through: bool) -> Stage:
    if row["AP_box"] < row["floor"] or row["AP_box_report"] < row["floor_report"]:
        return "nothing"
    return "rising" if is_through and row["steepness"] >= STEEP else "learnt"


def _steepness(by_length: Mapping[int, float]) -> float:
    """Of the last step of its lengths: 1 where AP grew as the length did; NaN for one length.

    AP grew by what the longest scores more than the best shorter one.
    """
    last = max(by_length)
    shorter = [length for length in by_length if growth.APART * length <= last]
    if not shorter:
        return math.nan
    before, high = max(shorter), by_length[last]
    low = max(by_length[length] for length in shorter)
    if high <= low:
        return 0.0
    return math.log(high / low) / math.log(last / before) if low > 0 else math.inf


def _is_under_way(results: Results, study: str, size: int) -> bool:
    """Whether more tuning trials of a size are to end or to come."""
    trials = where(results.trials, study=study, size=size, role="tune")
    asked = results.budget(study).trials if results.manifests[study].get("budget") else 0
    begun = [
        sum(strategy != "strip" for strategy in where(trials, arm=arm)["strategy"])
        for arm in results.arms(study)
    ]
    return min(begun, default=0) < asked or bool(_UNDER_WAY & set(trials["state"]))
