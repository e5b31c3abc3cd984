"""The answer as frames: which setting each arm gets, and how far apart the arms then are.

A setting is chosen on the tuning split, where the best of many trials looks better than it is;
the answer therefore comes from confirmation runs, fresh seeds of that setting scored on the
report split. While they are missing the answer says so and claims nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import stats
from analysis.reading import columns
from analysis.reading.frames import frame, rows, scored, where
from analysis.reading.load import Results
from study.config import Nuisance, from_dict
from study.planning import range_extension

SETTING = ["lr", "weight_decay", "length", "factor"]
Spreads = dict[tuple[str, str], stats.Spread]
"""By box or mask, and by reference, arm or difference."""
Places = dict[tuple[str, int, str], list[dict[str, Any]]]
"""Rows of a frame by study, size and arm."""
Sides = dict[str, list[dict[str, Any]]]
"""Rows of a frame by side: reference and, if there is one, arm."""


@dataclass(frozen=True)
class Searched:
    """What was searched of one hyper-parameter at one size."""

    low: float
    high: float
    ladder: bool = False  # rather than a range
    extended: frozenset[str] = frozenset()  # ends beyond which strips were searched: low, high
    outer: float = range_extension.OUTER  # share, in the logarithm, that counts as an edge


def best(results: Results) -> pd.DataFrame:
    """The chosen setting of each arm and size, as `columns.BEST`.

    The highest box AP over all records of the tune trials, stopped and diverged ones too; ties go
    to the shorter length, then to the lower trial index.
    """
    found: list[dict[str, Any]] = []
    at: dict[tuple[str, int], dict[str, Searched]] = {}
    for (study, size, _), group in _by_place(scored(where(results.tails, role="tune"))).items():
        top = min(group, key=lambda row: (-row["AP_box"], row["length"], row["index"]))
        if (study, size) not in at:
            at[study, size] = searched(results, study, size)
        ranges = at[study, size]
        edges = {f"{name}_edge": edge(top[name], ranges.get(name)) for name in ranges}
        blank = dict.fromkeys(("lr_edge", "weight_decay_edge", "length_edge"), "")
        found.append(top | blank | edges | {"trials": len({row["trial_id"] for row in group})})
    return frame(found, columns.BEST)


def confirmed(results: Results) -> pd.DataFrame:
    """The confirmation runs, scored or not, that repeat the setting chosen now.

    A study that is extended may choose anew; runs of the former choice no longer count, nor do
    those of other finalists or with another arm's setting.
    """
    return with_setting(results.confirmations, best(results))


def with_setting(table: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """The rows that have the setting which `chosen` holds for their study, arm and size.

    A run is whoever's setting it has: one asked for by one arm may since be the choice of another.
    """
    keys = ["study", "arm", "size"]
    both = table.merge(chosen[[*keys, *SETTING]], on=keys, suffixes=("", "_chosen"))
    same = [np.isclose(both[name], both[f"{name}_chosen"], 1e-9, 0) for name in SETTING]
    return both.loc[np.logical_and.reduce(same), list(table.columns)]


def answer(
    results: Results, level: float = stats.LEVEL, margin: float = stats.MARGIN
) -> pd.DataFrame:
    """Each arm against the reference, per size, as `columns.ANSWER`.

    A study of one arm gets one row per size with nothing on the side of `arm`. Differences of
    less than `margin` AP either way count as none, where that can be shown.
    """
    chosen = best(results)
    repeats = scored(with_setting(results.confirmations, chosen))
    tuned, confirmations, bills = map(_by_place, (chosen, repeats, results.costs))
    found: list[dict[str, Any]] = []
    for study in results.manifests:
        reference, *others = results.arms(study) or [None]
        if reference is None:
            continue
        sizes = results.sizes(study)
        for arm in others or [None]:
            sides = {"reference": reference} | ({"arm": arm} if arm else {})
            runs = {size: _sides(confirmations, study, size, sides) for size in sizes}
            spreads = _spreads(runs, list(sides))
            for size in sizes:
                place = {"study": study, "size": size}
                setting, bill = (_sides(table, study, size, sides) for table in (tuned, bills))
                row = place | {"reference": reference, "arm": arm, "level": level}
                row |= {"margin": margin}
                row |= _contrast(runs[size], setting, bill, level, margin, spreads[size])
                found.append(row)
    order = {study: at for at, study in enumerate(results.manifests)}
    found.sort(key=lambda row: (order[row["study"]], row["size"]))
    return frame(found, columns.ANSWER)


def searched(results: Results, study: str, size: int) -> dict[str, Searched]:
    """What was searched at a size, by name, with the strips by which ranges were extended."""
    values = results.manifests[study]["question"].get("nuisance")
    if values is None:
        return {}
    nuisance = from_dict(Nuisance, values).at(size)
    points = results.manifests[study]["question"]["search"]["points"]
    outer = range_extension.outer_shares(nuisance.names, points)
    found = {"length": Searched(min(nuisance.lengths), max(nuisance.lengths), ladder=True)}
    for name, base in nuisance.ranges.items():
        strips = where(results.strips, study=study, size=size, name=name)
        low, high = min([base.low, *strips["low"]]), max([base.high, *strips["high"]])
        ends = {"low": low < base.low, "high": high > base.high}
        beyond = frozenset(end for end in ends if ends[end])
        found[name] = Searched(low, high, extended=beyond, outer=outer[name])
    return found


def edge(value: float, of: Searched | None) -> str:
    """low or high: in the outer tenth of a range, or on the end of a ladder; else empty."""
    if of is None or of.low == of.high:
        return ""
    if of.ladder:
        return {of.low: "low", of.high: "high"}.get(value, "")
    return range_extension.edge(value, of.low, of.high, of.outer) or ""


def _contrast(
    runs: Sides,
    chosen: Sides,
    bills: Sides,
    level: float,
    margin: float,
    spreads: Spreads,
) -> dict[str, Any]:
    """One row of the answer; both sides are scored on the same split."""
    report = all(runs.values())
    source = runs if report else chosen
    row: dict[str, Any] = {"split": "report" if report else "tune", "paired": False}
    row |= dict.fromkeys(("seeds_arm", "images_arm", "device_seconds_arm"), 0)
    for side in runs:
        row[f"seeds_{side}"] = len(source[side])
        for setting in chosen[side]:
            row |= {f"{key}_{side}": setting[key] for key in SETTING}
        for key in ("images", "device_seconds"):
            row[f"{key}_{side}"] = sum(bill[key] for bill in bills[side])
    for kind in ("box", "mask"):
        scores = {side: _by_seed(told, f"AP_{kind}") for side, told in source.items()}
        for side, values in scores.items():
            spread = spreads[kind, side]
            _put(row, f"AP_{kind}_{side}", stats.mean_interval(values.values(), level, spread))
        spread = spreads[kind, "difference"]
        gap = stats.difference(scores.get("arm", {}), scores["reference"], level, spread)
        _put(row, f"AP_{kind}_difference", gap)
        row[f"AP_{kind}_probability"] = gap.probability
        row[f"AP_{kind}_equal"] = gap.within(margin)
        row["paired"] |= kind == "box" and gap.paired and gap.has_interval
    return row


def _spreads(runs: Mapping[int, Sides], sides: Sequence[str]) -> dict[int, Spreads]:
    """By size, the spread over seeds; the sizes of a study learn from one another."""
    found: dict[int, Spreads] = {size: {} for size in runs}
    for kind in ("box", "mask"):
        scores = [
            {side: _by_seed(one[side], f"AP_{kind}") for side in sides} for one in runs.values()
        ]
        samples: dict[str, list[Iterable[float]]] = {
            side: [one[side].values() for one in scores] for side in sides
        }
        samples["difference"] = [
            stats.pairs(one.get("arm", {}), one["reference"]) for one in scores
        ]
        for what, values in samples.items():
            for size, spread in zip(runs, stats.moderated(values), strict=True):
                found[size][kind, what] = spread
    return found


def _sides(table: Places, study: str, size: int, arms: dict[str, str]) -> Sides:
    return {side: table.get((study, size, arm), []) for side, arm in arms.items()}


def _by_place(table: pd.DataFrame) -> Places:
    """The rows of a frame by study, size and arm."""
    found: Places = {}
    for row in rows(table):
        found.setdefault((row["study"], row["size"], row["arm"]), []).append(row)
    return found


def _by_seed(runs: Iterable[dict[str, Any]], score: str) -> dict[Hashable, float]:
    """Score by (seed, draw); the tuning split's one best score has no seed to pair by."""
    return {(row.get("seed"), row.get("draw")): row[score] for row in runs}


def _put(row: dict[str, Any], name: str, value: stats.Estimate | stats.Difference) -> None:
    row |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
