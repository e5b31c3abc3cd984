"""Means, differences and their intervals, for the few seeds that a study can afford.

Runs of one setting scatter by seed. Two runs alone hardly tell how much: Student's t has one
degree of freedom then, and the interval is nine times the spread. But a study has several sizes,
and its intervals learn from one another, up to three runs (`scatter.moderated`). One run has no
interval. Of three arms and more, the intervals of all pairs at a size hold together
(`scatter.single`).

How often all this is right is measured on studies with a known truth: benchmarks/README.md,
"Calibration of the statistics".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, TypeGuard

import numpy as np
from scipy import special

from study.config.printable import brief
from study.planning.confirming import enough, scatter

LEVEL = enough.LEVEL
MARGIN = enough.MARGIN


def require_level(level: object) -> None:
    """Refuse what is no level of an interval.

    Raises:
        ValueError: it is no number between 0 and 1.
    """
    if _is_number(level) and 0 < level < 1:
        return
    meant = ""
    if _is_number(level) and 1 < level < 100:
        meant = f"; for {level:g} % give {level / 100:g}"
    raise ValueError(
        f"level = {brief(level)}: must be a number between 0 and 1, as {LEVEL:g} is{meant}"
    )


def require_margin(margin: object) -> None:
    """Refuse what is no difference that counts as none; None stands for the study's own.

    Raises:
        ValueError: it is no finite number of AP points from 0 on.
    """
    if margin is None or (_is_number(margin) and 0 <= margin < math.inf):
        return
    raise ValueError(
        f"margin = {brief(margin)}: must be a finite number of AP points from 0 on, as"
        f" {MARGIN:g} is"
    )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


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

    def within(self, low: float, high: float) -> Estimate:
        """With the interval cut at the ends of the scale, beyond which no mean can lie."""
        if not self.has_interval:
            return self
        return replace(self, low=max(self.low, low), high=min(self.high, high))


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

        Raises:
            ValueError: see `require_margin`.
        """
        require_margin(margin)
        if not self.has_interval:
            return False
        level = scatter.single(self.level, self.compared)
        half = float(special.stdtrit(self.freedom, level)) * self.error
        return -margin < self.mean - half and self.mean + half < margin


def mean_interval(
    values: Iterable[float], level: float = LEVEL, spread: scatter.Spread | None = None
) -> Estimate:
    """Mean over seeds with its t-interval; `spread` is the values' own if not given.

    Values that are not finite are left out. No interval for fewer than two, nor for values
    without any spread: equal scores (all 0, say) tell nothing about how far the next may lie.

    Raises:
        ValueError: see `require_level`.
    """
    require_level(level)
    sample = scatter.sample_of(values)
    n = len(sample)
    mean = float(sample.mean()) if n else math.nan
    spread = spread or scatter.pooled([sample])
    error = spread.variance / n if scatter.scatters(sample) else math.nan
    half = _half_width(error, spread.freedom, level)
    return Estimate(mean, mean - half, mean + half, n, level)


def difference(
    a: Mapping[Any, float],
    b: Mapping[Any, float],
    level: float = LEVEL,
    spread: scatter.Spread | None = None,
    compared: int = 1,
) -> Difference:
    """Mean of `a` minus mean of `b`; both map a seed (or any key of a run) to its score.

    With the same keys on both sides the t-interval is that of the differences key by key: the
    same seed means the same data order in both arms. `spread` is that of such differences.
    Otherwise it is Welch's, which assumes neither pairs nor equal variances (Welch 1947,
    Biometrika 34, 28-35). `compared` is the number of differences, this one included, whose
    intervals are to hold together at `level` (`single`).

    Raises:
        ValueError: see `require_level`.
    """
    require_level(level)
    each = scatter.single(level, compared)
    if paired := scatter.pairs(a, b):
        gap = mean_interval(paired, each, spread)
        spread = spread or scatter.pooled([paired])
        error = math.sqrt(spread.variance / gap.n) if gap.has_interval else math.nan
        ends = (gap.mean, gap.low, gap.high)
        return Difference(*ends, True, level, error, spread.freedom, compared)
    a, b = scatter.finite(a), scatter.finite(b)
    x, y = scatter.sample_of(a.values()), scatter.sample_of(b.values())
    mean = float(x.mean() - y.mean()) if len(x) and len(y) else math.nan
    error_x, error_y = _squared_error(x), _squared_error(y)
    squared = error_x + error_y
    freedom = math.nan
    if squared > 0:
        freedom = squared**2 / (error_x**2 / (len(x) - 1) + error_y**2 / (len(y) - 1))
    half = _half_width(squared, freedom, each)
    error = math.sqrt(squared) if squared > 0 else math.nan
    return Difference(mean, mean - half, mean + half, False, level, error, freedom, compared)


def _squared_error(sample: np.ndarray) -> float:
    """Squared standard error of the mean; NaN for fewer than two values, 0 without spread."""
    if len(sample) < 2:
        return math.nan
    return float(sample.var(ddof=1)) / len(sample) if np.ptp(sample) > scatter.ROUNDING else 0.0


def _half_width(squared_error: float, freedom: float, level: float) -> float:
    if not squared_error > 0:
        return math.nan
    return float(special.stdtrit(freedom, (1 + level) / 2)) * math.sqrt(squared_error)
