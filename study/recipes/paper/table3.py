"""Table 3: ResNeXt-152 32x8d from scratch, step by step, and its smaller sister.

No ImageNet weights of this network are public, with whatever norm; those of ResNeXt-101 have
BatchNorm. The pre-trained arm of the large network therefore needs a file; that of the smaller
one has synchronised BatchNorm.
"""

from __future__ import annotations

from dataclasses import replace

from study.recipes.base import PRETRAINED, PRETRAINED_BATCH_NORM_NOTES
from study.recipes.paper import fig5
from study.recipes.paper.table1 import r101_scratch
from study.recipes.recipe import Recipe, best, both, varied

X152 = {"name": "resnext152_32x8d"}
X101 = {"name": "resnext101_32x8d"}

SCRATCH_NOTE = "its length is taken to be the 9x of Fig. 5's augmented runs from scratch"
PRETRAIN_NOTE = "its length is taken to be the 6x of Fig. 5's pre-trained runs"


def alone() -> Recipe:
    base = fig5.augmented(
        r101_scratch(),
        "table3/x152-aug-scratch",
        "Table 3: X152-FPN GN",
        both((46.4, 67.1, 51.1), (40.5, 63.9, 43.4), "Table 3"),
    )
    model = base.run.model.but(**X152)
    return replace(base, run=replace(base.run, model=model), notes=(*base.notes, SCRATCH_NOTE))


def cascade() -> Recipe:
    return fig5.cascaded(
        alone(),
        "table3/x152-cascade-scratch",
        "Table 3: X152-FPN GN",
        both((48.6, 66.8, 52.9), (41.4, 64.2, 44.6), "Table 3"),
    )


def tested() -> Recipe:
    found = both((50.9, 68.7, 55.4), (43.2, 66.1, 46.8), "Table 3", "_augmented")
    return fig5.tested(cascade(), found)


def tested_pretrained() -> Recipe:
    base = fig5.tested(fig5.pretrained(cascade()), ())
    return replace(
        base,
        paper=best("AP_box_augmented", 50.3, "text") + best("AP_mask_augmented", 42.5, "text"),
        notes=(
            *(note for note in base.notes if note != SCRATCH_NOTE),
            PRETRAIN_NOTE,
            "no ImageNet weights of this network are public: a file is needed",
        ),
    )


def small() -> Recipe:
    return varied(
        alone(),
        "table3/x101-aug-scratch",
        "Not in the paper: X101-FPN GN + train aug, from scratch",
        model=X101,
    )


def small_cascade() -> Recipe:
    return fig5.cascaded(small(), "table3/x101-cascade-scratch", "Not in the paper: X101-FPN GN")


def small_tested() -> Recipe:
    return fig5.tested(small_cascade(), ())


def small_syncbn() -> Recipe:
    return varied(
        small(),
        "table3/x101-syncbn-scratch",
        "Not in the paper: X101-FPN SyncBN + train aug, from scratch",
        model={"norm": "sync_batch"},
    )


def small_syncbn_pretrained() -> Recipe:
    found = varied(
        small_syncbn(),
        "table3/x101-syncbn-pretrain",
        "Not in the paper: X101-FPN SyncBN + train aug, pre-trained",
        run=PRETRAINED,
        schedule={"lengths": fig5.PRETRAIN},
        notes=(PRETRAIN_NOTE, *PRETRAINED_BATCH_NORM_NOTES),
    )
    return replace(found, notes=tuple(note for note in found.notes if note != SCRATCH_NOTE))


RECIPES = (
    alone,
    cascade,
    tested,
    tested_pretrained,
    small,
    small_cascade,
    small_tested,
    small_syncbn,
    small_syncbn_pretrained,
)
