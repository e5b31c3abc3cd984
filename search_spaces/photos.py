"""Scratch or ImageNet, for a hundred photos and for thirty, in twenty minutes on two CPU cores?

    git clone https://github.com/datitran/raccoon_dataset    # 200 photos with boxes, MIT licence
    python -m study.sweep photos --data raccoon_dataset --run-dir runs/raccoons
    python -m analysis runs/raccoons

The question of `custom`, cut down to what a coffee break allows: photos of 128 px on the shorter
side, 2 sizes × 2 arms × 2 trials, and 2 confirm runs each. With 110 photos scratch trains nine
times as long as the shortest length, to see whether it catches up: on that set it does not. More
trials (--trials 4) and more confirm runs (--confirm 4) sharpen the answer, at a cost that
`--dry-run` tells.
"""

from dataclasses import replace

from search_spaces.custom import SPACE as CUSTOM
from study.config import Budget, LogUniform, Nuisance, Scientific, SearchSpace

SPACE = SearchSpace(
    name="photos",
    scientific=Scientific(arms=("scratch", "imagenet"), sizes=(32, 110)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.01, high=0.06),
            "weight_decay": LogUniform(low=1e-5, high=1e-3),
        },
        lengths=(100, 300),
        longer={110: (100, 300, 900)},
    ),
    fixed=replace(
        CUSTOM.fixed, model=replace(CUSTOM.fixed.model, short_px=128, long_px=230, masks=False)
    ),
    budget=Budget(trials=2, confirm=2, cross=0, audit=0, extend=0, growth=1.5, max_times=1.5),
)
