"""Does a backbone pre-trained on classifying shapes help to detect and segment them?

    python -m study.sweep shapes --run-dir runs/demo
    python -m analysis runs/demo

The smallest complete study, and a real one: both arms at three sizes, images generated on the
spot, a thin network, minutes on two CPU cores. 3 sizes × 2 arms × 4 trials, 2 confirm runs each.

Numbers: not yet run.
"""

from study.config import (
    DataConfig,
    LogUniform,
    Nuisance,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
)

SPACE = SearchSpace(
    name="shapes",
    scientific=Scientific(arms=("scratch", "pretext"), sizes=(24, 128, 1024)),
    nuisance=Nuisance(
        lr=LogUniform(low=0.01, high=0.1),  # 0.2 diverges now and then
        weight_decay=LogUniform(low=1e-5, high=1e-2),
        lengths=(100, 200, 400),
    ),
    fixed=RunConfig(
        data=DataConfig(name="shapes"),
        schedule=ScheduleConfig(tail=(44, 14), warmup=20),
    ),
)
