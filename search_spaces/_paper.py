"""What the spaces of the paper's Section 5 have in common; `space` adds what differs.

Copy the file of one of them to ask something else, and run the copy (`python -m study.sweep
mine.py --run-dir runs/mine`). What a copy does not say stands here, and it can replace any of it:

    SPACE = space("mine", size=2_000, lengths=(12_000, 24_000), tail=(4_000, 1_400))
    SPACE = replace(SPACE, budget=Budget(trials=16, confirm=5))
    fixed = replace(SPACE.fixed, optim=replace(SPACE.fixed.optim, clip_norm=10.0))
    SPACE = replace(SPACE, fixed=fixed)

Detector, optimiser, augmentation and warm-up are those of the recipes (`python -m study.train
--list`). What differs from the paper there differs here too:

    pixels are divided by their spread, as the ImageNet weights expect; Detectron, the paper's
        code, only subtracted the mean
    warm-up is linear from zero over 500 iterations; Detectron's starts at a third of the rate
    1,000 proposals per image train the RoI heads; Detectron kept 2,000 of the two images of a GPU
    products and norms are computed in bfloat16; Detectron's were float32 (--compute float32)
    nothing is frozen in the pre-trained arm; the paper does not say, Detectron's default freezes
        the stem and the first stage
    imagenet stands for weights that timm (GroupNorm) and torchvision (BatchNorm) publish; those
        of the paper's group are Detectron's files: --arms scratch detectron=R-50-GN.pkl

What a study does otherwise: each arm is tuned for itself, by its AP on images that are neither
trained nor reported on. The paper tuned the pre-trained arm, and gave scratch its values; here one
confirm run of each arm has the other's values.
"""

from dataclasses import replace

from study.config import (
    R50_FPN,
    Budget,
    DataConfig,
    EvaluationConfig,
    LogUniform,
    ModelConfig,
    Nuisance,
    OptimConfig,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
)

COCO = DataConfig(
    name="coco",  # `python -m study.prepare` knows where it is to be had
    root="data/coco",  # --data.root names another folder
    train="annotations/instances_train2017.json",
    train_images="train2017",
    train_within="annotations/instances_val2014.json",  # the images once called val35k
    annotated_only="objects",  # of them, those that have an object, as in Detectron
    val="annotations/instances_val2017.json",
    val_images="val2017",
    tune_size=5000,  # of train2017's other images; val2017 is for the report alone
    digests={},  # as `python -m study.prepare` prints them: data with others are then refused
)

DETECTRON = replace(R50_FPN, fidelity="detectron")
"""Mask R-CNN, ResNet-50, FPN, GroupNorm."""

MASK_RCNN = replace(DETECTRON, train_short_px=(512, 800))
"""With the scale augmentation that the paper tuned for 35k images."""


def space(
    name: str,
    *,
    size: int,
    lengths: tuple[int, ...],
    tail: tuple[int, int],
    data: DataConfig = COCO,
    model: ModelConfig = MASK_RCNN,
    metric: str = "coco",
    speed: float = 10,
) -> SearchSpace:
    """Scratch against ImageNet weights with `size` images.

    Args:
        name: of the space; part of a study's question.
        size: training images of each draw.
        lengths: of training, in iterations of 16 images; one is chosen for each arm.
        tail: iterations before the end of each length at which the rate drops.
        data: images and annotations.
        model: the same for both arms.
        metric: what is recorded beside COCO's AP, by which settings are chosen.
        speed: training images per second of a GPU that a bill without the data assumes.
    """
    return SearchSpace(
        name=name,
        scientific=Scientific(arms=("scratch", "imagenet"), sizes=(size,)),
        nuisance=Nuisance(
            ranges={
                # of 16 images; 0.02 is full COCO's, 0.04 what the paper tuned for 35k images
                "lr": LogUniform(low=0.01, high=0.16),
                "weight_decay": LogUniform(low=1e-5, high=1e-3),  # the paper's default is 1e-4
            },
            lengths=lengths,
            factors=(0.1, 0.02),  # the paper's default, and what it tuned for 35k
        ),
        fixed=RunConfig(
            data=data,
            model=model,
            # rate and decay count where a copy does not search them
            optim=OptimConfig(lr=0.04, weight_decay=1e-4, batch_size=16, clip_norm=None),
            schedule=ScheduleConfig(lengths=lengths, tail=tail, warmup=500),
            evaluation=EvaluationConfig(metric=metric),
            compute="bfloat16",
            checkpoint_every=1000,
        ),
        budget=Budget(trials=8, confirm=5),
        assumed_speed=speed,
    )
