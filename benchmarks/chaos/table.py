"""What became of the faults, by kind."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.chaos.course import Told

HEAD = ("fault", "times", "survived", "s lost: median", "worst", "s to its end: worst")


def lines(told: Sequence[Told]) -> list[str]:
    """A table in Markdown."""
    names = list(dict.fromkeys(one.name for one in sorted(told, key=lambda one: one.name)))
    rows = [_row(name, [one for one in told if one.name == name]) for name in names]
    return [_line(HEAD), _line(["---"] * len(HEAD)), *rows, _row("all", told)]


def _row(name: str, told: Sequence[Told]) -> str:
    lost = [one.lost_s for one in told if one.lost_s is not None]
    ends = [one.end_s for one in told if one.end_s is not None]
    survived = sum(not one.wrong for one in told)
    figures = [
        statistics.median(lost) if lost else None,
        max(lost, default=None),
        max(ends, default=None),
    ]
    shown = ("" if figure is None else f"{figure:.1f}" for figure in figures)
    return _line([name, str(len(told)), str(survived), *shown])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
