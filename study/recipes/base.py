"""What all recipes share: the settings of Detectron, the paper's code base, on COCO."""

from __future__ import annotations

from dataclasses import replace

from study.config import R50_FPN, DataConfig, OptimConfig, RunConfig, ScheduleConfig
from study.recipes.recipe import IMAGES

ONE_X = 90_000  # iterations of 1x: Sec. 3 counts lengths in multiples of it
TAIL = (60_000, 20_000)  # before the end of every length (Sec. 3)
WARM_UP = 500  # Detectron's default

COCO = DataConfig(
    name="coco",  # `python -m study.prepare` knows where it is to be had
    root="data/coco",  # --data.root names another folder
    train="annotations/instances_train2017.json",
    train_images="train2017",
    annotated_only="objects",
    val="annotations/instances_val2017.json",
    val_images="val2017",
    tune_size=0,  # nothing is tuned
)

TRAIN2017 = 118_287  # images

NOTES = (
    "warm-up is linear from zero; Detectron's starts at a third of the rate",
    "pixels are divided by their spread, as the published weights expect; Detectron only"
    " subtracted the mean",
    "1,000 proposals per image train the RoI heads; Detectron kept 2,000 of the two images of a"
    " GPU together",
    "one run per number was published, so that its spread is not known",
)
"""Of every recipe."""


def times(*multiples: int) -> tuple[int, ...]:
    """Iterations of 2x, 3x, …"""
    return tuple(multiple * ONE_X for multiple in multiples)


def every(step: int, schedule: ScheduleConfig) -> tuple[int, ...]:
    """Iterations of the trunk at which a curve is drawn."""
    return tuple(range(step, schedule.fork(schedule.lengths[-1]) + 1, step))


def mask_rcnn() -> RunConfig:
    """Mask R-CNN, ResNet-50, FPN, GroupNorm, random weights, on full COCO."""
    return RunConfig(
        arm="scratch",
        size=TRAIN2017,
        split="report",
        data=COCO,
        model=replace(R50_FPN, fidelity="detectron"),
        optim=OptimConfig(
            lr=0.02, weight_decay=1e-4, momentum=0.9, batch_size=IMAGES, clip_norm=None
        ),
        schedule=ScheduleConfig(
            lengths=times(2, 3, 4, 5, 6), tail=TAIL, factors=(0.1,), warmup=WARM_UP
        ),
        checkpoint_every=1000,
        keep_weights=True,
    )


PRETRAINED = {"arm": "imagenet", "init": "imagenet"}
"""How the other arm's run differs: in the initial weights alone."""

NOT_FROZEN = (
    "the paper does not say whether the pre-trained arm froze its stem and first stage, as"
    " Detectron does by default; nothing is frozen here, so that the arms differ in their initial"
    " weights alone"
)
PRETRAINED_NOTES = (
    NOT_FROZEN,
    "the paper's group published its weights with GroupNorm as Detectron's R-50-GN.pkl and"
    " R-101-GN.pkl: --arm NAME=FILE; imagenet stands for those of others, and with GroupNorm there"
    " are some for ResNet-50 alone",
)
"""Of a pre-trained arm with GroupNorm."""

PRETRAINED_BATCH_NORM_NOTES = (
    NOT_FROZEN,
    "which weights with BatchNorm the paper began with is not stated; imagenet stands for"
    " torchvision's first ones (IMAGENET1K_V1)",
)
