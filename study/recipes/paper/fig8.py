"""Fig. 8 and Sec. 5.2: 10k, 3.5k and 1k images of COCO: AP and losses along the training.

The figure's curves need no run of their own: the trunk is evaluated on the way, and each record
has the mean losses since the one before. At 1k the losses of both arms meet and AP does not.
"""

from __future__ import annotations

from dataclasses import replace

from study.recipes.base import PRETRAINED, PRETRAINED_NOTES, every
from study.recipes.paper.fig7 import tuned_scratch
from study.recipes.recipe import Published, Recipe, best, rows, varied

TEXT = "Sec. 5.2, text"
TUNED = (
    "the tuned values are published for 35k images alone (a footnote): they are used here; those"
    " of this size, the grid and the weight decay are not stated"
)
DRAWN = "how the images were drawn is not stated: they are draw 0 of the 35k, --draw N for others"
TAIL = (
    "where the rate dropped is not stated: 320,000 and 112,000 images before the end with 10k"
    " images, and in proportion to the images with fewer"
)
LENGTH = "lengths are not stated for this size: they are those of 10k in proportion to the images"


def small(
    size: int,
    name: str,
    lengths: tuple[int, ...],
    tail: tuple[int, int],
    step: int,
    notes: tuple[str, ...],
    paper: tuple[Published, ...],
) -> Recipe:
    """From scratch on `size` images, evaluated each `step` iterations of the trunk."""
    base = tuned_scratch()
    schedule = replace(base.run.schedule, lengths=lengths, tail=tail, watch=())
    found = varied(
        base,
        f"fig8/{name}-scratch",
        f"{'Fig. 8' if name == '1k' else 'Sec. 5.2'}: {size / 1000:g}k images, from scratch",
        run={"size": size, "schedule": replace(schedule, watch=every(step, schedule))},
        paper=paper,
    )
    return replace(found, notes=(*found.notes[:-1], TUNED, DRAWN, *notes), every_image=False)


def pretrained(scratch: Recipe, paper: tuple[Published, ...]) -> Recipe:
    """The other arm of it."""
    return varied(
        scratch,
        scratch.name.replace("scratch", "pretrain"),
        scratch.reproduces.replace("from scratch", "pre-trained"),
        run=PRETRAINED,
        paper=paper,
        notes=PRETRAINED_NOTES,
    )


def ten_thousand() -> Recipe:
    lengths = (60_000, 120_000, 220_000)
    found = rows("AP_box", {220_000: 25.9}, TEXT)
    return small(10_000, "10k", lengths, (20_000, 7_000), 5_000, (TAIL,), found)


def ten_thousand_pretrained() -> Recipe:
    return pretrained(ten_thousand(), rows("AP_box", {60_000: 26.0}, TEXT))


def three_thousand() -> Recipe:
    lengths = (21_000, 42_000, 77_000)
    found = best("AP_box", 9.3, TEXT)
    return small(3_500, "3p5k", lengths, (7_000, 2_450), 3_500, (TAIL, LENGTH), found)


def three_thousand_pretrained() -> Recipe:
    return pretrained(three_thousand(), best("AP_box", 16.0, TEXT))


def one_thousand() -> Recipe:
    notes = (
        TAIL,
        LENGTH,
        "tuned for itself from scratch reached 5.4, with values that are not published: the search"
        " space coco_1k looks for them",
    )
    found = best("AP_box", 3.5, TEXT) + best("AP_box", 3.4, "Fig. 8, caption")
    return small(1_000, "1k", (6_000, 12_000, 22_000), (2_000, 700), 1_000, notes, found)


def one_thousand_pretrained() -> Recipe:
    return pretrained(one_thousand(), best("AP_box", 9.9, TEXT))


RECIPES = (
    ten_thousand,
    ten_thousand_pretrained,
    three_thousand,
    three_thousand_pretrained,
    one_thousand,
    one_thousand_pretrained,
)
