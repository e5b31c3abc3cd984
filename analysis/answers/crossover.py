"""The training-set size from which an arm's lead is gone, with an interval.

A lead that shrinks with more images need never become exactly nothing, so it counts as gone where
it is below the margin that counts as no difference. Between two sizes it is taken to change
evenly with the logarithm of the size; beyond the sizes tried nothing is said but "there".

The interval holds every size at which a lead equal to the margin cannot be rejected (Fieller 1954,
J. R. Stat. Soc. B 16, 175-185, for a line; here for a broken one). So it misses the truth as
seldom as the intervals of the differences do, whatever their spread.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import columns, stats
from analysis.answers.answer import answer
from analysis.reading.frames import Row, frame, groups, rows, where
from analysis.reading.load import Results
from analysis.text.words import images

STEPS = 400  # between two sizes, at which the margin is tried: 0.2 % of an octave


@dataclass(frozen=True)
class Lead:
    """An arm's lead at the sizes tried: sizes ascending, means and half-widths in AP."""

    sizes: tuple[int, ...]
    means: tuple[float, ...]
    halves: tuple[float, ...]  # of intervals of one level

    def at(self, log_size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and half-width, by interpolation between independent neighbours."""
        x = np.log(self.sizes)
        right = np.clip(np.searchsorted(x, log_size), 1, len(x) - 1)
        share = (log_size - x[right - 1]) / (x[right] - x[right - 1])
        means, halves = np.array(self.means), np.array(self.halves)
        mean = (1 - share) * means[right - 1] + share * means[right]
        half = np.hypot((1 - share) * halves[right - 1], share * halves[right])
        return mean, half


def crossover(
    results: Results, level: float = stats.LEVEL, margin: float | None = None
) -> pd.DataFrame:
    """For each arm, where its lead over the reference falls below the margin: `CROSSOVER`.

    Raises:
        ValueError: see `stats.require_level` and `stats.require_margin`.
    """
    return of_answer(answer(results, level, margin))


def of_answer(table: pd.DataFrame) -> pd.DataFrame:
    """The same from the frame that `analysis.answer` gives.

    Sizes without an interval of the difference are left out, and those at which one of the two has
    yet to learn (`analysis.learnt`); with fewer than two nothing is said.
    """
    found: list[dict[str, Any]] = []
    for (study, arm), group in groups(table, "study", "arm"):
        first, *_ = rows(group)
        told = [
            row
            for row in rows(group)
            if math.isfinite(row["AP_box_difference_low"]) and not row["unlearnt"]
        ]
        row = {"study": study, "reference": first["reference"], "arm": arm, "sizes": len(told)}
        ends = crossing(_lead(told), first["margin"]) if len(told) > 1 else (math.nan,) * 3
        names = ("crossover", "crossover_low", "crossover_high")
        row |= dict(zip(names, ends, strict=True))
        found.append(row | {name: first[name] for name in ("margin", "level")})
    return frame(found, columns.CROSSOVER)


def _lead(told: list[dict[str, Any]]) -> Lead:
    halves = (r["AP_box_difference_high"] - r["AP_box_difference"] for r in told)
    sizes, means = (r["size"] for r in told), (r["AP_box_difference"] for r in told)
    return Lead(tuple(sizes), tuple(means), tuple(halves))


def crossing(lead: Lead, margin: float) -> tuple[float, float, float]:
    """Estimate, low and high; 0: at or below the smallest size; infinite: beyond the largest."""
    x = np.log(lead.sizes)
    between = [np.linspace(a, b, STEPS) for a, b in itertools.pairwise(x)]
    tried = np.unique(np.concatenate(between))
    sizes, (mean, half) = np.exp(tried), lead.at(tried)
    estimate = _last(sizes, mean > margin)
    certain = float(np.clip(estimate, sizes[0], sizes[-1]))
    possible = [certain, *sizes[np.abs(mean - margin) <= half]]
    # what is not excluded at an end is not excluded beyond it
    low = 0.0 if mean[0] - half[0] <= margin else float(min(possible))
    high = math.inf if mean[-1] + half[-1] >= margin else float(max(possible))
    return estimate, low, high


def _last(sizes: np.ndarray, ahead: np.ndarray) -> float:
    """The size from which on no lead is left: 0 if there never was one, infinite if it stays."""
    if not ahead.any():
        return 0.0
    at = int(np.flatnonzero(ahead)[-1])
    return math.inf if at == len(sizes) - 1 else float(sizes[at + 1])


def told(row: Row) -> str:
    """A row of `crossover` as a sentence without a full stop; empty where nothing is known."""
    at, low, high = (row[f"crossover{end}"] for end in ("", "_low", "_high"))
    lead = f"{row['arm']}'s lead over {row['reference']}"
    if math.isnan(at):
        return ""
    level = f"{row['level'] * 100:g}\u00a0% interval"
    if low == 0 and math.isinf(high):
        return f"where {lead} ends cannot be told from these sizes"
    if math.isinf(high):
        return f"{lead} lasts beyond {images(rounded(low))} ({level})"
    if low == 0:
        return f"{lead} is gone at {images(rounded(high))} at the latest ({level})"
    return (
        f"{lead} is gone from about {images(rounded(at))} on"
        f" ({level} {rounded(low):,} to {rounded(high):,})"
    )


def rounded(size: float) -> int:
    """To two digits, for no interval here knows more; a size that was tried is told as it is."""
    if math.isclose(size, round(size), rel_tol=1e-9):
        return round(size)
    digits = max(0, math.floor(math.log10(size)) - 1)
    return round(size / 10**digits) * 10**digits


def within(table: pd.DataFrame, study: str) -> list[dict[str, Any]]:
    """A study's rows of `crossover` whose interval ends somewhere among the sizes tried."""
    return [
        row
        for row in rows(where(table, study=study))
        if row["crossover_low"] > 0 or math.isfinite(row["crossover_high"])
    ]
