"""Ranges that turn out too narrow: where they are extended, for all arms alike.

A best setting in the outer tenth of a range says that the range may have cut the optimum off. Then
every arm of that size searches the same strip beyond that end with the same number of trials,
whichever arm asked for it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from study.config import LogUniform, OptimConfig

OUTER = 0.1  # share of a range, in the logarithm, in which a best value counts as at its edge
WIDTH = 0.5  # of a strip, as a share of the range's own width in the logarithm

Side = Literal["low", "high"]


def grid_shape(num_trials: int, dimensions: int = 2) -> tuple[int, ...]:
    """Points on each side of a grid, as equal as they can be; the last row may be shorter."""
    shape: list[int] = []
    left = num_trials
    for sides in range(dimensions, 0, -1):
        shape.append(_root(left, sides))
        left = math.ceil(left / shape[-1])
    return tuple(shape)


def _root(number: int, degree: int) -> int:
    """The smallest whole number whose power is at least `number`."""
    return next(side for side in range(1, number + 1) if side**degree >= number)


def varied(ranges: Mapping[str, LogUniform]) -> tuple[str, ...]:
    """The ranges that have more than one value, in the order of a point's coordinates."""
    return tuple(sorted(name for name, limits in ranges.items() if limits.low < limits.high))


def outer_shares(ranges: Mapping[str, LogUniform], grid: int | None) -> dict[str, float]:
    """How much of a range counts as its edge, by name; not of one that has a single value.

    A grid's points are the centres of its cells: none may lie in the outer tenth, but the
    outermost ones have nothing beyond them.

    Args:
        ranges: by name.
        grid: the number of points, if they lie on a grid.
    """
    names = varied(ranges)
    shape = grid_shape(grid, len(names)) if grid and names else (1,) * len(names)
    return {
        name: max(OUTER, 0.5 / count) if count > 1 else OUTER
        for name, count in zip(names, shape, strict=True)
    }


def edge(value: float, low: float, high: float, outer: float = OUTER) -> Side | None:
    """The end of the range in whose outer share (in the logarithm) the value lies, if any."""
    if low == high:
        return None
    at = math.log(value / low) / math.log(high / low)
    outer += 1e-9  # a grid's points lie on the border
    return "low" if at <= outer else "high" if at >= 1 - outer else None


@dataclass(frozen=True, order=True)
class Strip:
    """Beyond one end of one range; `step` counts from the range outwards, from 1."""

    name: str  # of a hyper-parameter
    side: Side
    step: int

    @property
    def label(self) -> str:
        """What its trials are called by."""
        return f"{self.name}-{self.side}{self.step}"

    def of(self, base: LogUniform) -> LogUniform:
        """The strip as a range of its own."""
        ratio = (base.high / base.low) ** WIDTH
        if self.side == "high":
            return LogUniform(
                low=base.high * ratio ** (self.step - 1), high=base.high * ratio**self.step
            )
        return LogUniform(
            low=base.low / ratio**self.step, high=base.low / ratio ** (self.step - 1)
        )


def extended(base: LogUniform, name: str, strips: Collection[Strip]) -> LogUniform:
    """The range with all its strips."""
    ranges = [base, *(strip.of(base) for strip in strips if strip.name == name)]
    return LogUniform(low=min(r.low for r in ranges), high=max(r.high for r in ranges))


@dataclass(frozen=True)
class Extension:
    """A strip that all arms of a size will search, and who asked for it."""

    size: int
    strip: Strip
    arms: tuple[str, ...]  # whose best setting lies at that end
    before: LogUniform
    after: LogUniform


def extensions(
    size: int,
    ranges: dict[str, LogUniform],
    strips: Collection[Strip],
    settings: Mapping[str, dict[str, float]],
    grid: int | None = None,
) -> list[Extension]:
    """The strips of `beyond`, with their reasons; `settings` by arm."""
    return [
        Extension(
            size,
            strip,
            tuple(
                arm
                for arm, setting in settings.items()
                if strip in beyond(ranges, strips, [setting], grid)
            ),
            extended(ranges[strip.name], strip.name, strips),
            extended(ranges[strip.name], strip.name, [*strips, strip]),
        )
        for strip in beyond(ranges, strips, settings.values(), grid)
    ]


def beyond(
    ranges: dict[str, LogUniform],
    strips: Collection[Strip],
    settings: Collection[dict[str, float]],
    grid: int | None = None,
) -> list[Strip]:
    """The strips to search next.

    Args:
        ranges: by name, as the study began with them.
        strips: that have been searched.
        settings: the best of each arm so far, by name.
        grid: the number of points, if they lie on a grid.
    """
    wanted: set[Strip] = set()
    for name, share in outer_shares(ranges, grid).items():
        now = extended(ranges[name], name, strips)
        for setting in settings:
            side = edge(setting[name], now.low, now.high, share)
            if side:
                steps = sum((strip.name, strip.side) == (name, side) for strip in strips)
                wanted.add(Strip(name, side, steps + 1))
    return sorted(strip for strip in wanted if _is_allowed(strip, ranges[strip.name]))


def _is_allowed(strip: Strip, base: LogUniform) -> bool:
    """Whether the optimiser takes all values of the strip: momentum, say, ends below 1."""
    limits = strip.of(base)
    try:
        for value in (limits.low, limits.high):
            OptimConfig().at({strip.name: value})
    except ValueError:
        return False
    return True
