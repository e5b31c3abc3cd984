"""Fig. 4: synchronised BatchNorm instead of GroupNorm.

Only the values at 6x are printed; those at shorter lengths are in the curves alone.
"""

from __future__ import annotations

from study.recipes.base import PRETRAINED, PRETRAINED_BATCH_NORM_NOTES
from study.recipes.paper.table1 import LENGTHS, r50_scratch
from study.recipes.recipe import Recipe, rows, varied

NOTE = (
    "the paper does not say which heads this study had; they are those of Table 1, with"
    " synchronised BatchNorm in FPN and heads too"
)


def scratch() -> Recipe:
    return varied(
        r50_scratch(),
        "fig4/r50-syncbn-scratch",
        "Fig. 4: R50-FPN SyncBN from scratch",
        model={"norm": "sync_batch"},
        paper=rows("AP_box", {LENGTHS[-1]: 39.3}, "Fig. 4, caption"),
        notes=(NOTE,),
    )


def pretrained() -> Recipe:
    return varied(
        scratch(),
        "fig4/r50-syncbn-pretrain",
        "Fig. 4: R50-FPN SyncBN, pre-trained",
        run=PRETRAINED,
        paper=rows("AP_box", {LENGTHS[-1]: 39.0}, "Fig. 4, caption"),
        notes=PRETRAINED_BATCH_NORM_NOTES,
    )


RECIPES = (scratch, pretrained)
