"""What a stopping rule must say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol


class Rule(Protocol):
    """How many trials go on from each rung. A frozen dataclass; its fields are its options."""

    name: ClassVar[str]  # that the study records

    @property
    def bracket(self) -> int | None:
        """Consecutive trials that are compared with each other; None: all of them."""
        ...

    def places(self, num_trials: int, lengths: Sequence[int]) -> dict[int, int]:
        """How many of `num_trials` go on from each rung; the rungs are some of the lengths."""
        ...

    def gentler(self) -> list[str]:
        """Options by which fewer trials would stop, each as "--option above, or below, value"."""
        ...
