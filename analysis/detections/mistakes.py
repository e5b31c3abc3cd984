"""What kinds of mistakes the arms make, and what each kind costs: TIDE.

Bolya, Foley, Hays and Hoffman 2020, "TIDE: A General Toolbox for Identifying Object Detection
Errors" (arXiv 2008.08115), as hotcoco computes it. At an IoU of 0.5 a detection that hits nothing
new is one of

    classification  it lies on an object (IoU 0.5 or more) of another class
    localisation    it lies beside an object (IoU 0.1 to 0.5) of its class
    both            it lies beside an object of another class
    duplicate       it lies on an object of its class that a higher score has found already
    background      it lies on nothing (IoU below 0.1)

and an object is missed if no detection finds it or would with its class or its box put right. What
a kind costs is how much higher AP at IoU 0.5 would be if that kind alone were put right. Mending
one kind changes what the others cost, so the costs do not add up: not to each other, and not to
what AP lacks of 100. They are therefore drawn side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from analysis.detections import columns
from analysis.detections.matches import Kind
from analysis.detections.stored import Stored, stored
from analysis.reading.frames import frame, rows, where
from analysis.reading.load import Results
from analysis.text.table import ARM, IMAGES, Column, Table
from analysis.text.words import images, listed, number, points

KINDS = {
    "classification": "Cls",
    "localisation": "Loc",
    "both": "Both",
    "duplicate": "Dupe",
    "background": "Bkg",
    "missed": "Miss",
}
"""The kinds by the names that TIDE has for them."""


def errors(
    results: Results, kind: Kind = "box", of: Sequence[Stored] | None = None
) -> pd.DataFrame:
    """What each kind of mistake costs each arm at each size, as `columns.ERRORS`.

    Means over the confirm runs whose detections are stored.

    Args:
        of: what `stored` found, if it is at hand; the files are read otherwise.

    Raises:
        ValueError: see `stored`.
    """
    found: list[dict[str, Any]] = []
    for one in stored(results, kind) if of is None else of:
        for size in one.sizes:
            for arm in results.arms(one.study):
                tides = [run.evaluation.tide_errors() for run in one.of(arm, size).values()]
                if not tides:
                    continue
                place = {"study": one.study, "size": size, "arm": arm, "runs": len(tides)}
                place["AP50"] = 100 * fmean(tide["ap_base"] for tide in tides)
                found += [
                    place
                    | {"error": error, "cost": 100 * fmean(t["delta_ap"][name] for t in tides)}
                    | {"number": fmean(t["counts"][name] for t in tides)}
                    for error, name in KINDS.items()
                ]
    return frame(found, columns.ERRORS)


def layout(table: pd.DataFrame) -> Table:
    """`errors` as people read it: a line for each size and arm, a column for each kind."""
    columns_ = [IMAGES, ARM, Column("AP50"), *map(Column, KINDS)]
    shown: list[list[str]] = []
    for row in rows(table.drop_duplicates(["size", "arm"])):
        mine = rows(where(table, size=row["size"], arm=row["arm"]))
        costs = [points(kind["cost"]) for kind in mine]
        shown.append([number(row["size"]), row["arm"], points(row["AP50"]), *costs])
    caption = "AP at IoU 0.50, and how many points higher it would be without each kind of mistake"
    return Table(caption, columns_, shown)


def told(table: pd.DataFrame) -> list[str]:
    """At each size, what costs each arm most; nothing where no kind alone costs anything."""
    found: list[str] = []
    for size in dict.fromkeys(table["size"].tolist()):
        here = where(table, size=size)
        tops = [
            max(rows(where(here, arm=arm)), key=lambda row: row["cost"])
            for arm in dict.fromkeys(here["arm"])
        ]
        most = [
            f"{top['arm']} to {top['error']} ({points(top['cost'])})"
            for top in tops
            if top["cost"] > 0
        ]
        if most:
            found.append(f"With {images(size)} to train on, most AP50 is lost by {listed(most)}.")
    return found
