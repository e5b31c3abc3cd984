"""Tuned the paper's way, one arm's setting for both: as a frame, in words, and as a table.

"Rethinking ImageNet Pre-training" (Sec. 5.2) tuned the pre-trained arm and gave what it found to
the other, which favours the first; only the length was the other's own. So here: an arm is given
another's learning rate, weight decay and drop factor, and keeps its best length.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pandas as pd

from analysis.answers import settings, stats
from analysis.reading.columns import widened
from analysis.reading.frames import frame, rows, scored, where
from analysis.reading.load import Results
from analysis.reading.remembered import remembered
from analysis.text.table import ARM, IMAGES, Column, Table
from analysis.text.words import between, images, listed, number, points
from analysis.tuning import columns
from study.planning.confirming import scatter

Scores = Mapping[Hashable, float]
"""Score by (seed, draw)."""


@dataclass(frozen=True)
class _Pair:
    """An arm at a size with its own best setting and with that of another arm.

    A run belongs to the arm whose setting it has, whatever it was made for.
    """

    size: int
    own: pd.DataFrame
    crossed: pd.DataFrame
    others: pd.DataFrame  # runs of the other arm with its own, the same, setting

    def both(self, score: str) -> tuple[Scores, Scores]:
        """With the other's setting and with its own, on the same seeds."""
        crossed, own = _by_seed(self.crossed, score), _by_seed(self.own, score)
        common = crossed.keys() & own.keys()
        return {k: crossed[k] for k in common}, {k: own[k] for k in common}


@remembered
def cross_tuning(results: Results, level: float = stats.LEVEL) -> pd.DataFrame:
    """Each arm with each other arm's best setting, as `columns.CROSSED`.

    Arms that chose the same setting need no runs for it: their own are counted and the difference
    is 0. Intervals learn from all sizes how far runs scatter, as those of `answer` do.

    Raises:
        ValueError: see `stats.require_level`.
    """
    stats.require_level(level)
    best, runs, names = settings.best(results), scored(results.confirmations), results.setting
    found: list[dict[str, Any]] = []
    for study in results.manifests:
        for arm, other in permutations(results.arms(study), 2):
            place = {"study": study, "arm": arm}
            mine = where(best, **place)
            theirs = where(best, study=study, arm=other)
            given = as_given(best, study, arm, other)
            pairs = [
                _Pair(
                    size,
                    *(
                        where(settings.with_setting(runs, chosen, names), size=size)
                        for chosen in (mine, given, theirs)
                    ),
                )
                for size in results.sizes(study)
                if len(where(mine, size=size)) and len(where(given, size=size))
            ]
            same = {row["size"] for row in rows(settings.with_setting(mine, given, names))}
            spreads = {
                kind: scatter.moderated(scatter.pairs(*pair.both(f"AP_{kind}")) for pair in pairs)
                for kind in ("box", "mask")
            }
            for at, pair in enumerate(pairs):
                (setting,) = rows(where(given, size=pair.size))
                row = place | {"size": pair.size, "setting_of": other}
                row |= {name: setting[name] for name in names}
                row |= {"same": pair.size in same, "n": len(pair.both("AP_box")[0])}
                for kind in ("box", "mask"):
                    row |= _compared(pair, f"AP_{kind}", level, spreads[kind][at])
                found.append(row | {"level": level})
    table = frame(found, widened(columns.CROSSED, results.hyper_parameters))
    return table.sort_values(["study", "size"], kind="stable", ignore_index=True)


def as_given(best: pd.DataFrame, study: str, arm: str, other: str) -> pd.DataFrame:
    """Another arm's rows of `best` as an arm is given them: with its own length, at its sizes."""
    mine, theirs = (where(best, study=study, arm=name) for name in (arm, other))
    own = dict(zip(mine["size"], mine["length"], strict=True))
    theirs = theirs.loc[theirs["size"].isin(list(own))]
    return theirs.assign(arm=arm, length=[own[size] for size in theirs["size"]])


