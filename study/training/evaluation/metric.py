"""What a metric says of itself: the columns that it adds to a record, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["box", "mask", "keypoint"]
"""What detections have."""

Detection = dict[str, Any]
"""One detection, as in a COCO results file."""

Scores = dict[str, float | None]
"""Scores in points 0-100 by column; None where there is no ground truth to compare with."""


@dataclass(frozen=True)
class Column:
    """A column of a record, and of the frames of the analysis."""

    meaning: str  # with its unit, for `help(analysis)`
    called: str | None = None  # in progress and status; None: it is not shown there
    augmented: bool = True  # whether test-time augmentation gives one too


@dataclass(frozen=True)
class Metric:
    """One way to score detections.

    `score(truth, detections, kinds)` takes a COCO data set (`Index.coco`), COCO results, and what
    the detections have; it gives a value for each of its columns that suits those kinds.
    """

    name: str  # in EvaluationConfig
    columns: dict[str, Column]
    score: Callable[[dict[str, Any], list[Detection], Sequence[Kind]], Scores]
