"""What a value must satisfy, said where it is born, and the limits that all values have.

A limit is far beyond what anybody has asked for, and is checked before time or memory is taken:
what is larger is a slip of the fingers.
"""

from __future__ import annotations

import math
from numbers import Integral, Real

MOST_TRIALS = 10_000  # of an arm and size
MOST_RUNS = 1_000  # confirm runs of a setting; finalists
MOST_LENGTH = 100_000_000  # iterations
MOST_IMAGES = 100_000_000  # of a training set
MOST_PX = 20_000  # of a side
MOST_COUNT = 1_000_000  # of anything else
MOST_LISTED = 100  # sizes, lengths, factors, arms
MOST_BATCH = 1_000_000  # images of an iteration
MOST_HOURS = 10_000_000  # a thousand years
MOST_SEEN = 1e15  # images that a study may train on
MOST_SEED = 2**63 - 1
MOST_STUDY_SEED = MOST_SEED // MOST_RUNS - 2  # each has as many seeds of confirm runs
MOST_WORKERS = 4_096
MOST_DRAWS = 1_000


def require(ok: bool, name: str, value: object, rule: str) -> None:
    """Raise ValueError with the name, the value and the rule unless `ok`."""
    if not ok:
        raise ValueError(f"{name} = {_shown(value)}: {rule}")


def whole(name: str, value: object, low: int, high: int, what: str = "") -> None:
    """Raise ValueError unless the value is a whole number within limits, both included."""
    ok = isinstance(value, Integral) and not isinstance(value, bool)
    rule = f"a whole number from {low:,} to {high:,}{what}"
    require(ok and low <= value <= high, name, value, rule)  # pyright: ignore


def finite(name: str, value: object, rule: str = "a finite number") -> None:
    """Raise ValueError unless the value is a number, and neither infinite nor nan."""
    ok = isinstance(value, Real) and not isinstance(value, bool)
    require(ok and math.isfinite(value), name, value, rule)  # pyright: ignore


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"
