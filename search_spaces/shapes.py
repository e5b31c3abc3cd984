"""Does a backbone pre-trained on classifying shapes help to detect and segment them?

    python -m study.sweep shapes --run-dir runs/demo
    python -m analysis runs/demo

The smallest complete study, and a real one: both arms at two sizes, images generated on the spot,
a thin network, minutes on two CPU cores. 2 sizes × 2 arms × 4 trials, 2 confirm runs each and one
with the other arm's values, if they differ.
"""

from study.config import (
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
            "lr": LogUniform(low=0.015, high=0.12),
            "weight_decay": LogUniform(low=1e-5, high=1e-2),
        },
        lengths=(100, 300),
        longer={1024: (250, 700)},  # after 100 the ranks were still those of the start
    ),
    fixed=RunConfig(
        data=DataConfig(name="shapes"),
        optim=OptimConfig(batch_size=4),  # many small steps beat few large ones in a short run
        schedule=ScheduleConfig(tail=(50, 16), warmup=40),
    ),
)