def as_in_the_paper(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """The rows in which the reference arm was given another arm's setting, if it was run."""
    reference = {study: next(iter(results.arms(study)), None) for study in results.manifests}
    keep = [row["n"] > 0 and row["arm"] == reference[row["study"]] for row in rows(table)]
    return table.loc[keep]


def told(table: pd.DataFrame) -> list[str]:
    """Rows of `cross_tuning` that were run as sentences: what the paper's way would decide."""
    run = [row for row in rows(table) if row["n"]]
    alike: dict[tuple[str, str], list[str]] = {}
    for row in run:
        if row["same"]:
            alike.setdefault((row["arm"], row["setting_of"]), []).append(f"{row['size']:,}")
    return [
        f"With {listed(sizes)} training images, {arm} and {other} chose the same values, each at"
        " its own length: tuning one arm and giving its values to the other changes nothing."
        for (arm, other), sizes in alike.items()
    ] + [_sentence(row) for row in run if not row["same"]]


def layout(table: pd.DataFrame, paper: pd.DataFrame) -> Table:
    """`cross_tuning` as people read it; below each row `as_in_the_paper` how far the arms are."""
    texts = ("its own", "that one", "difference")
    given = Column("setting of", number=False, arm=True)
    columns_ = [IMAGES, ARM, given, *map(Column, texts), Column("runs")]
    gaps = {(row["size"], row["setting_of"]) for row in rows(paper)}
    shown: list[list[str]] = []
    for row in rows(table):
        if not row["n"] or row["same"]:
            continue
        size, n = number(row["size"]), number(row["n"])
        scores = [points(row[f"AP_box_{which}"]) for which in ("own", "cross")]
        shown.append([size, row["arm"], row["setting_of"], *scores, _difference(row), n])
        crossed_in_paper = (row["size"], row["setting_of"]) in gaps
        if crossed_in_paper and len(where(paper, size=row["size"], arm=row["arm"])):
            apart = [_signed(row[f"AP_box_gap_{which}"]) for which in ("own", "shared")]
            name = f"{row['setting_of']} − {row['arm']}"
            shown.append([size, name, "", *apart, "", ""])
    caption = (
        "Box AP of an arm with its own setting and with another arm's, on the report split, over"
        " the seeds that were run with both"
    )
    return Table(caption, columns_, shown)


def _compared(pair: _Pair, score: str, level: float, spread: scatter.Spread) -> dict[str, Any]:
    crossed, own = pair.both(score)
    change = stats.difference(crossed, own, level, spread)
    others = _by_seed(pair.others, score)
    common = own.keys() & others.keys()
    means = {
        name: stats.mean_interval(scores[key] for key in common).mean
        for name, scores in (("own", own), ("shared", crossed), ("others", others))
    }
    return {
        f"{score}_own": stats.mean_interval(own.values()).mean,
        f"{score}_cross": stats.mean_interval(crossed.values()).mean,
        f"{score}_difference": change.mean,
        f"{score}_difference_low": change.low,
        f"{score}_difference_high": change.high,
        f"{score}_gap_own": means["others"] - means["own"],
        f"{score}_gap_shared": means["others"] - means["shared"],
    }


def _by_seed(runs: pd.DataFrame, score: str) -> dict[Hashable, float]:
    found = {(row["seed"], row["draw"]): row[score] for row in rows(runs)}
    return {key: value for key, value in found.items() if math.isfinite(value)}


def _sentence(row: dict[str, Any]) -> str:
    arm, other, change = row["arm"], row["setting_of"], row["AP_box_difference"]
    at = f"At {images(row['size'])}"
    low, high = row["AP_box_difference_low"], row["AP_box_difference_high"]
    more = "more" if change > 0 else "less"
    low, high = (low, high) if change > 0 else (-high, -low)
    text = f"{at} {arm} scores {points(abs(change))} AP {more} with {other}'s setting than with"
    text += f" its own ({_certainty(row['n'], low, high, row['level'])})"
    if not math.isfinite(row["AP_box_gap_shared"]):
        return f"{text}."
    gaps = [_signed(row[f"AP_box_gap_{which}"]) for which in ("shared", "own")]
    return f"{text}: {other} minus {arm} would be {gaps[0]} AP instead of {gaps[1]}."


def _certainty(n: int, low: float, high: float, level: float) -> str:
    if n == 1:
        return "one run of each, no interval"
    if not math.isfinite(low):
        return f"{n} runs of each, no interval"
    interval = f"{level * 100:g}\u00a0% interval {points(low)} to {points(high)}"
    return f"{interval}{'; may be none' if low <= 0 <= high else ''}"


def _difference(row: dict[str, Any]) -> str:
    ends = (row[f"AP_box_difference{end}"] for end in ("", "_low", "_high"))
    return ("+" if row["AP_box_difference"] > 0 else "") + between(*ends)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + points(value)
