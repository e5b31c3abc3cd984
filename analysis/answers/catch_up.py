"""After how many iterations the reference reaches what another arm reaches.

Read off the tuning trials, where every length of the ladder was tried with every setting: at each
length an arm counts by its best trial. So it is optimistic for both arms alike; the answer's own
intervals come from fresh runs at the chosen length alone.

A trial has one seed, and tells nothing of chance by itself. The interval borrows it from the
confirm runs: how much the difference between two single runs of the arms scatters at that size.
It holds every length of the ladder that is neither shown to be too short nor longer than one that
is shown to be enough. So it takes for granted that runs scatter alike at all lengths, and that
being the best of several trials flatters both arms alike. The length that the arm itself needs is
taken as it was read: of the ratio of both there is no interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import special

from analysis.answers import columns, settings, stats
from analysis.answers.pairs import Together, of_study
from analysis.reading.frames import Row, frame, groups, rows, scored, values, where
from analysis.reading.load import Results
from analysis.text.words import ENOUGH, at_sizes, by_points, images, number, points, too_few
from study.planning.confirming import scatter
from study.planning.trials.best import rank


def catch_up(
    results: Results, margin: float | None = None, level: float = stats.LEVEL
) -> pd.DataFrame:
    """The shortest length at which the reference comes within `margin` AP of the arm: `CATCH_UP`.

    `length` is missing where it does not within the lengths tried; so are the ends of the interval
    where fewer than two confirm runs of each arm tell how much runs scatter.

    Raises:
        ValueError: see `stats.require_level` and `stats.require_margin`.
    """
    stats.require_level(level)
    stats.require_margin(margin)
    found: list[dict[str, Any]] = []
    repeats = scored(settings.confirmed(results))
    compared = {study: of_study(results, study, repeats)["box"] for study in results.manifests}
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
            half = _half(compared[study], size, arm, reference, level)
            low, high = _ends({r["length"]: target - least - r["AP_box"] for r in own}, half)
            row |= {"length_reference_low": low, "length_reference_high": high, "level": level}
            found.append(row)
    return frame(found, columns.CATCH_UP)


def _half(compared: Together, size: int, arm: str, reference: str, level: float) -> float:
    """Half-width of an interval of the difference between one run of each arm; NaN: not known."""
    spread = compared.known.spreads.get((size, arm, reference))
    if spread is None or not spread.variance > 0:
        return math.nan
    each = scatter.single(level, compared.compared[size])
    return float(special.stdtrit(spread.freedom, (1 + each) / 2)) * math.sqrt(spread.variance)


def _ends(short: Mapping[int, float], half: float) -> tuple[float, float]:
    """Low and high end, from what each length, ascending, is short of the target.

    0: the shortest or less; infinite: more than the longest.
    """
    if math.isnan(half):
        return math.nan, math.nan
    low = next((n for n, gap in short.items() if gap <= half), math.inf)
    high = next((n for n, gap in short.items() if gap <= -half), math.inf)
    return 0.0 if low == min(short) else low, high


def told(table: pd.DataFrame) -> list[str]:
    """Rows of `catch_up` as sentences without a full stop; sizes at which it fails are one.

    Of an arm with fewer than `ENOUGH` trials nothing is told, unless an interval says how sure.
    """
    said: list[str] = []
    fewest = table[["trials_reference", "trials_arm"]].min(axis=1)
    is_few = (fewest < ENOUGH) & table["length_reference_low"].isna()
    is_few = is_few.to_numpy(dtype=bool)
    for (_, reference, arm), group in groups(table.loc[~is_few], "study", "reference", "arm"):
        tried = values(group, "size")
        never = [row for row in rows(group) if pd.isna(row["length_reference"])]
        for alike in dict.fromkeys(map(_never, never)):
            here, (longest, needed, shown) = [r for r in never if _never(r) == alike], alike
            chance = "" if shown else ", which may be chance"
            sizes = [row["size"] for row in here]
            short = [row["AP_box_arm"] - row["AP_box_reference"] for row in here]
            longer = f", {_times(longest, needed)} {arm} needs" if longest > 1.05 * needed else ""
            said.append(
                f"on the tuning split, with {at_sizes(sizes, tried)}, {reference} does not catch"
                f" up within {number(longest)} iterations{longer}; it stays"
                f" {by_points(short, sizes, tried)} below {arm}{chance}"
            )
        for row in rows(group):
            if pd.notna(row["length_reference"]):
                longer = _times(row["length_reference"], row["length_arm"])
                said.append(
                    f"on the tuning split, with {images(row['size'])}, {reference} comes within"
                    f" {points(row['margin'])} AP of {arm} after"
                    f" {number(row['length_reference'])} iterations{_interval(row)},"
                    f" {longer} {arm} needs"
                )
    return said + _untold(table.loc[is_few])


def _never(row: Row) -> tuple[int, int, bool]:
    """What sizes have in common that are told in one sentence."""
    shown = math.isnan(row["length_reference_low"]) or math.isinf(row["length_reference_low"])
    return row["longest"], row["length_arm"], shown


def _interval(row: Row) -> str:
    low, high = row["length_reference_low"], row["length_reference_high"]
    if math.isnan(low):
        return ""
    if math.isinf(high):
        ends = f"{number(low)} or more" if low else "all lengths tried"
    else:
        ends = f"{number(low)} to {number(high)}" if low else f"{number(high)} or less"
    return f" ({row['level'] * 100:g}\u00a0% interval: {ends})"


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
    return "as long as" if 0.95 < ratio < 1.05 else f"{ratio:.1f} times as long as"


def _best_by_length(tails: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per length, ascending: its best trial."""
    by_length: dict[int, list[dict[str, Any]]] = {}
    for row in rows(tails.loc[:, ["length", "AP_box", "index", "images_seen"]]):
        by_length.setdefault(row["length"], []).append(row)
    return [
        min(by_length[length], key=lambda row: rank(row["AP_box"], length, row["index"]))
        for length in sorted(by_length)
    ]
