"""Areas of outlines in files that do not state them.

The formula of a polygon's area holds for a ring that does not overlap itself, in the image. Of any
other it tells how often the ring goes round each place, added up: nothing of a bow, twice the area
of what is drawn twice. There the pixels of the mask have to be counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

Ring = Sequence[tuple[float, float]]
"""Corners x and y px; the last is joined to the first."""
MOST_PAIRS = 2**20  # of sides that are looked at; pixels are counted for more
FEW = 100  # corners of a ring that is looked at in one table
NEAR_PX = 1e-6  # between sides that are one: tools join parts by lines there and back


def area(rings: Sequence[Ring], size: tuple[int, int]) -> float | None:
    """px² that rings enclose together in the image of width and height px.

    None where that is not the sum of their own areas, for they overlap themselves or each other,
    and where it is nothing.
    """
    inside = [_cut_off(ring, size) for ring in rings]
    signed = [_signed(ring) for ring in inside]
    if any(not turn and len(set(ring)) > 2 for turn, ring in zip(signed, inside, strict=True)):
        return None  # a bow, whose halves cancel out, or a line
    right = [
        _distinct(ring if turn > 0 else ring[::-1])
        for ring, turn in zip(inside, signed, strict=True)
        if turn
    ]
    if not right or not _once(right):
        return None
    return min(sum(map(abs, signed)), float(size[0] * size[1]))


def _distinct(ring: Ring) -> Ring:
    """A ring without corners said again at once, as some tools do of the first one."""
    return [
        corner for corner, last in zip(ring, [ring[-1], *ring], strict=False) if corner != last
    ]


def _signed(ring: Ring) -> float:
    """px² inside a ring that does not overlap itself, below 0 for one that goes left."""
    around = zip(ring, [*ring[1:], *ring[:1]], strict=True)
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in around) / 2


def _cut_off(ring: Ring, size: tuple[int, int]) -> list[tuple[float, float]]:
    """A ring without what lies outside the image (Sutherland and Hodgman 1974).

    It goes along the image's edge there, which encloses nothing.
    """
    found = list(ring)
    xs, ys = zip(*ring, strict=True)
    if min(xs) >= 0 and min(ys) >= 0 and max(xs) <= size[0] and max(ys) <= size[1]:
        return found
    for axis, side in enumerate(size):
        for edge, turn in ((0.0, 1.0), (float(side), -1.0)):
            if all((corner[axis] - edge) * turn >= 0 for corner in found):
                continue
            kept: list[tuple[float, float]] = []
            for one, other in zip(found, found[1:] + found[:1], strict=True):
                within, after = ((at[axis] - edge) * turn >= 0 for at in (one, other))
                if within:
                    kept.append(one)
                if within != after:
                    share = (edge - one[axis]) / (other[axis] - one[axis])
                    x, y = (a + share * (b - a) for a, b in zip(one, other, strict=True))
                    kept.append((edge, y) if axis == 0 else (x, edge))
            found = kept
    return found


def _once(rings: Sequence[Ring]) -> bool:
    """Whether rings, all of which go right, go round no place twice, nor round any to the left."""
    if len(rings) == 1 and len(rings[0]) <= FEW and _nowhere_touches(rings[0]):
        return True
    begin, end, after = _sides(rings)
    pairs = _pairs(begin, end)
    if pairs is None:
        return False
    one, other = pairs
    sides = [
        _turn(begin[a], end[a], begin[b]) * _turn(begin[a], end[a], end[b])
        for a, b in ((one, other), (other, one))
    ]
    if ((sides[0] < 0) & (sides[1] < 0)).any():
        return False
    neighbours = (after[one] == other) | (after[other] == one)
    touch = (sides[0] <= 0) & (sides[1] <= 0) & ~neighbours
    return (len(rings) == 1 and not touch.any()) or _winds_once(begin, end)


def _nowhere_touches(ring: Ring) -> bool:
    """Whether surely no two sides of a ring of few corners touch but neighbours, as usual."""
    corner = np.array([complex(x, y) for x, y in ring])
    along = np.concatenate([corner[1:], corner[:1]]) - corner
    # [i, j]: on which side of side i corner j lies, and whether both ends of side j are on one
    turn = np.sign(np.imag(along.conj()[:, None] * (corner - corner[:, None])))
    apart = turn * turn[:, _next(len(ring))] > 0
    return bool((apart | apart.T | _neighbours(len(ring))).all())


@cache
def _next(number: int) -> np.ndarray:
    return np.append(np.arange(1, number), 0)


@cache
def _neighbours(number: int) -> np.ndarray:
    """bool [n, n]: which sides of a ring are one, or have a corner in common."""
    away = (np.arange(number) - np.arange(number)[:, None]) % number
    return (away <= 1) | (away == number - 1)


def _sides(rings: Sequence[Ring]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Begin and end [n, 2] of all sides, and the number of that after each."""
    begins, ends, after, at = [], [], [], 0
    for ring in rings:
        corners = np.array(ring, np.float64)
        begins.append(corners)
        ends.append(np.roll(corners, -1, axis=0))
        after.append(at + np.roll(np.arange(len(corners)), -1))
        at += len(corners)
    return np.concatenate(begins), np.concatenate(ends), np.concatenate(after)


def _pairs(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The numbers of any two sides whose boxes touch; None if there are too many to look at."""
    low, high = np.minimum(begin, end), np.maximum(begin, end)
    order = np.argsort(low[:, 0], kind="stable")
    number = (
        np.searchsorted(low[order, 0], high[order, 0], side="right") - np.arange(len(order)) - 1
    )
    if number.sum() > MOST_PAIRS:
        return None
    first = np.repeat(np.arange(len(order)), number)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(number) - number, number)
    first, second = order[first], order[second]
    meet = (low[first, 1] <= high[second, 1]) & (low[second, 1] <= high[first, 1])
    return first[meet], second[meet]


def _turn(begin: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """On which side [n] of lines points lie: -1, 1, or 0 for on it."""
    along, to = end - begin, point - begin
    return np.sign(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0])


def _winds_once(begin: np.ndarray, end: np.ndarray) -> bool:
    """`_once` of sides that nowhere cross: between the heights of corners their order is one."""
    heights = np.unique(begin[:, 1])
    lowest, highest = (
        np.searchsorted(heights, pick(begin[:, 1], end[:, 1])) for pick in (np.minimum, np.maximum)
    )
    number = highest - lowest
    if number.sum() > MOST_PAIRS:
        return False
    side = np.repeat(np.arange(len(begin)), number)
    band = lowest[side] + np.arange(len(side)) - np.repeat(np.cumsum(number) - number, number)
    y = (heights[band] + heights[band + 1]) / 2
    step = end[side] - begin[side]
    x = begin[side, 0] + (y - begin[side, 1]) * step[:, 0] / step[:, 1]
    order = np.lexsort((x, band))
    rounds = -np.cumsum(np.sign(step[order, 1]))  # of each place right of a side; 0 after a band
    wide = np.diff(x[order], append=0) > NEAR_PX
    seen = rounds[wide & (np.diff(band[order], append=-1) == 0)]
    return bool(((seen == 0) | (seen == 1)).all())
