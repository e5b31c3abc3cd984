"""After how many iterations the reference reaches what another arm reaches.

Read off the tuning trials, where every length of the ladder was tried with every setting: at each
length an arm counts by its best trial. So it is optimistic for both arms alike; the answer's own
intervals come from fresh runs at the chosen length alone.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis import columns, stats
from analysis.frames import frame, groups, rows, scored, values, where
from analysis.load import Results
from analysis.words import images, number, points


def catch_up(results: Results, margin: float = stats.MARGIN) -> pd.DataFrame:
    """The shortest length at which the reference comes within `margin` of the arm: `CATCH_UP`.

    `length` is missing where it does not within the lengths tried.
    """
    found: list[dict[str, Any]] = []
    tuned = scored(where(results.tails, role="tune"))
    for (study, size), group in groups(tuned, "study", "size"):
        reference, *others = results.arms(study)
        own = _best_by_length(where(group, arm=reference))
        for arm in others:
            best = _best_by_length(where(group, arm=arm))
            if not own or not best:
                continue
            target = max(row["AP_box"] for row in best)
            row = {"study": study, "size": size, "reference": reference, "arm": arm}
            row |= {"AP_box_arm": target, "AP_box_reference": max(r["AP_box"] for r in own)}
            row |= {"margin": margin, "longest": own[-1]["length"]}
            for side, told in (("reference", own), ("arm", best)):
                there = next((r for r in told if r["AP_box"] >= target - margin), None)
                row[f"length_{side}"] = there["length"] if there else None
                row[f"images_{side}"] = there["images_seen"] if there else None
            found.append(row)
    return frame(found, columns.CATCH_UP)


def told(row: dict[str, Any]) -> str:
    """A row of `catch_up` as a sentence without a full stop."""
    reference, arm = row["reference"], row["arm"]
    if pd.isna(row["length_reference"]):
        short = row["AP_box_arm"] - row["AP_box_reference"]
        return (
            f"{images(row['size'])}: {reference} does not catch up within {number(row['longest'])}"
            f" iterations; it stays {points(short)} AP below {arm}"
        )
    ratio = row["length_reference"] / row["length_arm"]
    longer = "as long" if math.isclose(ratio, 1) else f"{ratio:.1f} times as long"
    return (
        f"{images(row['size'])}: {reference} comes within {points(row['margin'])} AP of {arm}"
        f" after {number(row['length_reference'])} iterations, {longer} as {arm} needs"
    )


def _best_by_length(tails: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per length, ascending: its best trial."""
    found = []
    for length in sorted(set(values(tails, "length"))):
        at = rows(where(tails, length=length))
        found.append(max(at, key=lambda row: row["AP_box"]))
    return found
