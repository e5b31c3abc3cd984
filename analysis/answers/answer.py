"""The answer as a frame: how far apart the arms are, each with its best setting.

A setting is chosen on the tuning split, where the best of many trials looks better than it is;
the answer therefore comes from confirm runs, fresh seeds of that setting scored on the report
split. While they are missing the answer says so and shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.answers import columns, settings, stats
from analysis.answers.learnt import by_arm as stages_of
from analysis.answers.learnt import learnt
from analysis.answers.learnt import told as unlearnt
from analysis.answers.pairs import KINDS, Together, by_seed, of_study
from analysis.reading.columns import widened
from analysis.reading.frames import by_place, frame, rows, scored
from analysis.reading.load import Results
from analysis.reading.remembered import remembered
from study.planning.confirming import scatter

Spreads = dict[tuple[str, str], scatter.Spread]
"""By box or mask, and by reference or arm."""
Places = dict[tuple[str, int, str], list[dict[str, Any]]]
"""Rows of a frame by study, size and arm."""
Sides = dict[str, list[dict[str, Any]]]
"""Rows of a frame by side: reference and, if there is one, arm."""


@remembered
def answer(
    results: Results, level: float = stats.LEVEL, margin: float | None = None
) -> pd.DataFrame:
    """Each arm against the reference, per size, as `columns.ANSWER`.

    A study of one arm gets one row per size with nothing on the side of `arm`. Differences of
    less than `margin` AP either way count as none, where that can be shown; by default what the
    study was asked for (`--within`), or 0.5. With three arms and
    more, the intervals of a size's differences hold together (`analysis.answers.pairs`).

    Raises:
        ValueError: see `stats.require_level` and `stats.require_margin`.
    """
    stats.require_level(level)
    stats.require_margin(margin)
    chosen, names = settings.best(results), results.setting
    repeats = scored(settings.with_setting(results.confirmations, chosen, names))
    stages = stages_of(learnt(results))
    tuned, confirmations, bills = map(by_place, (chosen, repeats, results.costs))
    found: list[dict[str, Any]] = []
    for study in results.manifests:
        reference, *others = results.arms(study) or [None]
        if reference is None:
            continue
        sizes, compared = results.sizes(study), of_study(results, study, repeats)
        least = settings.margin(results, study) if margin is None else margin
        for arm in others or [None]:
            sides = {"reference": reference} | ({"arm": arm} if arm else {})
            runs = {size: _sides(confirmations, study, size, sides) for size in sizes}
            spreads = _spreads(runs, list(sides))
            for size in sizes:
                place = {"study": study, "size": size}
                setting, bill = (_sides(table, study, size, sides) for table in (tuned, bills))
                row = place | {"reference": reference, "arm": arm, "level": level}
                row |= {"margin": least} | _learnt(
                    stages.get((study, size), {}), sides, len(others) > 1
                )
                row |= {
                    f"{name}_{side}": one[name]
                    for side, there in setting.items()
                    for one in there
                    for name in names
                }
                row |= _sides_told(runs[size], setting, bill, level, spreads[size])
                row |= _contrast(row, setting, compared)
                found.append(row)
    order = {study: at for at, study in enumerate(results.manifests)}
    found.sort(key=lambda row: (order[row["study"]], row["size"]))
    return frame(found, widened(columns.ANSWER, results.hyper_parameters))


def by_arm(table: pd.DataFrame) -> dict[tuple[str, int, str], tuple[dict[str, Any], str]]:
    """By study, size and arm: a row of the answer that tells of the arm, and on which side.

    The reference stands in several rows. It is told from one in which both arms are confirmed, if
    there is one.
    """
    found: dict[tuple[str, int, str], tuple[dict[str, Any], str]] = {}
    for row in sorted(rows(table), key=lambda row: row["split"] != "report"):
        for side in ("reference", "arm"):
            if isinstance(row[side], str):
                found.setdefault((row["study"], row["size"], row[side]), (row, side))
    return found


def _sides_told(
    runs: Sides, chosen: Sides, bills: Sides, level: float, spreads: Spreads
) -> dict[str, Any]:
    """What a row of the answer says of each side; both are scored on the same split."""
    report = all(runs.values())
    source = runs if report else chosen
    row: dict[str, Any] = {"split": "report" if report else "tune"}
    row |= dict.fromkeys(("seeds_arm", "images_arm", "device_seconds_arm"), 0)
    for side in runs:
        row[f"seeds_{side}"] = len(source[side])
        for key in ("images", "device_seconds"):
            row[f"{key}_{side}"] = sum(bill[key] for bill in bills[side])
        for kind in KINDS:
            name = f"AP_{kind}_{side}"
            scores = by_seed(source[side], f"AP_{kind}").values()
            _put(row, name, stats.mean_interval(scores, level, spreads[kind, side]).within(0, 100))
    return row


def _learnt(
    here: Mapping[str, dict[str, Any]], sides: Mapping[str, str], by_name: bool
) -> dict[str, Any]:
    """What a row of the answer says of whether its sides have learnt."""
    found = {f"stage_{side}": here.get(arm, {}).get("stage") for side, arm in sides.items()}
    return found | {"unlearnt": unlearnt(here, list(sides.values()), by_name)}


def _contrast(
    row: Mapping[str, Any], chosen: Sides, compared: Mapping[str, Together]
) -> dict[str, Any]:
    """What a row of the answer says of the difference between its sides."""
    size, arm, reference, level = (row[name] for name in ("size", "arm", "reference", "level"))
    found: dict[str, Any] = {"paired": False, "compared": compared["box"].compared[size]}
    for kind in KINDS:
        if row["split"] == "report" and arm:
            gap = compared[kind].difference(size, arm, reference, level)
        else:
            mine, theirs = (by_seed(chosen.get(s, []), f"AP_{kind}") for s in ("arm", "reference"))
            gap = stats.difference(mine, theirs, level)
        _put(found, f"AP_{kind}_difference", gap)
        found[f"AP_{kind}_probability"] = gap.probability
        found[f"AP_{kind}_equal"] = gap.within(row["margin"])
        found["paired"] |= kind == "box" and gap.paired and gap.has_interval
    return found


def _spreads(runs: Mapping[int, Sides], sides: Sequence[str]) -> dict[int, Spreads]:
    """By size, the spread over seeds; the sizes of a study learn from one another."""
    found: dict[int, Spreads] = {size: {} for size in runs}
    for kind in ("box", "mask"):
        scores = [
            {side: by_seed(one[side], f"AP_{kind}") for side in sides} for one in runs.values()
        ]
        samples: dict[str, list[Iterable[float]]] = {
            side: [one[side].values() for one in scores] for side in sides
        }
        for what, values in samples.items():
            for size, spread in zip(runs, scatter.moderated(values), strict=True):
                found[size][kind, what] = spread
    return found


def _sides(table: Places, study: str, size: int, arms: dict[str, str]) -> Sides:
    return {side: table.get((study, size, arm), []) for side, arm in arms.items()}


def _put(row: dict[str, Any], name: str, value: stats.Estimate | stats.Difference) -> None:
    row |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
