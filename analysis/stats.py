"""Means, differences and their intervals, for the few seeds that a study can afford.

Runs of one setting scatter by seed. With n runs the interval is Student's t with n - 1 degrees of
freedom: wide for n = 2, but it covers the truth as often as it says. One run has no interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

LEVEL = 0.95
ROUNDING = 1e-9  # spread below this is the arithmetic's


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

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


def mean_interval(values: Iterable[float], level: float = LEVEL) -> Estimate:
    """Mean over seeds with its t-interval.

    Values that are not finite are left out. No interval for fewer than two, nor for values
    without any spread: equal scores (all 0, say) tell nothing about how far the next may lie.
    """
    sample = _finite(values)
    n = len(sample)
    mean = float(sample.mean()) if n else math.nan
    half = _half_width(_squared_error(sample), n - 1, level)
    return Estimate(mean, mean - half, mean + half, n, level)


def difference(a: Mapping[Any, float], b: Mapping[Any, float], level: float = LEVEL) -> Difference:
    """Mean of `a` minus mean of `b`; both map a seed (or any key of a run) to its score.

    With the same keys on both sides the t-interval is that of the differences key by key: the
    same seed means the same data order in both arms. Otherwise it is Welch's, which assumes
    neither pairs nor equal variances (Welch 1947, Biometrika 34, 28-35).
    """
    a = {key: value for key, value in a.items() if math.isfinite(value)}
    b = {key: value for key, value in b.items() if math.isfinite(value)}
    if a and a.keys() == b.keys():
        gap = mean_interval((a[key] - b[key] for key in a), level)
        return Difference(gap.mean, gap.low, gap.high, True, level)
    x, y = _finite(a.values()), _finite(b.values())
    mean = float(x.mean() - y.mean()) if len(x) and len(y) else math.nan
    error_x, error_y = _squared_error(x), _squared_error(y)
    squared = error_x + error_y
    freedom = math.nan
    if squared > 0:
        freedom = squared**2 / (error_x**2 / (len(x) - 1) + error_y**2 / (len(y) - 1))
    half = _half_width(squared, freedom, level)
    return Difference(mean, mean - half, mean + half, False, level)


def _finite(values: Iterable[float]) -> np.ndarray:
    sample = np.asarray(list(values), dtype=float)
    return sample[np.isfinite(sample)]


def _squared_error(sample: np.ndarray) -> float:
    """Squared standard error of the mean; NaN for fewer than two values, 0 without spread."""
    if len(sample) < 2:
        return math.nan
    return float(sample.var(ddof=1)) / len(sample) if np.ptp(sample) > ROUNDING else 0.0


def _half_width(squared_error: float, freedom: float, level: float) -> float:
    if not squared_error > 0:
        return math.nan
    return float(stats.t.ppf((1 + level) / 2, freedom)) * math.sqrt(squared_error)
