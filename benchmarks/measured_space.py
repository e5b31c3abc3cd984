"""The space `shapes` of the table `rungs.csv`: wider, with four trials, as it was at first.

Studies that were begun in it go on by its file: tests/storage/older/first is a part of one.
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
