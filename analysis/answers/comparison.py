"""Two studies side by side: what each arm reaches in one and in the other.

So are answered questions that a study holds fixed: another norm, other data, a longer ladder. Each
arm counts in each study with the setting that was chosen there, by its fresh runs on the report
split. Where the report splits are other images the difference is said to be theirs too, and where
one name means other weights, theirs.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import pandas as pd

from analysis.answers import columns, stats
from analysis.answers.settings import confirmed
from analysis.reading.frames import frame, groups, rows, scored
from analysis.reading.load import Results
from analysis.text.words import between, images, points

Scores = dict[tuple[int, int], float]
"""Box AP by (seed, draw)."""

REPORT = ("val", "val_ids", "classes")
"""What a study's question records of its report split: digests of the annotations, of the images
and, where only some of the data set's classes count, of those."""
SAME, OTHER, UNKNOWN = "same", "other", "unknown"


def compare(results: Results, level: float = stats.LEVEL) -> pd.DataFrame:
    """Every later study minus an earlier one, by size and arm that both have: `COMPARISON`.

    Where both ran the same seeds on the same draws the interval is that of the differences run by
    run, else Welch's; each pair of studies, size and arm is judged by itself.

    Raises:
        ValueError: see `stats.require_level`.
    """
    stats.require_level(level)
    scores: dict[tuple[str, int, str], Scores] = {}
    for (study, size, arm), group in groups(scored(confirmed(results)), "study", "size", "arm"):
        scores[study, size, arm] = {(r["seed"], r["draw"]): r["AP_box"] for r in rows(group)}
    found: list[dict[str, Any]] = []
    for one, other in itertools.combinations(results.manifests, 2):
        scored_on = _images(results, one, other)
        for _, size, arm in sorted(place for place in scores if place[0] == one):
            if (other, size, arm) not in scores:
                continue
            before, after = scores[one, size, arm], scores[other, size, arm]
            gap = stats.difference(after, before, level)
            found.append(
                {"size": size, "arm": arm, "study": one, "other": other, "paired": gap.paired}
                | {"runs": len(before), "runs_other": len(after), "level": level}
                | {"images": scored_on, "weights": _weights(results, one, other, arm)}
                | {"AP_box": stats.mean_interval(before.values()).mean}
                | {"AP_box_other": stats.mean_interval(after.values()).mean}
                | {"AP_box_difference": gap.mean}
                | {"AP_box_difference_low": gap.low, "AP_box_difference_high": gap.high}
            )
    return frame(found, columns.COMPARISON)


def _images(results: Results, one: str, other: str) -> str:
    """Whether two studies report on the same images; unknown where one did not write it down."""
    here, there = (results.manifests[study]["question"].get("data") for study in (one, other))
    if not here or not there or not {*REPORT} & {*here, *there}:
        return UNKNOWN
    return SAME if all(here.get(name) == there.get(name) for name in REPORT) else OTHER


def _weights(results: Results, one: str, other: str, arm: str) -> str:
    """Whether the arm begins with the same weights in two studies: a name may mean two files."""
    here, there = (results.manifests[study]["question"].get("arms") for study in (one, other))
    if not isinstance(here, dict) or not isinstance(there, dict):
        return UNKNOWN  # of an older version, which wrote the names alone
    return SAME if here.get(arm) == there.get(arm) else OTHER


def told(table: pd.DataFrame) -> list[str]:
    """Rows of `compare` as sentences without a full stop."""
    said: list[str] = []
    for row in rows(table):
        mean, low, high = (row[f"AP_box_difference{end}"] for end in ("", "_low", "_high"))
        apart = math.isfinite(low) and (low > 0 or high < 0)
        text = f"{images(row['size'])}, {row['arm']}: {points(row['AP_box'])} AP in {row['study']}"
        text += f", {points(row['AP_box_other'])} in {row['other']}; "
        sign = "+" if mean > 0 else ""
        text += f"{sign}{between(mean, low, high)}" + ("" if apart else ", no difference shown")
        if row["images"] == OTHER:
            text += (
                "; the two studies report on different images or annotations, so that the"
                " difference is not of the setting alone"
            )
        if row["weights"] == OTHER:
            text += f"; {row['arm']} begins with other weights in each: these are two arms"
        said.append(text)
    return said
