"""Fig. 6: keypoints. From scratch catches up without longer training: 2x and 3x are enough.

Only the values at 2x are printed; those at 3x are in the curves alone.
"""

from __future__ import annotations

from dataclasses import replace

from study.recipes.base import (
    COCO,
    NOTES,
    PRETRAINED,
    PRETRAINED_NOTES,
    every,
    mask_rcnn,
    times,
)
from study.recipes.paper.table1 import CURVE
from study.recipes.recipe import Recipe, rows, varied

LENGTHS = times(2, 3)
PERSONS = replace(
    COCO,
    train="annotations/person_keypoints_train2017.json",
    annotated_only="keypoints",
    val="annotations/person_keypoints_val2017.json",
)


def scratch() -> Recipe:
    run = mask_rcnn()
    schedule = replace(run.schedule, lengths=LENGTHS)
    schedule = replace(schedule, watch=every(CURVE, schedule), watched=("trunk",))
    model = replace(run.model, masks=False, keypoints=17)
    return Recipe(
        name="fig6/r50-keypoints-scratch",
        reproduces="Fig. 6: keypoint R-CNN, R50-FPN GN, from scratch",
        run=replace(run, data=PERSONS, model=model, schedule=schedule),
        paper=rows("AP_keypoint", {LENGTHS[0]: 65.6}, "Fig. 6, caption"),
        notes=(
            *NOTES,
            "whether the keypoint head has GroupNorm is not stated; here it has",
            "the image scale of the keypoint models is not stated; it is that of Table 1",
            "trained on are the images with a labelled keypoint, as Detectron does; the paper does"
            " not count them",
        ),
    )


def pretrained() -> Recipe:
    return varied(
        scratch(),
        "fig6/r50-keypoints-pretrain",
        "Fig. 6: keypoint R-CNN, R50-FPN GN, pre-trained",
        run=PRETRAINED,
        paper=rows("AP_keypoint", {LENGTHS[0]: 65.5}, "Fig. 6, caption"),
        notes=PRETRAINED_NOTES,
    )


RECIPES = (scratch, pretrained)
