"""Scores that can be: an AP is a number of points from 0 to 100, or none at all.

One that is not would change the answer without a word, or be reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analysis.reading.columns import SCORES

TOP = 100.0
NOISE = 1e-6  # points by which rounding may pass an end
REMEDY = "remove the line, and the same `python -m study.sweep` trains that part again"


def require_possible(file: str, records: Sequence[Any]) -> None:
    """Refuse records whose scores cannot be.

    Args:
        file: that they are in, a line each.
        records: as read, oldest first.

    Raises:
        ValueError: names file, line, score and value.
    """
    for line, record in enumerate(records, 1):
        for name in SCORES.keys() & record.keys():
            value = record[name]
            if value is None:  # no ground truth
                continue
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value):
                rule = "is no number, and no null, which stands for a score without ground truth"
            elif -NOISE <= value <= TOP + NOISE:
                continue
            else:
                rule = f"an AP is from 0 to {TOP:g} points"
            raise ValueError(f"{file}: line {line}: {name} = {value!r}: {rule}; {REMEDY}")
