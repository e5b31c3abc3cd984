"""The answer as the page opens with it: the gap between two arms at each size, on one scale.

With three arms and more, before that: how every arm stands at every size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.answers.starts import in_a_cell, several
from analysis.reading.frames import groups, rows, where
from analysis.text.words import conclusion, images, in_words, points


@dataclass(frozen=True)
class Gap:
    """One row of the answer as the page opens with it."""

    size: str
    arm: str  # the arm compared; empty in a study of one
    gap: str  # empty if there is none
    leader: str  # the arm that is ahead; empty if none may be called so
    shown: bool  # whether a difference is
    text: str
    bar: dict[str, float] | None  # per cent of the width: zero, mean, low, width


def gaps(table: pd.DataFrame, starts: pd.DataFrame | None = None) -> list[Gap]:
    """The rows of the answer on one common scale.

    `starts`: `analysis.starts` of the same study, which says why an arm has no score.
    """
    lacking: dict[tuple[int, str], str] = {}
    if starts is not None and several(starts):
        lacking = {(row["size"], row["arm"]): row["lacks"] for row in rows(starts) if row["lacks"]}
    names = [f"AP_box_difference{end}" for end in ("", "_low", "_high")]
    values = [v for name in names for v in table[name] if math.isfinite(v)]
    low, high = min([0.0, *values]), max([0.0, *values])
    margin = 0.04 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    found: list[Gap] = []
    for row in rows(table):
        what, (mean, bottom, top) = conclusion(row), (row[name] for name in names)
        leader = {"ahead": row["arm"], "behind": row["reference"]}.get(what, "")
        bar = None
        if math.isfinite(mean):
            bar = {"zero": at(0), "mean": at(mean)}
            if math.isfinite(bottom):
                bar |= {"low": at(bottom), "width": round(at(top) - at(bottom), 2)}
            else:
                bar |= {"low": 0.0, "width": 0.0}
        text = in_words(row).split(": ", 1)[1] + "."
        for lacks in (row["reference"], row["arm"]):
            if why := lacking.get((row["size"], lacks)):
                text = f"nothing to compare: {lacks} has no score ({why})."
        gap = f"{'+' if mean > 0 else ''}{points(mean)}" if math.isfinite(mean) else ""
        arm = row["arm"] if isinstance(row["arm"], str) else ""
        found.append(Gap(images(row["size"]), arm, gap, leader, bool(leader), text, bar))
    return found


@dataclass(frozen=True)
class Cell:
    """How an arm stands at a size, as the page opens with it."""

    standing: str
    ap: str
    text: str
    recommended: bool


@dataclass(frozen=True)
class Grid:
    """Arms by sizes."""

    sizes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]  # by arm


def grid(starts: pd.DataFrame) -> Grid:
    """Rows of `analysis.starts` of one study as a grid."""
    sizes = sorted(set(starts["size"].tolist()))
    found = [
        (arm, [_cell(row) for size in sizes for row in rows(where(mine, size=size))])
        for (arm,), mine in groups(starts, "arm")
    ]
    return Grid([images(size) for size in sizes], found)


def _cell(row: dict[str, Any]) -> Cell:
    ap = "" if row["standing"] == "missing" else points(row["AP_box"])
    return Cell(row["standing"], ap, in_a_cell(row), row["recommended"])
