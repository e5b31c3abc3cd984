"""A grid: evenly spaced in the logarithm, sides as equal as the number of trials allows."""

from __future__ import annotations

from study.planning.search.proposal import Values
from study.planning.search.range_extension import grid_shape, varied
from study.planning.search.strategies.strategy import Asked, Strategy


def propose(asked: Asked) -> Values:
    """The centre of a grid cell: with few points the ends of a wide range would be wasted."""
    names = varied(asked.ranges)  # a side along a single value would repeat each point
    at = unit(asked.index, asked.num_trials, len(names)) if names else ()
    found = dict(zip(names, at, strict=True))
    return asked.at([found.get(name, 0.5) for name in asked.names])


def unit(index: int, num_trials: int, dimensions: int) -> tuple[float, ...]:
    """Coordinates in (0, 1) of point `index`; the last row may be shorter, and is spread out."""
    shape = grid_shape(num_trials, dimensions)
    first = shape[0]
    row, column = divmod(index, first)
    in_row = min(first, num_trials - row * first)
    found = [(column + 0.5) / in_row]
    for side in shape[1:]:
        row, at = divmod(row, side)
        found.append((at + 0.5) / side)
    return tuple(found)


GRID = Strategy("grid", propose, learns=False)
