"""A mistake, repeated to measure what it costs: a stem that is frozen as it was drawn.

Detectron's first numbers from scratch were made so, with the default that freezes stem and first
stage; its GN project's README gives both them and the corrected ones, of Table 1 at 3x.
"""

from __future__ import annotations

from dataclasses import replace

from study.recipes.base import times
from study.recipes.paper.table1 import GN_README, r50_scratch, r101_scratch
from study.recipes.recipe import Recipe, rows, varied

LENGTH = times(3)


def frozen_stem(base: Recipe, name: str, system: str, box: float, mask: float) -> Recipe:
    found = varied(
        base,
        name,
        f"Detectron's early numbers: {system} from scratch, random stem frozen, 3x",
        model={"frozen_stages": 2},
        schedule={"lengths": LENGTH, "watch": ()},
        run={"frozen_random": True},
        paper=rows("AP_box", {LENGTH[0]: box}, GN_README, "C")
        + rows("AP_mask", {LENGTH[0]: mask}, GN_README, "C"),
    )
    return replace(found, mistake=True)


def r50() -> Recipe:
    name = "ablation/r50-frozen-random-stem"
    return frozen_stem(r50_scratch(), name, "R50-FPN GN", 36.2, 32.5)


def r101() -> Recipe:
    name = "ablation/r101-frozen-random-stem"
    return frozen_stem(r101_scratch(), name, "R101-FPN GN", 37.5, 33.3)


RECIPES = (r50, r101)
