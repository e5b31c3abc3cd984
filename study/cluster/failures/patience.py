"""For how long a trial may be silent before it counts as hanging."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

VARIABLE = "STUDY_SILENCE_S"
FLOOR_S = 600.0
TIMES = 20.0  # the longest silence that was followed by a sign
BEGIN = 12.0  # times the floor: before its first sign a trial may decode a whole data set


@dataclass(frozen=True)
class Patience:
    """The rule; signs are a trial's checkpoints and records, as it writes them down."""

    floor_s: float = FLOOR_S  # infinite: no trial counts as hanging

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
        return cls(seconds or math.inf)

    def limit_s(self, longest_s: float, has_begun: bool, hung: int = 0) -> float:
        """Seconds that a trial may be silent.

        Args:
            longest_s: the longest silence between two signs so far, of this trial or others.
            has_begun: whether it has given a sign since its process has it.
            hung: how often it was ended for its silence before: one that is only slow gets there.
        """
        least = self.floor_s if has_begun else BEGIN * self.floor_s
        return max(least, TIMES * longest_s) * 2**hung


def longest_silence(events: Iterable[Mapping[str, Any]]) -> float:
    """Between two signs of a trial that ran on, in seconds of the clock that it wrote down."""
    longest, before = 0.0, None
    for event in events:
        running = event.get("state") == "running"
        if running and before is not None and event.get("iteration") is not None:
            longest = max(longest, event["time"] - before)
        before = event["time"] if running else None
    return longest
