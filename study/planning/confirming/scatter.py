"""How much runs that differ in seed and draw alone scatter, learnt from few of them.

Two runs alone hardly tell. But a study has several sizes, and they learn from one another: the
variance of two or three runs is shrunk towards the one pooled over all sizes, as a moderated t
does (`moderated`). Of three arms and more, the differences of all pairs at a size are judged
together (`single`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

ROUNDING = 1e-9  # spread below this is the arithmetic's
PRIOR = 2.0  # degrees of freedom that the sizes' common variance counts beside a size's own
ALONE = 3  # degrees of freedom from which a size's own variance is enough

Scores = Mapping[Hashable, float]
"""A score of each run, by what is repeated: (seed, draw)."""


@dataclass(frozen=True)
class Spread:
    """Variance of single runs about their own mean, and the degrees of freedom behind it."""

    variance: float
    freedom: float


@dataclass(frozen=True)
class Differences:
    """What is known of the differences between a study's arms, size by size."""

    spreads: Mapping[tuple[int, str, str], Spread]  # of single differences, by size and two arms
    compared: Mapping[int, int]  # pairs of arms with an interval, by size; at least 1


def differences(scores: Mapping[int, Mapping[str, Scores]]) -> Differences:
    """How much the arms' differences scatter, from the scores of their runs by size and arm.

    It is learnt from all pairs and sizes. The pairs of g arms share runs: they tell as much about
    it as g - 1 samples that share none, so each counts with 2 / g of its degrees of freedom.
    """
    found: list[tuple[tuple[int, str, str], list[float], float]] = []
    compared: dict[int, int] = {}
    for size, arms in scores.items():
        keys = {arm: finite(mine).keys() for arm, mine in arms.items()}
        repeated = sum(len(mine) > 1 for mine in keys.values())
        compared[size] = max(1, math.comb(repeated, 2))
        for other, arm in combinations(arms, 2):
            alike = sum(mine == keys[arm] for mine in keys.values())
            gaps = pairs(arms[arm], arms[other])
            found.append(((size, arm, other), gaps, 2 / alike if gaps else 1))
    spreads = moderated([gaps for _, gaps, _ in found], [share for *_, share in found])
    by_pair = {place: spread for (place, *_), spread in zip(found, spreads, strict=True)}
    by_pair |= {(size, b, a): spread for (size, a, b), spread in by_pair.items()}
    return Differences(by_pair, compared)


def single(level: float, compared: int) -> float:
    """The level of each of so many intervals that hold together at `level`.

    Bonferroni's: right whatever the intervals have in common, such as an arm. Quantiles that use
    what they have in common (Dunnett's, Tukey's) need one variance for all arms, and with two or
    three runs of each they cover too little where one arm scatters more than the others.
    """
    return 1 - (1 - level) / compared


def pooled(samples: Iterable[Iterable[float]], shares: Sequence[float] = ()) -> Spread:
    """The variance that samples with different means share; equal scores tell nothing of it.

    `shares`: the part of its degrees of freedom with which each sample counts, if that is not 1.
    """
    found = [sample_of(sample) for sample in samples]
    weights = shares or [1] * len(found)
    every = [(one, by) for one, by in zip(found, weights, strict=True) if scatters(one)]
    freedom = sum(by * (len(sample) - 1) for sample, by in every)
    squares = sum(by * float(sample.var()) * len(sample) for sample, by in every)
    return Spread(squares / freedom if freedom else math.nan, freedom)


def moderated(samples: Iterable[Iterable[float]], shares: Sequence[float] = ()) -> list[Spread]:
    """The spread of each sample: its own, or shrunk towards the variance that they share.

    A sample's own variance is right whatever the others do. With four runs or more it stands by
    itself: an interval is then a seventh wider than it could be where all scatter alike, and
    covers 95 % also where they do not. With two or three runs it is of no use. One variance for
    all (`pooled`) is the best there is if sizes scatter alike; where the small ones scatter more,
    their intervals are too short. So a small sample's variance is the mean of its own, weighted
    by its n - 1 degrees of freedom, and the pooled one, weighted by `PRIOR` (Smyth 2004, Stat.
    Appl. Genet. Mol. Biol. 3, article 3, where the data choose the weight; a few sizes are too few
    for that). The degrees of
    freedom of such a sum of variances are Satterthwaite's (1946, Biometrics Bull. 2, 110-114) for
    equal variances. `shares` are those of `pooled`.
    """
    every = [sample_of(sample) for sample in samples]
    common = pooled(every, shares)
    found: list[Spread] = []
    for sample in every:
        if not scatters(sample):
            found.append(common)
            continue
        own = len(sample) - 1
        if own >= ALONE:
            found.append(Spread(float(sample.var(ddof=1)), own))
            continue
        weight = own / (own + PRIOR)
        variance = weight * float(sample.var(ddof=1)) + (1 - weight) * common.variance
        mine, others = weight + (1 - weight) * own / common.freedom, common.freedom - own
        squares = mine**2 / own + ((1 - weight) / common.freedom) ** 2 * others
        found.append(Spread(variance, 1 / squares))
    return found


def pairs(a: Mapping[Any, float], b: Mapping[Any, float]) -> list[float]:
    """`a` minus `b` key by key; none unless both have the same keys."""
    a, b = finite(a), finite(b)
    return [a[key] - b[key] for key in a] if a.keys() == b.keys() else []


def finite(scores: Mapping[Any, float]) -> dict[Any, float]:
    """The scores that are numbers."""
    return {key: value for key, value in scores.items() if math.isfinite(value)}


def sample_of(values: Iterable[float]) -> np.ndarray:
    """The values that are numbers."""
    sample = np.asarray(list(values), dtype=float)
    return sample[np.isfinite(sample)]


def scatters(sample: np.ndarray) -> bool:
    """Whether the values differ by more than rounding."""
    return len(sample) > 1 and float(np.ptp(sample)) > ROUNDING
