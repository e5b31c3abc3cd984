"""Whatever has a level or a margin refuses one that is none, before it computes anything."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import analysis

GIVEN: dict[str, Callable[[analysis.Results], Any]] = {
    "results": lambda results: results,
    "of": lambda results: results,
    "rng": lambda _: np.random.default_rng(0),
    "values": lambda _: [1.0, 2.0],
    "a": lambda _: {0: 1.0, 1: 2.0},
    "b": lambda _: {0: 1.0, 1: 3.0},
}
"""What the functions are given besides."""


def having(parameter: str) -> list[str]:
    """The public functions that take it."""
    public = {name: getattr(analysis, name) for name in analysis.__all__}
    return [
        name
        for name, one in public.items()
        if inspect.isfunction(one) and parameter in inspect.signature(one).parameters
    ]


def call(name: str, results: analysis.Results, **more: object) -> Any:
    function = getattr(analysis, name)
    needed = inspect.signature(function).parameters
    given = {key: make(results) for key, make in GIVEN.items() if key in needed}
    return function(**given, **more)


def test_the_functions_are_found():
    assert len(having("level")) > 12 and len(having("margin")) > 4


@pytest.mark.parametrize("name", having("level"))
@pytest.mark.parametrize("level", [95, 1, 1.0, 0, -0.5, math.nan, math.inf, "0.95", None, [0.95]])
def test_a_level_that_is_none_is_refused(name: str, level: object, results: analysis.Results):
    with pytest.raises(ValueError, match=r"level = .*: must be a number between 0 and 1"):
        call(name, results, level=level)


@pytest.mark.parametrize("name", having("margin"))
@pytest.mark.parametrize("margin", [-1, math.nan, math.inf, "0.5", True, [1]])
def test_a_margin_that_is_none_is_refused(name: str, margin: object, results: analysis.Results):
    with pytest.raises(ValueError, match=r"margin = .*: must be a finite number of AP points"):
        call(name, results, margin=margin)


def test_per_cent_are_told_how_to_say_it():
    with pytest.raises(ValueError, match=r"level = 90: .*, as 0\.95 is; for 90 % give 0\.9$"):
        analysis.mean_interval([1.0, 2.0], level=90)


def test_levels_and_margins_that_are_some_are_taken(results: analysis.Results):
    narrow: Any = np.float32(0.5)  # a number, though no float
    assert analysis.mean_interval([1.0, 2.0], level=narrow).has_interval
    assert len(analysis.answer(results, level=0.8, margin=0))
