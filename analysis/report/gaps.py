"""The answer as the page opens with it: the gap between two arms at each size, on one scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from analysis.reading.frames import rows
from analysis.text.words import conclusion, images, in_words, points


@dataclass(frozen=True)
class Gap:
    """One row of the answer as the page opens with it."""

    size: str
    gap: str  # empty if there is none
    leader: str  # the arm that is ahead; empty if none may be called so
    shown: bool  # whether a difference is
    text: str
    bar: dict[str, float] | None  # per cent of the width: zero, mean, low, width


def gaps(table: pd.DataFrame) -> list[Gap]:
    """The rows of the answer on one common scale."""
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
        gap = f"{'+' if mean > 0 else ''}{points(mean)}" if math.isfinite(mean) else ""
        found.append(Gap(images(row["size"]), gap, leader, bool(leader), text, bar))
    return found
