"""Means, differences and their intervals, for the few seeds that a study can afford.

Runs of one setting scatter by seed. Two runs alone hardly tell how much: Student's t has one
degree of freedom then, and the interval is nine times the spread. But a study has several sizes,
and its intervals learn from one another: each size's variance is shrunk towards the one pooled
over all sizes, as a moderated t does (`moderated`). One run has no interval. Of three arms and
more, the intervals of all pairs at a size hold together (`single`).

How often all this is right is measured on studies with a known truth: benchmarks/README.md,
"Calibration of the statistics".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

LEVEL = 0.95
MARGIN = 0.5  # AP; smaller differences are called none
ROUNDING = 1e-9  # spread below this is the arithmetic's
PRIOR = 2.0  # degrees of freedom that the sizes' common variance counts beside a size's own


@dataclass(frozen=True)
class Estimate:
    """A mean and its interval; NaN where the data give none."""

    mean: float
    low: float
    high: float
    n: int  # runs
    level: float

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True)
class Difference:
    """Mean of one arm minus mean of the other, and its interval; NaN where there is none."""

    mean: float
    low: float
    high: float
    paired: bool  # taken seed by seed
    level: float
    error: float = math.nan  # standard error of the mean difference
    freedom: float = math.nan  # degrees of freedom behind it
    compared: int = 1  # differences whose intervals hold together at `level`, this one included

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def probability(self) -> float:
        """That the true difference is above 0, by Student's t with a flat prior; NaN unknown.

        With one-sided p-values it is 1 - p.
        """
        return float(special.stdtr(self.freedom, self.mean / self.error))

    def within(self, margin: float) -> bool:
        """Whether the difference is shown to be less than `margin` either way.

        Two one-sided tests, each at 1 - `level` (Schuirmann 1987, J. Pharmacokinet. Biopharm.
        15, 657-680): two arms that differ by the margin are called equal in at most 1 - `level`
        of the studies; so are any two of those that are `compared`.
        """
        if not self.has_interval:
            return False
        level = single(self.level, self.compared)
        half = float(special.stdtrit(self.freedom, level)) * self.error
        return -margin < self.mean - half and self.mean + half < margin


@dataclass(frozen=True)
class Spread:
    """Variance of single runs about their own mean, and the degrees of freedom behind it."""

    variance: float
    freedom: float


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
    found = [_finite(sample) for sample in samples]
    weights = shares or [1] * len(found)
    every = [(one, by) for one, by in zip(found, weights, strict=True) if _scatters(one)]
    freedom = sum(by * (len(sample) - 1) for sample, by in every)
    squares = sum(by * float(sample.var()) * len(sample) for sample, by in every)
    return Spread(squares / freedom if freedom else math.nan, freedom)


def moderated(samples: Iterable[Iterable[float]], shares: Sequence[float] = ()) -> list[Spread]:
    """The spread of each sample, shrunk towards the variance that they share.

    One variance for all (`pooled`) is the best there is if sizes scatter alike; where the small
    ones scatter more, their intervals are too short. Each sample's own is right then, and useless
    with two runs. So a sample's variance is the mean of its own, weighted by its n - 1 degrees of
    freedom, and the pooled one, weighted by `PRIOR` (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3,
    article 3, where the data choose the weight; a few sizes are too few for that). The degrees of
    freedom of such a sum of variances are Satterthwaite's (1946, Biometrics Bull. 2, 110-114) for
    equal variances. `shares` are those of `pooled`.
    """
    every = [_finite(sample) for sample in samples]
    common = pooled(every, shares)
    found: list[Spread] = []
    for sample in every:
        if not _scatters(sample):
            found.append(common)
            continue
        own = len(sample) - 1
        weight = own / (own + PRIOR)
        variance = weight * float(sample.var(ddof=1)) + (1 - weight) * common.variance
        mine, others = weight + (1 - weight) * own / common.freedom, common.freedom - own
        squares = mine**2 / own + ((1 - weight) / common.freedom) ** 2 * others
        found.append(Spread(variance, 1 / squares))
    return found


def mean_interval(
    values: Iterable[float], level: float = LEVEL, spread: Spread | None = None
) -> Estimate:
    """Mean over seeds with its t-interval; `spread` is the values' own if not given.

    Values that are not finite are left out. No interval for fewer than two, nor for values
    without any spread: equal scores (all 0, say) tell nothing about how far the next may lie.
    """
    sample = _finite(values)
    n = len(sample)
    mean = float(sample.mean()) if n else math.nan
    spread = spread or pooled([sample])
    error = spread.variance / n if _scatters(sample) else math.nan
    half = _half_width(error, spread.freedom, level)
    return Estimate(mean, mean - half, mean + half, n, level)


def pairs(a: Mapping[Any, float], b: Mapping[Any, float]) -> list[float]:
    """`a` minus `b` key by key; none unless both have the same keys."""
    a, b = _scored(a), _scored(b)
    return [a[key] - b[key] for key in a] if a.keys() == b.keys() else []


def difference(
    a: Mapping[Any, float],
    b: Mapping[Any, float],
    level: float = LEVEL,
    spread: Spread | None = None,
    compared: int = 1,
) -> Difference:
    """Mean of `a` minus mean of `b`; both map a seed (or any key of a run) to its score.

    With the same keys on both sides the t-interval is that of the differences key by key: the
    same seed means the same data order in both arms. `spread` is that of such differences.
    Otherwise it is Welch's, which assumes neither pairs nor equal variances (Welch 1947,
    Biometrika 34, 28-35). `compared` is the number of differences, this one included, whose
    intervals are to hold together at `level` (`single`).
    """
    each = single(level, compared)
    if paired := pairs(a, b):
        gap = mean_interval(paired, each, spread)
        spread = spread or pooled([paired])
        error = math.sqrt(spread.variance / gap.n) if gap.has_interval else math.nan
        ends = (gap.mean, gap.low, gap.high)
        return Difference(*ends, True, level, error, spread.freedom, compared)
    a, b = _scored(a), _scored(b)
    x, y = _finite(a.values()), _finite(b.values())
    mean = float(x.mean() - y.mean()) if len(x) and len(y) else math.nan
    error_x, error_y = _squared_error(x), _squared_error(y)
    squared = error_x + error_y
    freedom = math.nan
    if squared > 0:
        freedom = squared**2 / (error_x**2 / (len(x) - 1) + error_y**2 / (len(y) - 1))
    half = _half_width(squared, freedom, each)
    error = math.sqrt(squared) if squared > 0 else math.nan
    return Difference(mean, mean - half, mean + half, False, level, error, freedom, compared)


def _scored(scores: Mapping[Any, float]) -> dict[Any, float]:
    return {key: value for key, value in scores.items() if math.isfinite(value)}


def _finite(values: Iterable[float]) -> np.ndarray:
    sample = np.asarray(list(values), dtype=float)
    return sample[np.isfinite(sample)]


def _scatters(sample: np.ndarray) -> bool:
    return len(sample) > 1 and float(np.ptp(sample)) > ROUNDING


def _squared_error(sample: np.ndarray) -> float:
    """Squared standard error of the mean; NaN for fewer than two values, 0 without spread."""
    if len(sample) < 2:
        return math.nan
    return float(sample.var(ddof=1)) / len(sample) if np.ptp(sample) > ROUNDING else 0.0


def _half_width(squared_error: float, freedom: float, level: float) -> float:
    if not squared_error > 0:
        return math.nan
    return float(special.stdtrit(freedom, (1 + level) / 2)) * math.sqrt(squared_error)
