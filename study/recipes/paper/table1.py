"""Tables 1 and 2, Figs. 1 and 3: Mask R-CNN with FPN and GroupNorm, 2x to 6x, both arms.

Table 1 has the box AP of every length, Table 2 all metrics at the best length, and the figures
the curves of the same runs. Masks at 2x and 3x were published with Detectron (projects/GN).
"""

from __future__ import annotations

from dataclasses import replace

from study.config import R50_FPN
from study.recipes.base import (
    NOT_FROZEN,
    NOTES,
    PRETRAINED,
    PRETRAINED_NOTES,
    every,
    mask_rcnn,
    times,
)
from study.recipes.recipe import Published, Recipe, both, rows, varied

LENGTHS = times(2, 3, 4, 5, 6)
CURVE = 20_000  # iterations between the points of a curve
BEST = "Table 2, best of 2x–6x"
GN_README = "Detectron, projects/GN/README.md"
R101 = R50_FPN.but(name="resnet101", fidelity="detectron")


def table1(*values: float) -> tuple[Published, ...]:
    """A row of the table."""
    return rows("AP_box", dict(zip(LENGTHS, values, strict=True)), "Table 1")


def masks(two: float | None, three: float) -> tuple[Published, ...]:
    """Mask AP at 2x and 3x from Detectron's own table."""
    known = {length: ap for length, ap in zip(LENGTHS, (two, three), strict=False) if ap}
    return rows("AP_mask", known, GN_README, "C")


def r50_scratch() -> Recipe:
    run = mask_rcnn()
    curve = replace(run.schedule, watch=every(CURVE, run.schedule), watched=("trunk",))
    return Recipe(
        name="table1/r50-gn-scratch",
        reproduces="Tables 1, 2, Fig. 1: R50-FPN GN from scratch",
        run=replace(run, schedule=curve),
        paper=table1(36.8, 39.5, 40.6, 40.7, 41.3)
        + masks(None, 35.2)
        + both((41.3, 61.8, 45.6), (36.6, 59.0, 38.9), BEST),
        notes=NOTES,
    )


def r50_pretrained() -> Recipe:
    return varied(
        r50_scratch(),
        "table1/r50-gn-pretrain",
        "Tables 1, 2, Fig. 1: R50-FPN GN, pre-trained",
        run=PRETRAINED,
        paper=table1(40.3, 40.8, 40.9, 40.9, 41.1)
        + masks(35.7, 36.1)
        + both((41.1, 61.7, 44.6), (36.4, 58.5, 38.7), BEST),
        notes=PRETRAINED_NOTES,
    )


def r101_scratch() -> Recipe:
    return varied(
        r50_scratch(),
        "table1/r101-gn-scratch",
        "Tables 1, 2, Fig. 3: R101-FPN GN from scratch",
        run={"model": R101},
        paper=table1(38.2, 41.0, 41.8, 42.2, 42.7)
        + masks(None, 36.4)
        + both((42.7, 62.9, 47.0), (37.6, 59.9, 39.7), BEST),
    )


def r101_pretrained() -> Recipe:
    return varied(
        r101_scratch(),
        "table1/r101-gn-pretrain",
        "Tables 1, 2, Fig. 3: R101-FPN GN, pre-trained",
        run=PRETRAINED,
        paper=table1(41.8, 42.3, 42.3, 41.9, 42.2)
        + masks(36.8, 37.2)
        + both((42.3, 62.6, 46.2), (37.2, 59.7, 39.7), BEST),
        notes=PRETRAINED_NOTES,
    )


def frozen(recipe: Recipe) -> Recipe:
    """A pre-trained arm whose stem and first stage stay as they were loaded."""
    return replace(
        recipe,
        name=f"{recipe.name}-frozen2",
        reproduces=f"{recipe.reproduces}, frozen as Detectron's default has it",
        run=replace(recipe.run, model=recipe.run.model.but(frozen_stages=2)),
        notes=(
            *(note for note in recipe.notes if note != NOT_FROZEN),
            "the published numbers at 2x and 3x equal those of Detectron's own models, which were"
            " trained with stem and first stage frozen: most likely this is what the paper ran",
        ),
    )


def r50_frozen() -> Recipe:
    return frozen(r50_pretrained())


def r101_frozen() -> Recipe:
    return frozen(r101_pretrained())


RECIPES = (r50_scratch, r50_pretrained, r50_frozen, r101_scratch, r101_pretrained, r101_frozen)
