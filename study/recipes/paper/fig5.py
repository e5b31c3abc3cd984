"""Fig. 5: stronger systems: scale augmentation, then Cascade R-CNN, then test-time augmentation.

Of the figure's bars only those that the text or Table 3 repeats are known as numbers. What a run
with test-time augmentation records without it are the numbers of the system before.
"""

from __future__ import annotations

from study.config import EvaluationConfig
from study.recipes.base import ONE_X, PRETRAINED, PRETRAINED_NOTES, times
from study.recipes.paper.table1 import r50_scratch, r101_scratch
from study.recipes.recipe import Published, Recipe, best, both, rows, varied

SCALES = (640, 800)  # px of the shorter side in training
SCRATCH, PRETRAIN = times(9), times(6)
STAGES = (0.5, 0.6, 0.7)  # IoU; the paper cites Cascade R-CNN, the values are tensorpack's
SWITCH = 3 * ONE_X  # iterations before the end: from scratch, later stages join only then
TEST_SCALES = (400, 500, 600, 700, 900, 1000, 1100, 1200)  # px; with the 800 of every test

CASCADE_NOTE = "the paper does not state the IoU of the stages; they are those of tensorpack"
TEST_NOTE = "the paper does not state the scales of its test-time augmentation; these are ours"


def augmented(base: Recipe, name: str, what: str, paper: tuple[Published, ...] = ()) -> Recipe:
    """The system with scale augmentation in training, from scratch."""
    return varied(
        base,
        name,
        f"{what} + train aug, from scratch",
        model={"train_short_px": SCALES},
        schedule={"lengths": SCRATCH, "watch": ()},
        paper=paper,
    )


def cascaded(base: Recipe, name: str, what: str, paper: tuple[Published, ...] = ()) -> Recipe:
    """That with Cascade R-CNN; from scratch, plain Mask R-CNN until the last 270k iterations."""
    return varied(
        base,
        name,
        f"{what} + cascade + train aug, from scratch",
        model={"cascade": STAGES},
        schedule={"cascade_last": SWITCH},
        paper=paper,
        notes=(CASCADE_NOTE,),
    )


def tested(base: Recipe, paper: tuple[Published, ...]) -> Recipe:
    """That, tested with augmentation too; the published numbers without it stay beside it."""
    return varied(
        base,
        f"{base.name}-tta",
        f"{base.reproduces}, + test aug",
        run={"evaluation": EvaluationConfig(short_px=TEST_SCALES, flip=True)},
        paper=paper + base.paper,
        notes=(TEST_NOTE,),
    )


def pretrained(base: Recipe, paper: tuple[Published, ...] = ()) -> Recipe:
    """The other arm of a system: 6x instead of 9x, and its cascade from the start."""
    return varied(
        base,
        base.name.replace("scratch", "pretrain"),
        base.reproduces.replace("from scratch", "pre-trained"),
        run=PRETRAINED,
        schedule={"lengths": PRETRAIN, "cascade_last": None},
        paper=paper,
        notes=PRETRAINED_NOTES,
    )


def r50_augmented() -> Recipe:
    return augmented(r50_scratch(), "fig5/r50-aug-scratch", "Fig. 5: R50-FPN GN")


def r50_cascade() -> Recipe:
    return cascaded(r50_augmented(), "fig5/r50-cascade-scratch", "Fig. 5: R50-FPN GN")


def r50_tested() -> Recipe:
    return tested(r50_cascade(), best("AP_mask_augmented", 41.6, "Fig. 5"))


def r50_augmented_pretrained() -> Recipe:
    return pretrained(r50_augmented())


def r50_cascade_pretrained() -> Recipe:
    return pretrained(r50_cascade())


def r50_tested_pretrained() -> Recipe:
    return tested(r50_cascade_pretrained(), best("AP_mask_augmented", 40.9, "Fig. 5"))


def r101_augmented() -> Recipe:
    found = both((45.0, 65.7, 49.3), (39.5, 62.5, 42.1), "Table 3")
    return augmented(r101_scratch(), "fig5/r101-aug-scratch", "Fig. 5: R101-FPN GN", found)


def r101_cascade() -> Recipe:
    source = "Fig. 5, as tensorpack's README reports it"
    found = rows("AP_box", {SCRATCH[0]: 47.4}, source, "2")
    found += rows("AP_mask", {SCRATCH[0]: 40.5}, source, "2")
    return cascaded(r101_augmented(), "fig5/r101-cascade-scratch", "Fig. 5: R101-FPN GN", found)


def r101_tested() -> Recipe:
    return tested(r101_cascade(), best("AP_mask_augmented", 42.5, "Fig. 5"))


def r101_augmented_pretrained() -> Recipe:
    return pretrained(r101_augmented())


def r101_cascade_pretrained() -> Recipe:
    return pretrained(r101_cascade())


def r101_tested_pretrained() -> Recipe:
    return tested(r101_cascade_pretrained(), best("AP_mask_augmented", 41.9, "Fig. 5"))


RECIPES = (
    r50_augmented,
    r50_augmented_pretrained,
    r50_cascade,
    r50_cascade_pretrained,
    r50_tested,
    r50_tested_pretrained,
    r101_augmented,
    r101_augmented_pretrained,
    r101_cascade,
    r101_cascade_pretrained,
    r101_tested,
    r101_tested_pretrained,
)
