"""The answer as frames: which setting each arm gets, and how far apart the arms then are.

A setting is chosen on the tuning split, where the best of many trials looks better than it is;
the answer therefore comes from confirmation runs, fresh seeds of that setting scored on the
report split. While they are missing the answer says so and claims nothing.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from analysis import columns, stats
from analysis.frames import frame, groups, rows, scored, where
from analysis.load import Results
from study.config import Nuisance, from_dict

SETTING = ["lr", "weight_decay", "length", "factor"]
Spreads = dict[tuple[str, str], stats.Spread]
"""By box or mask, and by reference, arm or difference."""
OUTER = 0.1  # share of a range, in the logarithm, in which a best value counts as at its edge


def best(results: Results) -> pd.DataFrame:
    """The chosen setting of each arm and size, as `columns.BEST`.

    The highest box AP over all records of the tune trials, stopped and diverged ones too; ties go
    to the shorter length, then to the lower trial index.
    """
    found: list[dict[str, Any]] = []
    for _, group in groups(scored(where(results.tails, role="tune")), "study", "size", "arm"):
        top = min(rows(group), key=lambda row: (-row["AP_box"], row["length"], row["index"]))
        ranges = searched(results.manifests[top["study"]], top["size"])
        edges = {f"{name}_edge": edge(top[name], ranges.get(name)) for name in ranges}
        blank = dict.fromkeys(("lr_edge", "weight_decay_edge", "length_edge"), "")
        found.append(top | blank | edges | {"trials": len(set(group["trial_id"]))})
    return frame(found, columns.BEST)


def confirmed(results: Results) -> pd.DataFrame:
    """The confirmation runs, scored or not, that repeat the setting chosen now.

    A study that is extended may choose anew; runs of the former choice no longer count.
    """
    chosen = best(results)[["study", "arm", "size", *SETTING]]
    keys = ["study", "arm", "size"]
    runs = results.confirmations.merge(chosen, on=keys, suffixes=("", "_chosen"))
    same = [np.isclose(runs[name], runs[f"{name}_chosen"], rtol=1e-9) for name in SETTING]
    return runs.loc[np.logical_and.reduce(same), list(columns.CONFIRMATIONS)]


def answer(results: Results, level: float = stats.LEVEL) -> pd.DataFrame:
    """Each arm against the reference, per size, as `columns.ANSWER`.

    A study of one arm gets one row per size with nothing on the side of `arm`.
    """
    chosen, confirmations = best(results), confirmed(results)
    found: list[dict[str, Any]] = []
    for study in results.manifests:
        reference, *others = results.arms(study) or [None]
        if reference is None:
            continue
        every = scored(where(confirmations, study=study))
        spreads = {arm: _spreads(every, reference, arm) for arm in others or [None]}
        for size in results.sizes(study):
            place = {"study": study, "size": size}
            setting, runs = where(chosen, **place), where(confirmations, **place)
            costs = where(results.costs, **place)
            found += [
                place
                | {"reference": reference, "arm": arm, "level": level}
                | _contrast(setting, runs, costs, reference, arm, level, spreads[arm])
                for arm in others or [None]
            ]
    return frame(found, columns.ANSWER)


def searched(manifest: dict[str, Any], size: int) -> dict[str, tuple[float, float, bool]]:
    """What was searched: name to (low, high, whether on a ladder rather than a range)."""
    values = manifest["question"].get("nuisance")
    if values is None:
        return {}
    nuisance = from_dict(Nuisance, values).at(size)
    ranges = {"lr": nuisance.lr, "weight_decay": nuisance.weight_decay}
    return {name: (range_.low, range_.high, False) for name, range_ in ranges.items()} | {
        "length": (min(nuisance.lengths), max(nuisance.lengths), True)
    }


def edge(value: float, limits: tuple[float, float, bool] | None) -> str:
    """Whether a value lies in the outer tenth of its range (log), or on the end of its ladder."""
    if limits is None or limits[0] == limits[1] or value <= 0:
        return ""
    low, high, ladder = limits
    at = math.log(value / low) / math.log(high / low)
    outer = 0.0 if ladder else OUTER
    return "low" if at <= outer else "high" if at >= 1 - outer else ""


def _contrast(
    chosen: pd.DataFrame,
    runs: pd.DataFrame,
    costs: pd.DataFrame,
    reference: str,
    arm: str | None,
    level: float,
    spreads: Spreads,
) -> dict[str, Any]:
    """One row of the answer; both sides are scored on the same split."""
    sides = {"reference": reference} | ({"arm": arm} if arm else {})
    runs = scored(runs)
    report = all(len(where(runs, arm=name)) for name in sides.values())
    source = runs if report else chosen
    row: dict[str, Any] = {"split": "report" if report else "tune", "paired": False}
    row |= dict.fromkeys(("seeds_arm", "images_arm", "device_seconds_arm"), 0)
    for side, name in sides.items():
        row[f"seeds_{side}"] = len(where(source, arm=name))
        for setting in rows(where(chosen, arm=name)):
            row |= {f"{key}_{side}": setting[key] for key in SETTING}
        for key in ("images", "device_seconds"):
            row[f"{key}_{side}"] = where(costs, arm=name)[key].sum()
    for kind in ("box", "mask"):
        scores = {side: _by_seed(source, name, f"AP_{kind}") for side, name in sides.items()}
        for side, values in scores.items():
            spread = spreads[kind, side]
            _put(row, f"AP_{kind}_{side}", stats.mean_interval(values.values(), level, spread))
        spread = spreads[kind, "difference"]
        gap = stats.difference(scores.get("arm", {}), scores["reference"], level, spread)
        _put(row, f"AP_{kind}_difference", gap)
        row["paired"] |= kind == "box" and gap.paired and gap.has_interval
    return row


def _spreads(runs: pd.DataFrame, reference: str, arm: str | None) -> Spreads:
    """The spread over seeds that all sizes of a study share."""
    found: Spreads = {}
    sides = {"reference": reference} | ({"arm": arm} if arm else {})
    for kind in ("box", "mask"):
        scores = [
            {side: _by_seed(group, name, f"AP_{kind}") for side, name in sides.items()}
            for _, group in groups(runs, "size")
        ]
        for side in sides:
            found[kind, side] = stats.pooled(one[side].values() for one in scores)
        gaps = (stats.pairs(one.get("arm", {}), one["reference"]) for one in scores)
        found[kind, "difference"] = stats.pooled(gaps)
    return found


def _by_seed(runs: pd.DataFrame, arm: str, score: str) -> dict[Hashable, float]:
    """Score by (seed, draw); the tuning split's one best score has no seed to pair by."""
    mine = rows(where(runs, arm=arm))
    return {(row.get("seed"), row.get("draw")): row[score] for row in mine}


def _put(row: dict[str, Any], name: str, value: stats.Estimate | stats.Difference) -> None:
    row |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
