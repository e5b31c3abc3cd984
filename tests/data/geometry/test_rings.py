"""A formula gives the area of outlines where it holds, and nothing where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from study.data.geometry.rings import Ring, area

SIZE = (96, 64)
SQUARE = [(10.0, 10.0), (60.0, 10.0), (60.0, 50.0), (10.0, 50.0)]
BOW = [(10.0, 10.0), (60.0, 50.0), (60.0, 10.0), (10.0, 50.0)]
INNER = [(20.0, 20.0), (30.0, 20.0), (30.0, 30.0), (20.0, 30.0)]


@pytest.mark.parametrize(
    ("given", "px"),
    [
        ([SQUARE], 2000),
        ([SQUARE[::-1]], 2000),
        ([[*SQUARE, SQUARE[0]]], 2000),  # closed twice
        ([[*SQUARE[:2], (80.0, 10.0), *SQUARE[1:]]], 2000),  # with a thorn
        ([[(-9, -9), (200, -9), (200, 100), (-9, 100)]], 96 * 64),  # all around
        ([INNER, [(40, 20), (50, 20), (50, 30)]], 150),
        ([[(0, 0), (0, 30), (30, 30), (30, 0), (0, 0), *INNER, INNER[0]]], 800),  # with a hole
        ([[(-60, 10), (40, 10), (40, 50), (-60, 50)]], 1600),  # half outside
        ([BOW], None),
        ([[(10, 10), (60, 50), (60, 10), (10, 40)]], None),  # a bow of unequal halves
        ([[*SQUARE, *SQUARE]], None),
        ([SQUARE, SQUARE], None),
        ([SQUARE, BOW], 2000),  # the bow adds nothing
        ([[(0, 0), (10, 10), (20, 20)]], None),  # on a line
        ([[(200, 0), (210, 10), (200, 20)]], None),  # outside
    ],
)
def test_area_inside_rings(given: list[Ring], px: float | None):
    found = area(given, SIZE)
    assert found == (px if px is None else pytest.approx(px))


def test_the_formula_is_that_of_every_star_wherever_its_corners_lie():
    """Those do not cross themselves: their corners go round a middle."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        corners = int(rng.integers(3, 12))
        turns = (np.arange(corners) + rng.uniform(0, 0.9, corners)) * 2 * np.pi / corners
        away = rng.uniform(1, 30, corners)
        xs, ys = 48 + away * np.cos(turns), 32 + away * np.sin(turns)
        ring = list(zip(xs.tolist(), ys.tolist(), strict=True))
        exact = abs(float(np.sum(xs * np.roll(ys, -1) - np.roll(xs, -1) * ys))) / 2
        assert area([ring], SIZE) == pytest.approx(exact)
