"""Which of several results is the best: one rule for choosing, showing and confirming."""

from __future__ import annotations


def rank(AP_box: float, length: int, index: int) -> tuple[float, int, int]:
    """A key that sorts results best first.

    The highest box AP (points) on the tuning split; of equal ones the shorter length, then the
    lower index of the trial within its arm and size.
    """
    return -AP_box, length, index
