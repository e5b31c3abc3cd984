"""After how many iterations the reference reaches what another arm reaches.

Read off the tuning trials, where every length of the ladder was tried with every setting: at each
length an arm counts by its best trial. So it is optimistic for both arms alike; the answer's own
intervals come from fresh runs at the chosen length alone.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.answers import columns, settings
from analysis.reading.frames import frame, groups, rows, scored, values, where
from analysis.reading.load import Results
from analysis.text.words import ENOUGH, at_sizes, by_points, images, number, points, too_few
from study.planning.trials.best import rank


def catch_up(results: Results, margin: float | None = None) -> pd.DataFrame:
    """The shortest length at which the reference comes within `margin` AP of the arm: `CATCH_UP`.

    `length` is missing where it does not within the lengths tried.
    """
    found: list[dict[str, Any]] = []
    tuned = scored(where(results.tails, role="tune"))
    for (study, size), group in groups(tuned, "study", "size"):
        reference, *others = results.arms(study)
        least = settings.margin(results, study) if margin is None else margin
        own = _best_by_length(where(group, arm=reference))
        for arm in others:
            best = _best_by_length(where(group, arm=arm))
            if not own or not best:
                continue
            target = max(row["AP_box"] for row in best)
            row = {"study": study, "size": size, "reference": reference, "arm": arm}
            row |= {"AP_box_arm": target, "AP_box_reference": max(r["AP_box"] for r in own)}
            row |= {"margin": least, "longest": own[-1]["length"]}
            for side, told in (("reference", own), ("arm", best)):
                there = next((r for r in told if r["AP_box"] >= target - least), None)
                row[f"length_{side}"] = there["length"] if there else None
                row[f"trials_{side}"] = len(set(values(where(group, arm=row[side]), "trial_id")))
                row[f"images_{side}"] = there["images_seen"] if there else None
            found.append(row)
    return frame(found, columns.CATCH_UP)


def told(table: pd.DataFrame) -> list[str]:
    """Rows of `catch_up` as sentences without a full stop; sizes at which it fails are one."""
    said: list[str] = []
    fewest = table[["trials_reference", "trials_arm"]].min(axis=1)
    is_few = (fewest < ENOUGH).to_numpy(dtype=bool)
    for (_, reference, arm), group in groups(table.loc[~is_few], "study", "reference", "arm"):
        tried = values(group, "size")
        never = [row for row in rows(group) if pd.isna(row["length_reference"])]
        for longest, needed in dict.fromkeys((r["longest"], r["length_arm"]) for r in never):
            here = [r for r in never if (r["longest"], r["length_arm"]) == (longest, needed)]
            sizes = [row["size"] for row in here]
            short = [row["AP_box_arm"] - row["AP_box_reference"] for row in here]
            longer = f", {_times(longest, needed)} {arm} needs" if longest > needed else ""
            said.append(
                f"on the tuning split, with {at_sizes(sizes, tried)}, {reference} does not catch"
                f" up within {number(longest)} iterations{longer}; it stays"
                f" {by_points(short, sizes, tried)} below {arm}"
            )
        for row in rows(group):
            if pd.notna(row["length_reference"]):
                longer = _times(row["length_reference"], row["length_arm"])
                said.append(
                    f"on the tuning split, with {images(row['size'])}, {reference} comes within"
                    f" {points(row['margin'])} AP of {arm} after"
                    f" {number(row['length_reference'])} iterations, {longer} {arm} needs"
                )
    return said + _untold(table.loc[is_few])


def _untold(table: pd.DataFrame) -> list[str]:
    tried = sorted(set(values(table, "size")))
    alike: dict[tuple[str, tuple[str, ...], tuple[tuple[str, int], ...]], list[int]] = {}
    for (_, reference, size), mine in groups(table, "study", "reference", "size"):
        counts = {reference: values(mine, "trials_reference")[0]}
        counts |= dict(zip(values(mine, "arm"), values(mine, "trials_arm"), strict=True))
        few = tuple((arm, count) for arm, count in counts.items() if count < ENOUGH)
        alike.setdefault((reference, tuple(values(mine, "arm")), few), []).append(size)
    return [
        f"{too_few(dict(few), at_sizes(sizes, tried))} how soon {reference} catches up with"
        f" {' or '.join(arms)}"
        for (reference, arms, few), sizes in alike.items()
    ]


def _times(length: int, needed: int) -> str:
    """`3.2 times as long as`."""
    ratio = length / needed
    return "as long as" if math.isclose(ratio, 1) else f"{ratio:.1f} times as long as"


def _best_by_length(tails: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per length, ascending: its best trial."""
    found = []
    for length in sorted(set(values(tails, "length"))):
        at = rows(where(tails, length=length))
        found.append(min(at, key=lambda row: rank(row["AP_box"], length, row["index"])))
    return found
