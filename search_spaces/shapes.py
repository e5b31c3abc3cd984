"""Does a backbone pre-trained on classifying shapes help to detect and segment them?

    python -m study.sweep shapes --run-dir runs/demo
    python -m analysis runs/demo

The smallest complete study, and a real one: both arms at two sizes, images generated on the spot,
a thin network, minutes on two CPU cores. 2 sizes × 2 arms × 2 trials, and 2 confirm runs each. At
64 images the pre-trained backbone leads by 10 AP; at 1,024, with 1,950 iterations, by 7, and
scratch still improves: `crossover` trains for longer, at three sizes, until it has nearly caught
up. To be done in eight minutes it leaves out what larger studies have: more trials (--trials 4),
runs with the other arm's values (--cross 1), a look at what stopping lost (--audit 0.1), and
ranges that are extended where a chosen value lies at their end.
"""

from dataclasses import replace

from study.config import (
    TINY,
    Budget,
    DataConfig,
    LogUniform,
    Nuisance,
    OptimConfig,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
)

SPACE = SearchSpace(
    name="shapes",
    scientific=Scientific(arms=("scratch", "pretext"), sizes=(64, 1024)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.02, high=0.05),
            "weight_decay": LogUniform(low=1e-4, high=1e-3),
        },
        lengths=(100, 300),
        longer={1024: (700, 1300)},
    ),
    fixed=RunConfig(
        data=DataConfig(name="shapes"),
        # a fifth less time than the embedded network takes
        model=replace(
            TINY,
            fpn_channels=24,
            roi_samples=32,
            mask_pool=7,
            proposals_before_nms=(100, 100),
            proposals=(60, 50),
        ),
        optim=OptimConfig(batch_size=4),  # many small steps beat few large ones in a short run
        schedule=ScheduleConfig(tail=(60, 20), warmup=40),
    ),
    budget=Budget(  # in eight minutes
        trials=2, confirm=2, cross=0, audit=0, extend=0, growth=1.5, max_times=1.5
    ),
)
