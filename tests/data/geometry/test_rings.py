"""A formula gives the area of outlines where it holds, and nothing where it does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from study.data.geometry import rings
from study.data.geometry.rings import Ring, area

SIZE = (96, 64)
SQUARE = [(10.0, 10.0), (60.0, 10.0), (60.0, 50.0), (10.0, 50.0)]
BOW = [(10.0, 10.0), (60.0, 50.0), (60.0, 10.0), (10.0, 50.0)]
INNER = [(20.0, 20.0), (30.0, 20.0), (30.0, 30.0), (20.0, 30.0)]
TWO_SQUARES = [(0, 0), (10, 0), (10, 10), (50, 10), (60, 10), (60, 20), (50, 20), (50, 10)]
BRIDGED = [*TWO_SQUARES, (10, 10), (0, 10)]  # along a line there and back
HOLED = [(0, 0), (0, 30), (30, 30), (30, 0), (0, 0), *INNER, INNER[0]]

CLASP = [(80, 0), (120, 0), (120, 60), (80, 60), (80, 50), (110, 50), (110, 10), (80, 10)]


@pytest.mark.parametrize(
    ("given", "px"),
    [
        ([SQUARE], 2000),
        ([SQUARE[::-1]], 2000),
        ([[*SQUARE, SQUARE[0]]], 2000),  # closed twice
        ([[*SQUARE[:2], (80.0, 10.0), *SQUARE[1:]]], 2000),  # with a thorn
        ([[(-60, 10), (40, 10), (40, 50), (-60, 50)]], 1600),  # half outside
        ([[(-9, -9), (200, -9), (200, 100), (-9, 100)]], 96 * 64),  # all around
        (
            [[(80, 0), (120, 0), (120, 60), (80, 60), (80, 50), (110, 50), (110, 10), (80, 10)]],
            320,
        ),
        ([INNER, SQUARE[:3][::-1]], None),  # which overlap in part
        ([INNER, [(40, 20), (50, 20), (50, 30)]], 150),
        ([[(0, 0), (50, 0), (0, 50)], [(50, 50), (50, 5), (5, 50)]], 1250 + 1012.5),
        ([BRIDGED], 200),
        ([HOLED], 800),
        ([BOW], None),
        ([[(10, 10), (60, 50), (60, 10), (10, 40)]], None),  # a bow of unequal halves
        ([[(0, 0), (20, 0), (10, 10), (20, 20), (0, 20), (10, 10)]], 200),
        ([[(0, 0), (20, 0), (10, 10), (0, 20), (30, 20), (10, 10)]], None),  # meets at a corner
        ([[*SQUARE, *SQUARE]], None),
        ([SQUARE, SQUARE], None),
        ([SQUARE, INNER], None),
        ([SQUARE, BOW], None),
        ([[(0, 0), (10, 10), (20, 20)]], None),  # on a line
        ([[(200, 0), (210, 10), (200, 20)]], None),  # outside
    ],
)
def test_area_inside_rings(given: list[Ring], px: float | None):
    found = area(given, SIZE)
    assert found == (px if px is None else pytest.approx(px))


def rounds(given: Sequence[Ring], points: np.ndarray) -> np.ndarray:
    """int [p]: how often all rings go round each point, by the crossings of a ray to the right."""
    found = np.zeros(len(points), int)
    for ring in given:
        turns = np.zeros(len(points), int)
        for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if y == next_y:
                continue
            at = x + (points[:, 1] - y) * (next_x - x) / (next_y - y)
            low, high = min(y, next_y), max(y, next_y)
            crossed = (low <= points[:, 1]) & (points[:, 1] < high) & (points[:, 0] < at)
            turns += crossed * (1 if next_y > y else -1)
        found += turns * (1 if turns.sum() >= 0 else -1)
    return found


@pytest.mark.parametrize("few", [rings.FEW, 0])
def test_random_rings(monkeypatch: pytest.MonkeyPatch, few: int):
    monkeypatch.setattr(rings, "FEW", few)
    rng = np.random.default_rng(0)
    grid = np.mgrid[0:120, 0:120].reshape(2, -1).T / 10 + np.array([0.037, 0.041])  # 12 x 12 px
    counted = {True: 0, False: 0}
    for at in range(100):
        number = 1 + at % 2
        given = [
            [(float(x), float(y)) for x, y in rng.integers(0, 13, (int(rng.integers(3, 6)), 2))]
            for _ in range(number)
        ]
        inside = rounds(given, grid)
        found = area(given, (12, 12))
        counted[found is None] += 1
        if found is None:
            continue
        assert set(inside.tolist()) <= {0, 1}
        assert found == pytest.approx((inside > 0).sum() / 100, abs=0.6)
    assert min(counted.values()) > 20


def test_so_many_corners_that_pixels_are_counted():
    comb = [(float(x), float(y)) for x in range(0, 96, 2) for y in (0, 60)] * 40
    assert area([comb], SIZE) is None
