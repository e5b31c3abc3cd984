"""Every two arms of a size compared, with intervals that hold together.

Who compares three arms makes three comparisons, with six arms fifteen, and one of so many
intervals misses the truth far more often than in one study of twenty. So each of them is wider
(`scatter.single`): at each size all of them hold at once. With two arms there is one comparison,
and its interval is the usual one.

How much differences scatter is learnt from all pairs and sizes (`scatter.differences`). Where a
study was asked for intervals of some width, it is learnt from the first runs of each arm alone:
they decided how many followed (`study.planning.confirming.enough`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from analysis.answers import columns, settings, stats
from analysis.reading.frames import by_place, frame, rows, scored
from analysis.reading.load import Results
from analysis.text.table import PAIR, Column, Table
from analysis.text.words import between
from study.planning.confirming.enough import earliest
from study.planning.confirming.scatter import Differences, Scores, differences

KINDS = ("box", "mask")


@dataclass(frozen=True)
class Together:
    """The differences between a study's arms, by size; all at one size hold together."""

    scores: Mapping[int, Mapping[str, Scores]]  # of confirm runs, by size and arm
    known: Differences

    @property
    def compared(self) -> Mapping[int, int]:
        """Pairs of arms with an interval, by size; at least 1."""
        return self.known.compared

    def difference(self, size: int, arm: str, other: str, level: float) -> stats.Difference:
        """Mean of `arm` minus mean of `other`."""
        mine, theirs = (self.scores[size].get(name, {}) for name in (arm, other))
        spread = self.known.spreads.get((size, arm, other))
        return stats.difference(mine, theirs, level, spread, self.compared[size])


def together(scores: Mapping[int, Mapping[str, Scores]], first: int | None = None) -> Together:
    """The comparisons of one study, from the scores of each arm's confirm runs by size.

    `first`: so many runs of each arm tell how much differences scatter; None: all.
    """
    early = {
        size: {arm: earliest(mine, first) for arm, mine in arms.items()}
        for size, arms in scores.items()
    }
    return Together(scores, differences(early))


def of_study(
    results: Results, study: str, repeats: pd.DataFrame | None = None
) -> dict[str, Together]:
    """The comparisons of one study, by box and mask.

    `repeats`: the scored runs of the settings chosen (`settings.confirmed`), if they are at hand.
    """
    runs = by_place(scored(settings.confirmed(results)) if repeats is None else repeats)
    return {
        kind: together(
            {
                size: {
                    arm: by_seed(runs.get((study, size, arm), []), f"AP_{kind}")
                    for arm in results.arms(study)
                }
                for size in results.sizes(study)
            },
            results.first_runs(study),
        )
        for kind in KINDS
    }


def pairs(
    results: Results, level: float = stats.LEVEL, margin: float | None = None
) -> pd.DataFrame:
    """Every two arms at each size, from their confirm runs, as `columns.PAIRS`.

    Pairs of which one arm is not confirmed at a size have no row there.

    Raises:
        ValueError: see `stats.require_level` and `stats.require_margin`.
    """
    stats.require_level(level)
    stats.require_margin(margin)
    found: list[dict[str, Any]] = []
    repeats = scored(settings.confirmed(results))
    for study in results.manifests:
        compared = of_study(results, study, repeats)
        least = settings.margin(results, study) if margin is None else margin
        for size in results.sizes(study):
            here = compared["box"].scores[size]
            for other, arm in combinations((arm for arm in here if here[arm]), 2):
                row = {"study": study, "size": size, "arm": arm, "other": other, "level": level}
                row |= {"margin": least, "compared": compared["box"].compared[size]}
                for kind, those in compared.items():
                    gap, name = those.difference(size, arm, other, level), f"AP_{kind}_difference"
                    row |= {name: gap.mean, f"{name}_low": gap.low, f"{name}_high": gap.high}
                    row[f"AP_{kind}_equal"] = gap.within(least)
                found.append(row)
    return frame(found, columns.PAIRS)


def by_seed(runs: Sequence[Mapping[str, Any]], score: str) -> dict[Hashable, float]:
    """Score by (seed, draw); the tuning split's one best score has no seed to pair by."""
    return {(row.get("seed"), row.get("draw")): row[score] for row in runs}


def layout(table: pd.DataFrame, order: Sequence[str], sizes: Sequence[int]) -> Table:
    """`pairs` of one study as people read it: a line for each pair, a column for each size."""
    gaps = {(row["arm"], row["other"], row["size"]): _gap(row) for row in rows(table)}
    shown = [
        [f"{arm} − {other}", *(gaps.get((arm, other, size), "–") for size in sizes)]
        for other, arm in combinations(order, 2)
        if any((arm, other, size) in gaps for size in sizes)
    ]
    titles = [Column(f"{size:,} images") for size in sizes]
    return Table(caption(table), [PAIR, *titles], shown)


def layouts(table: pd.DataFrame, results: Results, wide: int) -> list[Table]:
    """The same, so many sizes at a time."""
    (study,) = results.manifests
    sizes = sorted(set(table["size"].tolist()))
    parts = [sizes[at : at + wide] for at in range(0, len(sizes), wide)]
    return [layout(table, results.arms(study), part) for part in parts]


def caption(table: pd.DataFrame) -> str:
    level = f"{table['level'].iloc[0] * 100:g}" if len(table) else "95"
    return (
        f"Every two arms: difference in box AP on the report split, with {level} % intervals that"
        " hold together at each size; *: the whole interval on one side of zero"
    )


def _gap(row: Mapping[str, Any]) -> str:
    low, high = row["AP_box_difference_low"], row["AP_box_difference_high"]
    text = ("+" if row["AP_box_difference"] > 0 else "") + between(
        row["AP_box_difference"], low, high
    )
    return f"{text}*" if low > 0 or high < 0 else text
