"""Is a pre-trained backbone worth it on your own images, and from how many on is it not?

    python -m study.sweep --run-dir runs/mine --arms scratch pretext --sizes 16 64 \\
        --data.train train.json --data.train-images train/ \\
        --data.val val.json --data.val-images val/

Any COCO-format set: boxes and masks. Anchors are laid over the sizes of the training boxes.
The ranges are those of `shapes`; widen them when a chosen value lies at an end. With `--model
r50-fpn --arms scratch imagenet` it is the full-size question, for GPUs: copy this file and give
it longer lengths.

Cost: 8 tuning trials and 4 confirm runs a size with the defaults, of up to 400 iterations of 8
images each; `--dry-run` measures what that takes. Numbers: not yet run.
"""

from study.config import LogUniform, Nuisance, RunConfig, ScheduleConfig, Scientific, SearchSpace

SPACE = SearchSpace(
    name="custom",
    scientific=Scientific(arms=("scratch", "pretext"), sizes=(16, 64)),
    nuisance=Nuisance(
        lr=LogUniform(low=0.01, high=0.1),
        weight_decay=LogUniform(low=1e-5, high=1e-2),
        lengths=(100, 200, 400),
    ),
    # the data come with the command
    fixed=RunConfig(schedule=ScheduleConfig(tail=(44, 14), warmup=20)),
)
