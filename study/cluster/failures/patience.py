"""For how long a trial may be silent before it counts as hanging."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

VARIABLE = "STUDY_SILENCE_S"
FLOOR_S = 600.0
TIMES = 20.0  # the longest silence that was followed by a sign
BEGIN = 12.0  # times the floor: before its first checkpoint a trial may decode a whole data set


@dataclass(frozen=True)
class Patience:
    """The rule; signs are a trial's checkpoints and records, as it writes them down."""

    floor_s: float = FLOOR_S  # infinite: no trial counts as hanging
    adapts: bool = True  # to a trial's speed; else the floor is the limit

    @classmethod
    def given(cls, environment: Mapping[str, str] = os.environ) -> Patience:
        """As $STUDY_SILENCE_S says: seconds, 0 for no limit; unset, ten minutes.

        Raises:
            ValueError: it is no such number.
        """
        text = environment.get(VARIABLE)
        if text is None:
            return cls()
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds < math.inf:
            raise ValueError(
                f"{VARIABLE} = {text!r}: seconds without a sign of life after which a trial is"
                " ended, 0 for no limit; unset: 600"
            )
        return cls(seconds or math.inf, adapts=False)

    def limit_s(self, speed: Speed, images: int, hung: int = 0) -> float:
        """Seconds that a trial may be silent.

        Args:
            speed: of the trial.
            images: that it evaluates on: the longest that it is silent by its nature.
            hung: how often it was ended for its silence before: one that is only slow gets there.
        """
        if not speed.image_s:
            return BEGIN * self.floor_s * 2**hung
        usual = max(speed.longest_s, images * speed.image_s) * self.adapts
        return max(self.floor_s, TIMES * usual) * 2**hung


@dataclass(frozen=True)
class Speed:
    """How fast a trial gives signs."""

    longest_s: float = 0.0  # from one to the next
    image_s: float = 0.0  # for an image that it trains on; 0: not known yet

    @classmethod
    def of(cls, events: Sequence[Mapping[str, Any]]) -> Speed:
        """By the clock that a trial has written down with its checkpoints."""
        spans = [
            (after["time"] - before["time"], after.get("images_spent", 0) - before["images_spent"])
            for before, after in pairwise(events)
            if after.get("state") == before.get("state") == "running"
            and after.get("iteration") is not None
            and "images_spent" in before
        ]
        spans = [(seconds, images) for seconds, images in spans if seconds > 0 and images > 0]
        if not spans:
            return cls()
        return cls(
            max(seconds for seconds, _ in spans),
            statistics.median(seconds / images for seconds, images in spans),
        )

    def __or__(self, other: Speed) -> Speed:
        """The slower of both."""
        return Speed(max(self.longest_s, other.longest_s), max(self.image_s, other.image_s))
