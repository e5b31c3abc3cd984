"""In the text alone: VGG-16 without any normalisation of activations, in two forms.

The paper's: the original Faster R-CNN, which pools RoIs from the last map. And Mask R-CNN with
FPN, which it did not try. Longer training than the longest here lowered AP in both arms.
"""

from __future__ import annotations

from dataclasses import replace

from study.recipes.base import NOT_FROZEN, NOTES, PRETRAINED, mask_rcnn, times
from study.recipes.paper.fig5 import SCALES
from study.recipes.recipe import Recipe, rows, varied

SCRATCH, PRETRAIN = times(2, 3, 4, 5, 6, 9, 11), times(2, 3, 4, 5, 6, 9)
SOURCE = "text"

PROPOSALS_NOTE = (
    "how many proposals a single level gives is not stated; 12,000 and 6,000 before NMS are ours"
)
WEIGHTS_NOTE = (
    "the paper's ImageNet training began with the same initialisation as its training from"
    " scratch; imagenet stands for torchvision's VGG-16"
)


def scratch() -> Recipe:
    run = mask_rcnn()
    model = run.model.but(
        name="vgg16",
        norm="none",
        pyramid=False,
        masks=False,
        box_convs=0,  # VGG's own two layers fc6 and fc7 are the box head
        box_fc=4096,
        train_short_px=SCALES,
        proposals_before_nms=(12_000, 6_000),  # of one level instead of five
    )
    return Recipe(
        name="vgg/c5-scratch",
        reproduces="Text: VGG-16 Faster R-CNN without norm, from scratch",
        run=replace(run, model=model, schedule=replace(run.schedule, lengths=SCRATCH)),
        paper=rows("AP_box", {SCRATCH[-1]: 35.2}, SOURCE),
        notes=(
            *NOTES,
            "the range of its scale augmentation is not stated; it is [640, 800], as in Fig. 5",
            PROPOSALS_NOTE,
        ),
    )


def pretrained() -> Recipe:
    return varied(
        scratch(),
        "vgg/c5-pretrain",
        "Text: VGG-16 Faster R-CNN without norm, pre-trained",
        run=PRETRAINED,
        schedule={"lengths": PRETRAIN},
        paper=rows("AP_box", {PRETRAIN[-1]: 35.6}, SOURCE),
        notes=(NOT_FROZEN, WEIGHTS_NOTE),
    )


def fpn_scratch() -> Recipe:
    run = mask_rcnn()
    found = varied(
        scratch(),
        "vgg/fpn-scratch",
        "Not in the paper: VGG-16 Mask R-CNN with FPN without norm, from scratch",
        run={
            "model": run.model.but(
                name="vgg16",
                norm="none",
                train_short_px=SCALES,
            )
        },
    )
    return replace(found, notes=tuple(note for note in found.notes if note != PROPOSALS_NOTE))


def fpn_pretrained() -> Recipe:
    return varied(
        fpn_scratch(),
        "vgg/fpn-pretrain",
        "Not in the paper: VGG-16 Mask R-CNN with FPN without norm, pre-trained",
        run=PRETRAINED,
        schedule={"lengths": PRETRAIN},
        notes=(NOT_FROZEN, WEIGHTS_NOTE),
    )


RECIPES = (scratch, pretrained, fpn_scratch, fpn_pretrained)
