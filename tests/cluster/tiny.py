"""A search space of seconds, for tests of the sweep; a file of one's own, as a user writes it."""

from study.config import (
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
    name="tiny",
    scientific=Scientific(arms=("scratch", "pretext"), sizes=(12,)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.01, high=0.04),
            "weight_decay": LogUniform(low=1e-5, high=1e-3),
        },
        lengths=(8, 12),
    ),
    fixed=RunConfig(
        data=DataConfig(tune_size=6, val_size=6),
        optim=OptimConfig(batch_size=4),
        schedule=ScheduleConfig(tail=(4, 2), warmup=2),
        checkpoint_every=3,
        device="cpu",
        precision="float64",  # else rounding chooses between equal proposals, and a loss moves
    ),
    budget=Budget(cross=0, audit=0.0, extend=0),
)
