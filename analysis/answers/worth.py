"""How many more labelled images an arm is worth: label more images, or begin from other weights?

With s images an arm reaches some AP; with how many images does the reference reach the same? That
number minus s is what the arm is worth there. It is read off the confirm runs (report split), each
arm with its chosen setting. Between two sizes the reference's AP is taken to change evenly with
the logarithm of the size; beyond the sizes tried nothing is said but "more than that".

The interval holds every number of images n at which "the arm with s images and the reference with
n differ by nothing" cannot be rejected (Fieller 1954, as for the crossover). At n = s the test is
that of the answer, so an arm that is shown to be ahead there is worth more than 0 images. Runs of
both arms with s images are paired; runs of different sizes count as independent. They have seeds
in common, and nested draws: that makes the arms' difference scatter less and the mean of two
neighbouring sizes more. The first is larger unless what a seed does to both arms alike is less
than a quarter of what it does to one arm at all sizes.

A reference whose AP does not rise with every size may reach the same AP more than once. Then the
one counts that is nearest to s: the first above s for an arm that is ahead there, the last below s
for one that is behind. The interval reaches over all that are not rejected on that side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from analysis.answers import columns, settings, stats
from analysis.answers.crossover import STEPS, rounded
from analysis.answers.pairs import Together, of_study
from analysis.reading.frames import frame, groups, rows, scored
from analysis.reading.load import Results
from analysis.text.words import images
from study.planning.confirming import scatter
from study.planning.confirming.enough import earliest

Spreads = Mapping[int, scatter.Spread]
"""Of single runs, by size."""


@dataclass(frozen=True)
class Lead:
    """What an arm with s images has above the reference with n images, for many n: points."""

    numbers: np.ndarray  # n, ascending, from the smallest size tried to the largest
    means: np.ndarray
    halves: np.ndarray  # half-widths of intervals of one level

    def part(self, kept: np.ndarray) -> Lead:
        return Lead(self.numbers[kept], self.means[kept], self.halves[kept])


@dataclass(frozen=True)
class Curves:
    """Both arms' confirm runs at the sizes where both have an interval, ascending."""

    sizes: Sequence[int]
    arm: Mapping[int, scatter.Scores]
    reference: Mapping[int, scatter.Scores]
    spread_arm: Spreads
    spread_reference: Spreads
    spread_gap: Spreads  # of differences run by run; of sizes without pairs it means nothing

    def lead(self, size: int, gap: stats.Difference) -> Lead:
        """`gap` is the answer's difference at that size; its level is that of the interval."""
        level = scatter.single(gap.level, gap.compared)
        share = np.linspace(0, 1, STEPS)
        ends = [
            self._above(size, {left: 1 - share, right: share}, level)
            for left, right in itertools.pairwise(self.sizes)
        ]
        means, halves = (np.concatenate(one) for one in zip(*ends, strict=True))
        numbers = tried(self.sizes)
        here = numbers == size
        means[here], halves[here] = gap.mean, gap.high - gap.mean
        return Lead(numbers, means, halves)

    def _above(
        self, size: int, shares: Mapping[int, np.ndarray], level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and half-width of the arm's AP minus these shares of the reference's."""
        means = np.full(STEPS, _mean(self.arm[size]))
        parts = [self._own(size, shares.get(size, np.zeros(STEPS)))]
        for at, share in shares.items():
            means = means - share * _mean(self.reference[at])
            if at != size:
                spread, runs = self.spread_reference[at], len(self.reference[at])
                parts.append((share**2 * spread.variance / runs, spread.freedom))
        total = sum(part for part, _ in parts)
        freedom = total**2 / sum(part**2 / freedom for part, freedom in parts)
        return means, special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(total)

    def _own(self, size: int, share: np.ndarray) -> tuple[np.ndarray, float]:
        """Squared error of the arm's mean minus a share of the reference's, both at that size."""
        arm, reference = self.spread_arm[size], self.spread_reference[size]
        runs, others = len(self.arm[size]), len(self.reference[size])
        squared = arm.variance / runs + share**2 * reference.variance / others
        if not scatter.pairs(self.arm[size], self.reference[size]):
            return squared, min(arm.freedom, reference.freedom)
        gap = self.spread_gap[size]
        common = (arm.variance + reference.variance - gap.variance) / 2
        squared = np.maximum(squared - 2 * share * common / runs, scatter.ROUNDING**2)
        return squared, min(arm.freedom, reference.freedom, gap.freedom)


def tried(sizes: Sequence[int]) -> np.ndarray:
    """Numbers of images, `STEPS` from each size to the next, even in their logarithm."""
    found = [np.geomspace(left, right, STEPS) for left, right in itertools.pairwise(sizes)]
    return np.concatenate(found)


def worth(results: Results, level: float = stats.LEVEL) -> pd.DataFrame:
    """What each arm is worth at each size, in images of the reference, as `columns.WORTH`.

    With three arms and more, the level of each interval is that of the answer's differences, which
    hold together at a size.

    Raises:
        ValueError: see `stats.require_level`.
    """
    stats.require_level(level)
    found: list[dict[str, Any]] = []
    repeats = scored(settings.confirmed(results))
    for study in results.manifests:
        arms, sizes = results.arms(study), results.sizes(study)
        reference, *others = arms or [""]
        compared, first = of_study(results, study, repeats)["box"], results.first_runs(study)
        by_arm = {arm: _curves(compared, arm, reference, first) for arm in others}
        for size, arm in itertools.product(sizes, others):
            curves = by_arm[arm]
            row = {"study": study, "size": size, "reference": reference, "arm": arm}
            row |= {"sizes": len(curves.sizes), "level": level}
            row["AP_box_arm"] = stats.mean_interval(compared.scores[size][arm].values()).mean
            if size in curves.sizes and len(curves.sizes) > 1:
                gap = compared.difference(size, arm, reference, level)
                ends = reached(curves.lead(size, gap), size)
                row["largest"] = curves.sizes[-1]
                for end, number in zip(("", "_low", "_high"), ends, strict=True):
                    row |= {f"images{end}": number, f"more{end}": number - size}
            found.append(row)
    return frame(found, columns.WORTH)


def reached(lead: Lead, size: int) -> tuple[float, float, float]:
    """Images with which the reference reaches the same: estimate, low and high.

    0: at or below the smallest size; infinite: beyond the largest.
    """
    here = int(np.flatnonzero(lead.numbers == size)[0])
    gap, half = lead.means[here], lead.halves[here]
    above, below = lead.numbers >= lead.numbers[here], lead.numbers <= lead.numbers[here]
    if gap > 0:
        level = np.flatnonzero(above & (lead.means <= 0))
        estimate = float(lead.numbers[level[0]]) if len(level) else math.inf
    else:
        level = np.flatnonzero(below & (lead.means >= 0))
        estimate = float(lead.numbers[level[-1]]) if len(level) else 0.0
    shown = above if gap - half > 0 else below if gap + half < 0 else above | below
    left = lead.part(shown)
    certain = float(np.clip(estimate, left.numbers[0], left.numbers[-1]))
    possible = [certain, *left.numbers[np.abs(left.means) <= left.halves]]
    low, high = float(min(possible)), float(max(possible))
    # what is not excluded at the end of what was tried is not excluded beyond it
    if shown[0] and left.means[0] - left.halves[0] <= 0:
        low = 0.0
    if shown[-1] and left.means[-1] + left.halves[-1] >= 0:
        high = math.inf
    return estimate, low, high


def told(table: pd.DataFrame) -> list[str]:
    """Rows of `worth` as sentences without a full stop, one for all that an arm is worth.

    Nothing is said of a size at which neither more nor fewer images are shown.
    """
    said: list[str] = []
    for (_, arm, reference), mine in groups(table, "study", "arm", "reference"):
        sizes = [row["size"] for row in rows(mine) if pd.notna(row["largest"])]
        clauses: list[str] = []
        for row in rows(mine):
            if row["more_low"] > 0 and (
                math.isfinite(row["more_high"]) or rounded(row["more_low"])
            ):
                clauses.append(_more(row, sizes, "" if clauses else arm))
        said += ["; ".join(clauses)] if clauses else []
        said += [_fewer(row, sizes, arm, reference) for row in rows(mine) if row["more_high"] < 0]
    return said


def _more(row: Mapping[str, Any], sizes: Sequence[int], arm: str) -> str:
    """What it is worth at a size; only the first clause of a sentence names the arm and level."""
    more, low, high = (row[f"more{end}"] for end in ("", "_low", "_high"))
    ends = ""
    if math.isfinite(high):
        number, ends = f"about {rounded(more):,}", f"{rounded(low):,} to {rounded(high):,}"
    else:
        is_tried = row["images_low"] >= row["largest"]
        number = f"{'more than' if is_tried else 'at least'} {rounded(low):,}"
    if arm:
        level = _level(row, ends, row["images_low"] not in sizes)
        at = f"with {images(row['size'])}, {arm}"
        return f"{at} is worth {number} more labelled images ({level})"
    return f"with {row['size']:,}, {number}" + (f" ({ends})" if ends else "")


def _fewer(row: Mapping[str, Any], sizes: Sequence[int], arm: str, reference: str) -> str:
    """With how few images the reference reaches what the arm has."""
    at, low, high = (row[f"images{end}"] for end in ("", "_low", "_high"))
    number, ends = f"{images(rounded(high))} or fewer", ""
    if low:
        number, ends = f"about {images(rounded(at))}", f"{rounded(low):,} to {rounded(high):,}"
    level = _level(row, ends, high not in sizes)
    return f"{reference} reaches with {number} what {arm} reaches with {row['size']:,} ({level})"


def _level(row: Mapping[str, Any], ends: str, is_between: bool) -> str:
    """What the brackets say: the interval, and whether it is read off between sizes tried."""
    text = f"{row['level'] * 100:g}\u00a0% interval" + (f" {ends}" if ends else "")
    return text + (", interpolated between sizes" if is_between else "")


def _curves(compared: Together, arm: str, reference: str, first: int | None) -> Curves:
    scores = compared.scores
    sizes = sorted(
        size
        for size, mine in scores.items()
        if compared.difference(size, arm, reference, stats.LEVEL).has_interval
        and all(scatter.scatters(_sample(mine[name])) for name in (arm, reference))
    )
    mine, theirs = (
        {size: scatter.finite(scores[size][name]) for size in sizes} for name in (arm, reference)
    )
    early, early_others = (
        {size: earliest(runs, first) for size, runs in one.items()} for one in (mine, theirs)
    )
    gaps = [scatter.pairs(early[size], early_others[size]) for size in sizes]
    samples = ([early[n].values() for n in sizes], [early_others[n].values() for n in sizes], gaps)
    spreads = (dict(zip(sizes, scatter.moderated(one), strict=True)) for one in samples)
    return Curves(sizes, mine, theirs, *spreads)


def _sample(scores: scatter.Scores) -> np.ndarray:
    return scatter.sample_of(scores.values())


def _mean(scores: scatter.Scores) -> float:
    return float(_sample(scores).mean())
