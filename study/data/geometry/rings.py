"""Areas of outlines in files that do not state them.

The formula of a polygon's area holds for a ring that does not cross itself, within the image. Of
any other it tells how often the ring goes round each place, added up: nothing of a bow, twice the
area of what is drawn twice. So it is compared with the pixels that COCO's tools fill.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotcoco import mask as rle

from study.data.geometry.run_lengths import rasterised

Ring = Sequence[tuple[float, float]]
"""Corners x and y px; the last is joined to the first."""


def area(rings: Sequence[Ring], size: tuple[int, int]) -> float | None:
    """px² that rings enclose together in an image of width and height px, by the formula.

    None where it does not hold, and the pixels have to be counted: they are more or fewer by more
    than whole pixels explain, half of one along the outline; and where it gives nothing.
    """
    width, height = size
    within = [[(_cut(x, width), _cut(y, height)) for x, y in ring] for ring in rings]
    found = min(sum(map(_inside, within)), float(width * height))
    flat = [[value for corner in ring for value in corner] for ring in rings]
    pixels = rle.area({"size": [height, width], "counts": rasterised(flat, height, width)})
    explained = 1 + sum(map(_length, within)) / 2
    return found if found and abs(found - float(pixels)) <= explained else None


def _cut(at: float, side: int) -> float:
    return min(max(at, 0.0), float(side))


def _inside(ring: Ring) -> float:
    """px² inside a ring that does not cross itself."""
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in _sides(ring))) / 2


def _length(ring: Ring) -> float:
    """px along it, as a rook goes."""
    return sum(abs(next_x - x) + abs(next_y - y) for (x, y), (next_x, next_y) in _sides(ring))


def _sides(ring: Ring) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    return list(zip(ring, [*ring[1:], ring[0]], strict=True))
